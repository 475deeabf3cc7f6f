"""Attention against torch's own, and the layers of DMA."""

import pytest
import torch

from vpuformer.config import DmaConfig
from vpuformer.network.attention import Attention
from vpuformer.network.dma import DMA, channel_gate, merge, pixel_gate
from vpuformer.network.embedding import sine_grid


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_equals_torchs_multihead_attention(generator):
    ours, twin = Attention(32, 4), torch.nn.MultiheadAttention(32, 4, batch_first=True)
    with torch.no_grad():
        twin.in_proj_weight.copy_(torch.cat([ours.q.weight, ours.k.weight, ours.v.weight]))
        twin.in_proj_bias.copy_(torch.cat([ours.q.bias, ours.k.bias, ours.v.bias]))
        twin.out_proj.weight.copy_(ours.out.weight)
        twin.out_proj.bias.copy_(ours.out.bias)
    q, kv = (
        torch.randn(2, 5, 32, generator=generator),
        torch.randn(2, 7, 32, generator=generator),
    )
    valid = torch.tensor([[True] * 7, [True] * 3 + [False] * 4])
    mine, weights = ours(q, kv, kv, valid)
    theirs, their_weights = twin(q, kv, kv, ~valid, average_attn_weights=False)
    assert torch.allclose(mine, theirs, atol=1e-6)
    assert torch.allclose(weights, their_weights, atol=1e-6)


def test_without_a_valid_key_nothing_is_added(generator):
    layer = Attention(16, 2)
    x = torch.randn(1, 3, 16, generator=generator)
    out, weights = layer(x, x, x, torch.zeros(1, 3, dtype=torch.bool))
    assert weights.abs().sum() == 0 and torch.allclose(out, layer.out.bias.expand_as(out))


def test_gates_take_the_strongest_valid_response():
    prompts = torch.tensor([[[0.0, 2.0], [3.0, -1.0], [9.0, 9.0]]])
    valid = torch.tensor([[True, True, False]])
    assert torch.equal(channel_gate(prompts, valid), torch.tensor([[3.0, 2.0]]).sigmoid())
    assert channel_gate(prompts, torch.zeros(1, 3, dtype=torch.bool)).abs().sum() == 0
    assert torch.equal(pixel_gate(prompts), torch.tensor([[2.0, 3.0, 9.0]]).sigmoid())


def test_merge_and_its_literal_square():
    f, g_c, g_p = torch.full((1, 1, 1), 2.0), torch.full((1, 1), 0.5), torch.full((1, 1), 0.25)
    assert merge(f, g_c, g_p).item() == 3.5  # 2 (1 + .5 + .25)
    assert merge(f, g_c, g_p, squared=True).item() == 5.0  # 2 + .5 * 4 + .25 * 4


@pytest.mark.parametrize("form", ["recommended", "literal", "code"])
def test_padding_and_order_change_nothing(form, generator):
    torch.manual_seed(1)
    dma = DMA(DmaConfig(form=form, embed_dim=32)).double()
    prompts = torch.randn(2, 4, 32, generator=generator, dtype=torch.float64)
    pixels = torch.randn(2, 12, 32, generator=generator, dtype=torch.float64)
    pe = sine_grid((3, 4), 32).double()
    valid = torch.tensor([[True] * 4, [True, True, False, False]])
    states = dma(prompts, pixels, pe, valid)
    assert len(states) == 3

    spoiled = torch.where(valid[..., None], prompts, 1e3)
    again = dma(spoiled, pixels, pe, valid)
    order = torch.tensor([2, 0, 3, 1])
    permuted = dma(prompts[:, order], pixels, pe, valid[:, order])
    wider = dma(torch.cat([prompts, prompts], 1), pixels, pe, torch.cat([valid, valid & False], 1))
    for a, b, c, d in zip(states, again, permuted, wider, strict=True):
        assert torch.equal(a.dual, b.dual)  # what stands in padded slots has no effect at all
        assert torch.allclose(a.dual, c.dual, atol=1e-12)
        assert torch.allclose(a.dual, d.dual, atol=1e-12)


def test_forms_differ(generator):
    outputs = []
    for form in ("recommended", "literal", "code"):
        torch.manual_seed(1)
        dma = DMA(DmaConfig(form=form, embed_dim=16, num_heads=2))
        g = torch.Generator().manual_seed(2)
        prompts, pixels = torch.randn(1, 2, 16, generator=g), torch.randn(1, 6, 16, generator=g)
        valid = torch.ones(1, 2, dtype=torch.bool)
        outputs.append(dma(prompts, pixels, sine_grid((2, 3), 16), valid)[-1].dual)
    assert not torch.allclose(outputs[0], outputs[1])
    assert not torch.allclose(outputs[1], outputs[2])
