"""The paper's four models: shapes, fusion, decoders, frame sides, numbers of weights."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from vpuformer.config import PRESETS, DmaConfig, ModelConfig, PueConfig, from_json, to_json
from vpuformer.errors import ConfigError
from vpuformer.model import build, preset
from vpuformer.network.encoders.vit import ViT
from vpuformer.network.pyramid import PlainDecoder
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch

PROMPTS = [[Click(20, 30), Box(60, 40, 30, 20, False)], [Scribble([(5, 5), (40, 30)])]]


def small(encoder, **changes):
    config = ModelConfig(
        encoder=encoder,
        prompt_maps="none",
        pue=PueConfig(length=64),
        dma=DmaConfig(embed_dim=32),
        decoder_dim=16,
        decoder_depth=1,
    )
    return replace(config, **changes)


def millions(module):
    return sum(p.numel() for p in module.parameters()) / 1e6


@pytest.mark.parametrize(
    ("encoder", "fusion", "decoder"),
    [
        *product(["mit_b0", "hrnet18s"], ["early", "late"], ["light", "code", "literal"]),
        ("resnet50", "early", "light"),
        ("resnet50", "late", "code"),
    ],
)
def test_every_combination_answers(encoder, fusion, decoder):
    model = build(small(encoder, fusion=fusion, decoder=decoder)).eval()
    size = (64, 128)
    image, prev = torch.rand(2, 3, *size), torch.rand(2, 1, *size)
    with torch.no_grad():
        features = model.encode_image(image, prev)
        answer = model.decode(features, PromptBatch.of(PROMPTS), prev, details=True)
        other = model.decode(model.encode_image(image, 1 - prev), PromptBatch.of(PROMPTS), 1 - prev)
    assert answer.logits.shape == (2, 1, *size) and answer.logits.isfinite().all()
    assert answer.rho.shape == (2, 2, 16, 32)
    assert (features.x8 is None) is (decoder != "light")
    assert not torch.equal(answer.logits, other.logits)  # the mask matters either way


@pytest.mark.parametrize("decoder", ["light", "code"])
@pytest.mark.parametrize("fusion", ["early", "late"])
def test_a_plain_transformer_answers(monkeypatch, fusion, decoder):
    monkeypatch.setattr(
        "vpuformer.model.ViT", lambda: ViT(32, 2, 2, window=14, global_blocks=(1,), grid=28)
    )
    model = build(small("vit_b", fusion=fusion, decoder=decoder)).eval()
    image, prev = torch.rand(1, 3, 224, 448), torch.rand(1, 1, 224, 448)
    with torch.no_grad():
        features = model.encode_image(image, prev)
        answer = model.decode(features, PromptBatch.of(PROMPTS), prev.expand(2, -1, -1, -1))
        blank = model.encode_image(image)
    assert answer.logits.shape == (2, 1, 224, 448) and answer.logits.isfinite().all()
    assert torch.equal(features.x16, blank.x16) is (fusion == "late")


def test_sides_that_suit():
    sides = {name: preset(name).image_sides for name in PRESETS}
    assert sides.pop("vit_b") == 224 and set(sides.values()) == {32}
    assert replace(preset("vit_b"), decoder="literal").image_sides == 448
    model = build(small("mit_b0", decoder="literal"))
    with pytest.raises(ConfigError, match="multiples of 64"):
        model.encode_image(torch.zeros(1, 3, 96, 128))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_round_trip(name):
    config = preset(name)
    assert from_json(ModelConfig, to_json(config)) == config
    assert config.size % config.image_sides == 0


def test_fused_levels_equal_the_wide_map():
    """The authors' head to the letter: ReLU levels at 1/4, concatenated, one 1x1, ReLU."""
    decoder = PlainDecoder(8, 32, "code").eval()
    x4, duals = torch.rand(2, 128, 16, 24), [torch.rand(2, 32, 4, 6) for _ in range(3)]
    with torch.no_grad():
        _, fused = decoder(x4, None, duals)
        maps = [x4] + [level(d) for level, d in zip(decoder.levels, duals, strict=True)]
        maps = [torch.relu(n(m)) for n, m in zip(decoder.narrow, maps, strict=True)]
        wide = torch.cat(
            [torch.nn.functional.interpolate(m, (16, 24), mode="bilinear") for m in maps], 1
        )
        weight = torch.cat([f.weight for f in decoder.fuse], 1)
        plain = torch.relu(torch.nn.functional.conv2d(wide, weight, decoder.fuse[0].bias))
    assert torch.allclose(fused, plain, atol=1e-5)


def test_literal_scales_are_4_16_32_64():
    decoder = PlainDecoder(8, 32, "literal")
    dual = torch.rand(1, 32, 4, 8)
    assert [tuple(level(dual).shape[1:]) for level in decoder.levels] == [
        (512, 4, 8),
        (1024, 2, 4),
        (1024, 1, 2),
    ]
    assert decoder.head.in_channels == 4 * 8


def test_numbers_of_weights():
    """Of the authors' ViT-B class; within 1 %, differences named."""
    model = build(preset("vit_b"))
    expected = {
        "encoder": 87.0 - 0.77,  # without the unused classifier
        "dma": 20.1 - 1.18,  # without the extra attention after the third layer
    }
    found = {name: millions(getattr(model, name)) for name in expected}
    assert found == pytest.approx(expected, rel=0.01)
    pyramid = [model.neck.fine, *model.decoder.levels]
    assert sum(map(millions, pyramid)) == pytest.approx(9.5, rel=0.01)
    head = [model.decoder.narrow, model.decoder.fuse, model.decoder.head]
    assert sum(map(millions, head)) == pytest.approx(0.75, rel=0.03)


@pytest.mark.parametrize(
    ("name", "trunk", "extra"),
    [("mit_b0", 3.319, 0), ("hrnet18s", 3.853, 0), ("resnet50", 23.508 - 0.027, 15.537)],
)
def test_trunks_have_their_published_size(name, trunk, extra):
    """BatchNorm folded: its two weights a channel became one bias."""
    assert millions(build(preset(name)).encoder) == pytest.approx(trunk + extra, rel=0.003)
