"""Table IV's rivals: distances against a slow loop, what a learned vector looks up, in a model."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from vpuformer.config import DmaConfig, ModelConfig, PueConfig
from vpuformer.errors import ConfigError
from vpuformer.model import build
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch, encode, encode_batch

PROMPTS = [
    Click(20, 30),
    Box.from_corners(10, 20, 70, 44, positive=False),
    Scribble([(5, 50), (40, 50), (60, 20)]),
]
SIZE = (64, 96)


def vectors(encoding, prompts, size=SIZE, length=64):
    return encode_batch(
        PromptBatch.of([prompts]), size, PueConfig(length=length, encoding=encoding)
    )[0]


def to_segment(p, a, b):
    run = (b[0] - a[0], b[1] - a[1])
    square = run[0] ** 2 + run[1] ** 2
    t = ((p[0] - a[0]) * run[0] + (p[1] - a[1]) * run[1]) / square if square else 0.0
    t = min(max(t, 0.0), 1.0)
    return math.dist(p, (a[0] + t * run[0], a[1] + t * run[1]))


def test_distance_maps_equal_a_slow_loop():
    found = vectors("distance", PROMPTS, size=(64, 64))
    corners = [(10, 20), (70, 20), (70, 44), (10, 44), (10, 20)]
    strokes = [[(20, 30)] * 2, corners, PROMPTS[2].points]
    for row, (prompt, line) in enumerate(zip(found, strokes, strict=True)):
        for i in range(16):
            p = (i % 4 * 16 + 7.5, i // 4 * 16 + 7.5)
            d = min(to_segment(p, a, b) for a, b in pairwise(line))
            assert prompt[i].item() == pytest.approx(min(d / 64, 1), abs=1e-5), (row, i)
    assert found[:, 16:].tolist() == [[1, 0], [0, 1], [1, 0]]


def test_learned_vectors_look_up_columns_rows_and_kind():
    click, box, scribble = vectors("learned", PROMPTS, size=(64, 64))
    assert click[:128].nonzero().flatten().tolist() == [20, 64 + 30]
    assert click[128:131].tolist() == [1, 0, 0] and box[128:131].tolist() == [0, 1, 0]
    assert box[:64][[10, 63]].tolist() == [0.5, 0.5]  # the right side is clamped to the grid
    assert box[64:128][[20, 44]].tolist() == [0.5, 0.5]
    assert scribble[128:131].tolist() == [0, 0, 1]
    assert scribble[:64].sum().item() == pytest.approx(1, abs=1e-5)
    assert scribble[:64].nonzero().flatten().tolist()[0] == 5


@pytest.mark.parametrize("encoding", ["distance", "learned"])
def test_rivals_work_in_a_model(encoding):
    pue = PueConfig(length=64, encoding=encoding)
    config = ModelConfig(
        encoder="tiny", pue=pue, prompt_maps="none", dma=DmaConfig(embed_dim=32), decoder_dim=16
    )
    model = build(config).eval()
    assert model.prompt_embedding.place.weight.std() > 0
    image = torch.rand(1, 3, *SIZE)
    with torch.no_grad():
        features = model.encode_image(image)
        one = model.decode(features, PromptBatch.of([PROMPTS])).logits
        turned = model.decode(features, PromptBatch.of([PROMPTS[::-1]])).logits
        padded = model.decode(features, PromptBatch.of([PROMPTS, PROMPTS[:1]])).logits
        moved = model.decode(features, PromptBatch.of([[Click(60, 30), *PROMPTS[1:]]])).logits
    assert torch.allclose(one, turned, atol=1e-5) and torch.allclose(one, padded[:1], atol=1e-5)
    assert not torch.allclose(one, moved, atol=1e-4)
    with pytest.raises(ConfigError, match="Use prompt_maps='none'"):
        build(replace(config, prompt_maps="restored"))
    with pytest.raises(ConfigError, match="Use encode_batch"):
        encode(PROMPTS, SIZE, pue)
