"""PromptBatch and encode_batch against the one-by-one encoder."""

import math

import pytest
import torch

from vpuformer.config import PueConfig
from vpuformer.errors import PromptError
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch, encode, encode_batch

LISTS = [
    [Click(5, 6), Box(50, 40, 20, 30, False)],
    [],
    [Scribble([(3, 4), (40, 60), (80, 20)]), Click(1, 2, False), Click(90, 5)],
]
SIZE = (96, 128)


def test_batch_equals_one_by_one_on_the_grid():
    config = PueConfig(length=64)
    vectors = encode_batch(PromptBatch.of(LISTS), SIZE, config)
    assert vectors.shape == (3, 3, 130)
    for row, prompts in zip(vectors, LISTS, strict=True):
        expected = encode([p.rescaled(SIZE, (64, 64)) for p in prompts], (64, 64), config)
        assert torch.allclose(row[: len(prompts)], expected, atol=1e-5)
        assert row[len(prompts) :].abs().sum() == 0


def test_nan_in_a_padded_slot_changes_nothing():
    batch = PromptBatch.of(LISTS)
    spoiled = PromptBatch(
        torch.where(batch.valid, batch.kind, 2),
        batch.positive | ~batch.valid,
        batch.valid,
        torch.where(batch.valid[..., None], batch.xywh, torch.nan),
        torch.where(batch.valid[..., None, None], batch.points, torch.nan),
    )
    config = PueConfig(length=64)
    assert torch.equal(encode_batch(spoiled, SIZE, config), encode_batch(batch, SIZE, config))


def test_click_anywhere_on_a_larger_frame_is_seen():
    for x, y in ((600, 100), (500, 500), (671, 0)):
        vector = encode_batch(PromptBatch.of([[Click(x, y)]]), (672, 672), PueConfig())[0, 0]
        assert (vector[:448] == 1).sum() == 1 and (vector[448:896] == 1).sum() == 1


def test_a_hundred_prompts_at_once():
    many = [Click(i, i / 2, i % 2 == 0) for i in range(100)]
    assert encode_batch(PromptBatch.of([many]), SIZE, PueConfig()).shape == (1, 100, 898)


def test_append_widens_strokes_and_keeps_both_sides():
    left = PromptBatch.of([[Click(1, 2), Scribble([(2, 30), (80, 40)])], []])
    right = PromptBatch.of([[Scribble([(0, 0), (50, 50), (90, 10)])], [Box(4, 4, 2, 2)]])
    joined = left.append(right)
    assert joined.points.shape == (2, 3, 3, 2)
    config = PueConfig(length=32)
    parts = [encode_batch(b, SIZE, config) for b in (left, right)]
    assert torch.equal(encode_batch(joined, SIZE, config), torch.cat(parts, 1))
    with pytest.raises(PromptError, match="same batch size"):
        left.append(PromptBatch.of([[Click(0, 0)]]))


def test_a_repeated_vertex_changes_no_scribble():
    corners = [(2, 2), (4, 5), (6, 0), (8, 5), (10, 2)]  # row 2 is met at x = 2, 5.2, 6.8, 10
    alone = encode([Scribble(corners)], (32, 32), PueConfig())[0]
    assert alone[32 + 2] == pytest.approx(math.exp(-0.5 * (3.2 / 3) ** 2))  # 5.2, sigma = 9 / 3
    still = Scribble([vertex for vertex in corners for _ in range(3)])
    assert torch.equal(encode([still], (32, 32), PueConfig())[0], alone)
    longer = Scribble([(i, i % 7) for i in range(20)])  # pads the zigzag's row of the batch
    batch = PromptBatch.of([[Scribble(corners), longer]])
    assert torch.equal(encode_batch(batch, (32, 32), PueConfig(length=32))[0, 0], alone)
    twice, once = encode([Scribble([(9, 9)] * 2), Scribble([(9, 9)])], (32, 32), PueConfig())
    assert torch.equal(twice, once) and once.any()


def test_slots_come_in_multiples_of_a_step():
    shapes = {n: PromptBatch.of([[Click(1, 2)] * n], step=4).kind.shape[1] for n in (0, 1, 4, 5)}
    assert shapes == {0: 4, 1: 4, 4: 4, 5: 8}


def test_chosen_pictures_keep_their_own_prompts():
    batch, index, config = PromptBatch.of(LISTS), torch.tensor([2, 0]), PueConfig(length=64)
    chosen = encode_batch(batch.select(index), SIZE, config)
    assert torch.equal(chosen, encode_batch(batch, SIZE, config)[index])


@pytest.mark.parametrize("encoding", ["pue", "distance", "learned"])
def test_padded_slots_are_zero(encoding):
    config = PueConfig(length=64, encoding=encoding)
    found = encode_batch(PromptBatch.of([[Click(5, 6)], []]), SIZE, config)
    assert found[0].any() and not found[1].any()


def test_each_picture_is_read_for_its_own_prompts():
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    lists = [[Click(5, 6), Click(30, 40)], [Click(9, 50), Click(60, 3)]]
    config = PueConfig(length=64, visual="bilateral")
    found = encode_batch(PromptBatch.of(lists), (64, 64), config, images)
    for row, prompts, image in zip(found, lists, images, strict=True):
        torch.testing.assert_close(row, encode(prompts, (64, 64), config, image))
