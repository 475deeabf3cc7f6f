from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from vpuformer.prompts import Box, Click, check_inside
from vpuformer.robot.next_prompt import next_box, next_click, next_scribble
from vpuformer.robot.stroke import VERTICES


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def shapes():
    y, x = np.mgrid[:90, :140]
    disc = (x - 70) ** 2 + (y - 45) ** 2 <= 30**2
    ring = disc & ((x - 70) ** 2 + (y - 45) ** 2 > 20**2)
    bent = ((x > 10) & (x < 20) & (y > 5)) | ((y > 75) & (y < 84) & (x > 10) & (x < 130))
    thin = (x == y) & (x < 80)
    dot = (x == 7) & (y == 30)
    whole = np.ones_like(disc)
    return {"disc": disc, "ring": ring, "bent": bent, "thin": thin, "dot": dot, "whole": whole}


def test_click_on_the_deepest_pixel_then_on_the_next():
    gt = np.zeros((11, 17), bool)
    gt[2:7, 3:8] = True
    empty = np.zeros_like(gt)
    first = next_click(gt, empty)
    assert first == Click(5, 4)
    second = next_click(gt, empty, [first, Box(5, 4, 2, 2)])
    assert second == Click(4, 3)  # of eight that are equally deep, the first row by row
    assert next_click(empty, gt) == Click(5, 4, positive=False)


def test_click_on_a_perfect_mask_is_the_protocols():
    gt = np.eye(5, 8, dtype=bool)
    assert next_click(gt, gt) == Click(0, 0, positive=False)


def test_ignored_pixels_are_never_clicked():
    gt = np.zeros((11, 17), bool)
    gt[1:10, 2:15] = True
    ignore = np.zeros_like(gt)
    ignore[:, 4:13] = True
    click = next_click(gt, np.zeros_like(gt), ignore=ignore)
    assert not ignore[click.pixel[1], click.pixel[0]]


def test_first_box_is_the_objects():
    gt = np.zeros((20, 30), bool)
    gt[3:8, 10:25] = True
    assert next_box(gt, np.zeros_like(gt)) == Box.from_pixels(10, 3, 24, 7)
    assert next_box(np.zeros_like(gt), gt) == Box.from_pixels(10, 3, 24, 7, positive=False)
    assert next_box(gt, gt) is None


def test_a_later_box_is_that_of_one_piece():
    gt = np.zeros((20, 30), bool)
    gt[3:17, 4:26] = True
    pred = gt.copy()
    pred[3:17, 4:7] = pred[3:17, 24:26] = False  # missed on both sides
    assert next_box(gt, pred) == Box.from_pixels(4, 3, 6, 16)
    gt[:, 14:16] = False
    first = next_box(gt, np.zeros_like(gt))  # an object of two pieces
    assert first == Box.from_pixels(4, 3, 25, 16)


@pytest.mark.parametrize("name", shapes())
@pytest.mark.parametrize("positive", [True, False])
def test_stroke_stays_on_the_region(name, positive, rng):
    region = shapes()[name]
    empty = np.zeros_like(region)
    gt, pred = (region, empty) if positive else (empty, region)
    for _ in range(5):
        stroke = next_scribble(gt, pred, rng=rng)
        assert stroke is not None and stroke.positive is positive
        assert 1 <= len(stroke.points) <= VERTICES
        check_inside(stroke, region.shape)
        line = np.array(stroke.points)
        t = np.linspace(0, 1, 50)[:, None]
        pieces = [a + t * (b - a) for a, b in pairwise(line)]
        x, y = np.floor(np.concatenate([*pieces, line]) + 0.5).astype(int).T
        # Between the quarter pixels that are looked at, a corner may be cut.
        assert region[y, x].mean() > 0.95
        assert ndimage.binary_dilation(region, iterations=1)[y, x].all()


def test_stroke_runs_along_a_bent_region(rng):
    region = shapes()["bent"]
    stroke = next_scribble(region, np.zeros_like(region), rng=rng)
    assert stroke is not None
    x0, y0, x1, y1 = stroke.bounds
    assert x1 - x0 > 60 and y1 - y0 > 35 and len(stroke.points) > 10


def test_stroke_keeps_to_the_middle(rng):
    region = np.zeros((60, 150), bool)
    region[10:51, 5:145] = True
    stroke = next_scribble(region, np.zeros_like(region), rng=rng)
    assert stroke is not None
    ys = np.array(stroke.points)[:, 1]
    assert abs(ys - 30).max() < 12


def test_stroke_depends_on_the_generator_alone():
    region = shapes()["disc"]
    empty = np.zeros_like(region)

    def draw(seed):
        return next_scribble(region, empty, rng=np.random.default_rng(seed))

    assert draw(1) == draw(1) != draw(2)
    assert next_scribble(region, region, rng=np.random.default_rng(0)) is None
