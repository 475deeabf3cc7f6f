"""Four scales into one map (Eq. 11-13), and that map beside the prompts (Eq. 14-15)."""

import pytest
import torch
from torch.nn import functional as F

from vpuformer.network.alignment import Alignment
from vpuformer.network.attention import Attention, FeedForward
from vpuformer.network.decoder import Decoder, Neck, SeparableBlock


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def up(x):
    return F.interpolate(x, scale_factor=2, mode="bilinear")


def up4(x):
    return F.interpolate(x, scale_factor=4, mode="bilinear")


@torch.no_grad()
def test_the_decoder_is_the_concatenation_that_it_never_builds():
    decoder = Decoder(8, 16, depth=2)
    x4, x8 = torch.randn(1, 8, 16, 24), torch.randn(1, 8, 8, 12)
    first, second, third = torch.randn(3, 1, 16, 4, 6)
    x8_own = decoder.block_8(x8 + up(decoder.from_8(first)))
    x16, x32 = decoder.block_16(second), decoder.block_32(F.avg_pool2d(third, 2))
    wide = torch.cat([x4, up(x8_own), up(up(x16)), up(up(up(x32)))], 1)  # Eq. 11
    levels = (decoder.level_4, decoder.level_8, decoder.level_16, decoder.level_32)
    weight, bias = torch.cat([c.weight for c in levels], 1), sum(c.bias for c in levels)
    fused = decoder.blocks(F.conv2d(wide, weight, bias).relu())  # Eq. 12, 13
    logits, F_v_hat = decoder(x4, x8, [first, second, third])
    torch.testing.assert_close(F_v_hat, fused, atol=1e-5, rtol=1e-5)
    assert logits.shape == (1, 1, 64, 96)
    torch.testing.assert_close(logits, up4(decoder.head(fused)), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_block_filters_each_channel_then_mixes_them():
    block, x = SeparableBlock(4), torch.randn(1, 4, 7, 9)
    filters = block.depthwise.weight[:, 0]  # C 5 5
    patches = F.unfold(x, 5, padding=2).view(1, 4, 25, 63)
    filtered = (patches * filters.flatten(1)[..., None]).sum(2).view_as(x)
    filtered = filtered + block.depthwise.bias[:, None, None]
    normed = (filtered - filtered.mean()) / filtered.var(correction=0).add(1e-5).sqrt()
    expected = x + block.project(block.expand(normed).relu())
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("last", [(2, 3), (4, 6)])  # 1/32, or 1/16 where the encoder is dilated
@torch.no_grad()
def test_the_neck_brings_the_fourth_map_to_the_third(last):
    neck = Neck((3, 4, 5, 6), 8, 16)
    maps = [torch.randn(1, 3, 16, 24), torch.randn(1, 4, 8, 12), torch.randn(1, 5, 4, 6)]
    maps.append(torch.randn(1, 6, *last))
    coarse = neck.to_32(maps[3])
    mixed = neck.to_16(maps[2]) + (up(coarse) if last == (2, 3) else coarse)
    x4, x8, x16 = neck(maps)
    torch.testing.assert_close(x4, neck.to_4(maps[0]))
    torch.testing.assert_close(x8, neck.to_8(maps[1]))
    torch.testing.assert_close(x16, neck.mix(mixed))


@torch.no_grad()
def test_rho_is_the_angle_between_a_pixel_and_a_prompt():
    alignment = Alignment(3, 2)
    alignment.prompt.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
    alignment.prompt.bias.copy_(torch.tensor([0.0, 5]))
    pixels = torch.tensor([[5.0, 0], [0.1, 0.1], [-3, 0], [0, -9]]).T.view(1, 2, 2, 2)
    prompts = torch.tensor([[[7.0, -5, 100], [3, -1, 0]]])  # by weight and bias: (7, 0), (3, 4)
    cosines = [[[1, 0.5**0.5], [-1, 0]], [[0.6, 7 / 50**0.5], [-0.6, -0.8]]]
    expected = (1 + torch.tensor([cosines])) / 2
    torch.testing.assert_close(alignment(pixels, prompts), expected)


@torch.no_grad()
def test_two_layers_with_what_is_below_0_cut_between():
    layers, x = FeedForward(4, 1.5), torch.randn(2, 3, 4)
    (first, _, second), hidden = layers, layers[0](x)
    assert first.out_features == 6 and (hidden < 0).any()
    torch.testing.assert_close(layers(x), second(hidden.clamp(min=0)))


def test_equal_places_attend_to_each_other_at_first():
    attention = Attention(8, 2)
    assert torch.equal(attention.k.weight, attention.q.weight)
    attention.k.weight.data.add_(1)  # and are trained apart
    assert not torch.equal(attention.k.weight, attention.q.weight)
