"""Prompts simulated in batch, against OpenCV and by what they must point at."""

import cv2
import numpy as np
import pytest
import torch

from vpuformer.pue import BOX, CLICK, SCRIBBLE
from vpuformer.training.sampling import (
    choose,
    distance_transform,
    find_error,
    first_prompts,
    flood,
    simulate,
    uniforms,
)

SIZE = (96, 128)


@pytest.fixture
def scene():
    """Four samples: a block, a speck, nothing, two blobs."""
    target = torch.zeros(4, 1, *SIZE)
    target[0, :, 20:70, 30:90] = 1
    target[1, :, 40:42, 50:53] = 1
    target[3, :, 8:30, 8:30] = 1
    target[3, :, 40:90, 60:120] = 1
    return target, torch.ones_like(target)


def draws(batch=4, step=0):
    return uniforms(0, step, list(range(batch)), 4, "cpu")


def test_distance_equals_opencv():
    mask = torch.rand(5, 30, 44, generator=torch.Generator().manual_seed(0)) > 0.12
    mask[0], mask[1] = True, False
    ours = distance_transform(mask)
    for m, d in zip(mask.numpy(), ours.numpy(), strict=True):
        padded = np.pad(m.astype(np.uint8), 1)
        theirs = cv2.distanceTransform(padded, cv2.DIST_L2, 0)[1:-1, 1:-1]
        np.testing.assert_allclose(d, theirs, atol=1e-5)


def test_choose_follows_the_weights():
    weights = torch.tensor([[0.0, 1.0, 3.0, 0.0]]).expand(1000, -1)
    picks = choose(weights, (torch.arange(1000) + 0.5) / 1000)
    assert torch.bincount(picks, minlength=4).tolist() == [0, 250, 750, 0]
    assert choose(weights[:1], torch.zeros(1)).item() == 1  # what weighs nothing is never drawn


def test_flood_stays_in_the_connected_part(scene):
    cells = scene[0][3, 0, ::4, ::4][None] > 0
    part = flood(cells, torch.tensor([12 * 32 + 20]))  # row 12, column 20: the larger blob
    expected = cells.clone()
    expected[:, :9, :9] = False
    assert torch.equal(part, expected)


def test_flood_equals_opencv_on_any_mask():
    chance = torch.rand(40, 24, 32, generator=torch.Generator().manual_seed(0))
    masks = chance < torch.linspace(0.2, 0.8, 40)[:, None, None]
    starts = [int(mask.flatten().float().argmax()) for mask in masks]  # the first cell of each
    parts = flood(masks, torch.tensor(starts)).numpy()
    for mask, start, part in zip(masks.numpy(), starts, parts, strict=True):
        labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
        assert np.array_equal(part, labels == labels.flat[start])


def test_flood_goes_to_the_end_of_a_winding_part():
    mask = torch.ones(1, 41, 40, dtype=torch.bool)
    mask[:, 1::4, :-1] = mask[:, 3::4, 1:] = False  # 820 cells long, from corner to corner
    assert torch.equal(flood(mask, torch.tensor([0])), mask)


def test_flood_goes_to_the_end_of_a_part_that_winds_over_corners():
    ways = torch.ones(21, 21, dtype=torch.bool)
    ways[1::4, :-1] = ways[3::4, 1:] = False  # 241 cells from corner to corner
    a, b = ways.nonzero().T
    mask = torch.zeros(1, 41, 41, dtype=torch.bool)  # the same, turned: no two share an edge
    mask[0, a + b, a - b + 20] = True
    assert torch.equal(flood(mask, torch.tensor([20])), mask)


def test_uniforms_depend_on_seed_step_and_index_alone():
    a, b = uniforms(0, 5, [3, 4], 2, "cpu"), uniforms(0, 5, [4], 2, "cpu")
    assert torch.equal(a[1:], b)
    assert not torch.equal(a, uniforms(0, 6, [3, 4], 2, "cpu"))
    assert not torch.equal(a, uniforms(1, 5, [3, 4], 2, "cpu"))


@pytest.mark.parametrize("step", range(5))
def test_clicks_lie_deep_inside_the_error(scene, step):
    target, valid = scene
    prompts = simulate(
        find_error(target, torch.zeros_like(target), valid), draws(step=step)[:, 0], (1, 0, 0)
    )
    assert prompts.valid[:, 0].tolist() == [True, True, False, True]
    for b in (0, 1, 3):
        x, y = prompts.xywh[b, 0, :2].long().tolist()
        assert target[b, 0, y, x] == 1 and prompts.positive[b, 0]  # row = y
    assert prompts.xywh[3, 0, 0] > 58  # the deeper blob is the larger one


def test_surplus_asks_for_a_negative_click_and_ties_do_too(scene):
    target, valid = scene
    error = find_error(torch.zeros_like(target), target, valid)
    assert not error.positive.any() and error.exists.tolist() == [True, True, False, True]
    both = torch.zeros(1, 1, *SIZE)
    both[..., 16:48, 8:40] = 1
    other = torch.flip(both, (3,))
    assert not find_error(both, other, torch.ones_like(both)).positive.item()


def test_void_is_never_an_error(scene):
    target, valid = scene
    valid = valid * (1 - target)
    assert not find_error(target, torch.zeros_like(target), valid).exists.any()
    assert not find_error(torch.zeros_like(target), target, valid).exists.any()  # surplus there


def test_a_probability_above_049_is_the_object(scene):
    target, valid = scene
    exists = [find_error(target, p * target, valid).exists.tolist() for p in (0.495, 0.485)]
    assert exists == [[False] * 4, [True, True, False, True]]


def test_kinds_come_in_their_shares():
    target = torch.ones(6, 1, 32, 32)
    u = draws(6)[:, 0]
    u[:, 0] = torch.tensor([0.0, 0.59, 0.61, 0.79, 0.81, 0.99])
    prompts = simulate(find_error(target, 0 * target, target), u, (6, 2, 2))
    assert prompts.kind[:, 0].tolist() == [CLICK, CLICK, BOX, BOX, SCRIBBLE, SCRIBBLE]
    points = prompts.points[4:, 0]  # and a stroke's box is that of its points
    low, high = points.amin(1), points.amax(1)
    assert torch.allclose(prompts.xywh[4:, 0], torch.cat([(low + high) / 2, high - low], -1))


def test_boxes_hold_the_object(scene):
    target, valid = scene
    prompts = simulate(
        find_error(target, torch.zeros_like(target), valid), draws()[:, 0], (0, 1, 0)
    )
    assert (prompts.kind == BOX).all()
    cx, cy, w, h = prompts.xywh[0, 0].tolist()
    assert abs(cx - 59.5) < 4 and abs(cy - 44.5) < 4
    assert 60 * 0.95 <= w <= 60 * 1.13 and 50 * 0.95 <= h <= 50 * 1.13


def test_sides_of_boxes_move_by_shares_of_their_length():
    target = torch.zeros(2, 1, *SIZE)
    target[0, :, 23:71, 33:83] = 1  # 50 x 48; row 23 is a quarter of its cells
    target[1, :, 41, 50] = 1
    error, u = find_error(target, 0 * target, torch.ones_like(target)), draws(2)[:, 0]
    for chance, share in ((0.25, 0.0), (0.0, -0.02), (1.0, 0.06)):
        u[:, 3:7] = chance
        block, pixel = simulate(error, u, (0, 1, 0)).xywh[:, 0].tolist()
        assert block == pytest.approx([57.5, 46.5, 50 * (1 + 2 * share), 48 * (1 + 2 * share)])
        assert pixel == pytest.approx([50, 41, *[max(1, 1 + 2 * share)] * 2], abs=1e-5)


def test_strokes_stay_in_a_picture_that_is_all_object():
    target = torch.ones(64, 1, 32, 48)
    points = simulate(find_error(target, 0 * target, target), draws(64)[:, 0], (0, 0, 1)).points
    assert points.min() >= -0.5 and (points.amax((0, 1, 2)) < torch.tensor([47.5, 31.5])).all()


@pytest.mark.parametrize("step", range(5))
def test_strokes_stay_on_the_error(scene, step):
    target, valid = scene
    prompts = simulate(
        find_error(target, torch.zeros_like(target), valid), draws(step=step)[:, 0], (0, 0, 1)
    )
    assert (prompts.kind == SCRIBBLE).all()
    for b in (0, 3):
        x, y = prompts.points[b, 0].round().long().unbind(-1)
        assert target[b, 0, y, x].mean() > 0.85  # row = y; edge cells are half error
        assert (x.max() - x.min()) + (y.max() - y.min()) > 4


def test_first_round_sometimes_has_several_prompts(scene):
    target, valid = (t[:1].expand(64, -1, -1, -1) for t in scene)
    prompts = first_prompts(target, valid, draws(64), (6, 2, 2))
    counts = prompts.valid.sum(1)
    assert counts.min() == 1 and counts.max() == 3 and (counts == 1).sum() > 32
    negatives = prompts.valid & ~prompts.positive
    x, y = prompts.xywh[negatives][:, :2].long().unbind(-1)
    assert len(x) and target[0, 0, y, x].sum() == 0  # row = y
    prompts = first_prompts(target, target, draws(64), (6, 2, 2))  # all around is void
    assert not (prompts.valid & ~prompts.positive).any()
