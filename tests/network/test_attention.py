"""Attention against torch's own, and the layers of DMA."""

import pytest
import torch

from vpuformer.config import DmaConfig
from vpuformer.network.attention import Attention
from vpuformer.network.dma import DMA, DmaLayer, channel_gate, merge, pixel_gate
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


@pytest.mark.parametrize("form", ["recommended", "literal", "code"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_layer_step_by_step(form, index, generator):
    """Eq. 7 and 8 and Reading R10, written out."""
    torch.manual_seed(1)
    layer = DmaLayer(DmaConfig(form=form, embed_dim=16, num_heads=2), index)
    for norm in layer.norms:  # no two alike
        torch.nn.init.normal_(norm.weight, generator=generator)
        torch.nn.init.normal_(norm.bias, generator=generator)
    q, e = torch.randn(2, 1, 3, 16, generator=generator)
    f, pe = torch.randn(1, 6, 16, generator=generator), torch.randn(6, 16, generator=generator)
    valid = torch.tensor([[True, True, False]])
    n = [None, *layer.norms]
    among, to_pixels = layer.self_attention, layer.prompts_to_pixels
    to_prompts, ffn, pixel_ffn = layer.pixels_to_prompts, layer.prompt_ffn, layer.pixel_ffn
    if form == "recommended":
        place, v = n[1](q) + e, n[3](f)
        own = q + among(place, place, n[1](q), valid)[0]
        x = n[2](own)
        prompts = own + to_pixels(x + e, v + pe, v)[0]
        prompts = prompts + ffn(n[4](prompts))
        pixels = f + to_prompts(v + pe, x + e, x, valid)[0]
        pixels = pixels + pixel_ffn(n[5](pixels))
    elif form == "literal":
        q0 = q + e if index else q
        own = among(q0, q0, q0, valid)[0]
        prompts = ffn(n[4](to_pixels(own, f + pe, f)[0] + q0))
        pixels = pixel_ffn(n[5](to_prompts(f + pe, own, own, valid)[0] + f))
    else:
        first = among(q, q, q, valid)[0]
        own = n[1](q + among(q + e, q + e, q, valid)[0]) if index else n[1](first)
        x = n[2](own + to_pixels(own + e, f + pe, f)[0])
        prompts = n[3](x + ffn(x))
        pixels = n[4](f + to_prompts(f + pe, prompts + e, prompts, valid)[0])
    for ours, theirs in zip(layer(q, e, f, pe, valid), (own, prompts, pixels), strict=False):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("form", ["recommended", "literal", "code"])
def test_which_pixels_are_gated(form, generator):
    """Eq. 10 and Reading R12: by default the layer's own, else those that entered."""
    torch.manual_seed(1)
    dma = DMA(DmaConfig(form=form, embed_dim=16, num_heads=2))
    prompts, pixels = (torch.randn(1, n, 16, generator=generator) for n in (2, 6))
    pe, valid = sine_grid((2, 3), 16), torch.ones(1, 2, dtype=torch.bool)
    states = dma(prompts, pixels, pe, valid)
    again = dma.layers[1](states[0].prompts, prompts, states[0].pixels, pe, valid)  # the first ones
    torch.testing.assert_close(states[1].prompts, again[1])
    for state in states:
        base = state.pixels if form == "recommended" else pixels
        channels, places = state.prompts.amax(1).sigmoid(), state.pixels.amax(-1).sigmoid()
        gates = channels[:, None] + places[..., None]
        expected = base + base * gates * (base if form == "literal" else 1)
        torch.testing.assert_close(state.dual, expected)
