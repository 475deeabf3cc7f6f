import math

import numpy as np
import pytest

from vpuformer.errors import DataError
from vpuformer.metrics import bootstrap, boundary_iou, iou, iou_at, noc, nof, noi


def test_iou_by_hand():
    gt = np.array([[1, 1, 0], [0, 1, 0]], bool)
    pred = np.array([[1, 0, 0], [0, 1, 1]], bool)
    assert iou(gt, pred) == 2 / 4
    assert iou(gt, pred, np.array([[0, 1, 0], [0, 0, 0]], bool)) == 2 / 3
    assert iou(gt, pred, np.array([[1, 0, 0], [0, 0, 0]], bool)) == 1 / 3  # a right pixel less
    assert math.isnan(iou(np.zeros_like(gt), np.zeros_like(gt)))
    assert math.isnan(iou(gt, pred, np.ones_like(gt)))
    with pytest.raises(DataError, match=r"expected one .H, W"):
        iou(gt, pred.T)


def test_boundary_iou_looks_at_rims_alone():
    gt, pred = np.zeros((2, 60, 80), bool)  # a diagonal of 100: rims of 2 pixels
    gt[10:50, 10:70] = True
    pred[10:50, 10:70] = True
    assert boundary_iou(gt, pred) == 1
    pred[20:40, 20:60] = False  # a hole leaves the outer rim, adds one of its own
    outer, hole = 60 * 40 - 56 * 36, 44 * 24 - 40 * 20
    # A square's erosion also takes the corners around the hole.
    assert boundary_iou(gt, pred) == pytest.approx(outer / (outer + hole))
    unsure = np.where(pred, 0.6, 0.4)  # probabilities, cut at one half as `iou` cuts them
    assert boundary_iou(gt, unsure) == boundary_iou(gt, pred)
    shifted = np.roll(gt, 2, axis=1)
    assert boundary_iou(gt, shifted) < 0.75 < 0.9 < iou(gt, shifted)


def test_boundary_iou_counts_the_border_as_outside():
    gt, pred = np.ones((60, 80), bool), np.ones((60, 80), bool)
    pred[:, :2] = False
    rim, both = 80 * 60 - 76 * 56, 80 * 60 - 76 * 56 - 2 * 60
    assert boundary_iou(gt, pred) == pytest.approx((both) / (rim + 2 * 56), abs=1e-12)


def test_boundary_iou_of_large_and_of_tiny_pictures():
    gt, pred = np.ones((2, 300, 400), bool)  # a diagonal of 500: rims of 10 pixels
    pred[100:200, 100:300] = False
    rim, hole = 300 * 400 - 280 * 380, 120 * 220 - 100 * 200
    assert boundary_iou(gt, pred) == pytest.approx(rim / (rim + hole))
    assert boundary_iou(np.ones((5, 9)), np.ones((5, 9))) == 1  # never thinner than a pixel


def test_boundary_iou_leaves_ignored_pixels_out():
    gt, pred = np.zeros((2, 60, 80), bool)
    gt[10:30, 10:30] = pred[10:30, 10:30] = True
    pred[40:50, 50:60] = True
    assert boundary_iou(gt, pred) < 1 == boundary_iou(gt, pred, pred & ~gt)


def test_noc_by_hand():
    ious = [0.5, 0.85, 0.7, 0.9]
    assert noc(ious, 0.85) == noi(ious, 0.85) == 2
    assert noc(ious, 0.9) == 4
    assert noc(ious, 0.95) == 20 and noc(ious, 0.95, 10) == 10
    assert noc([], 0.5) == 20
    # Compared in float32, as the reference does: equal there.
    assert noc([0.8500000001], 0.85 + 1e-9) == 1


def test_nof_counts_a_success_in_the_last_round_both_ways():
    late = [0.1] * 19 + [0.95]
    assert nof([late, [0.1] * 20, [0.95]], 0.9) == (1, 2)


def test_what_comes_after_the_limit_does_not_count():
    run = [0.1] * 14 + [0.95]
    assert noc(run, 0.9, 10) == 10 and noc(run, 0.9) == 15
    assert nof([run], 0.9, 10) == (1, 1) and nof([run], 0.9) == (0, 0)


def test_iou_at_keeps_the_last_value():
    assert iou_at([0.5, 0.8], 1) == 0.5
    assert iou_at([0.5, 0.8], 5) == 0.8
    with pytest.raises(DataError, match="not defined"):
        iou_at([], 1)
    with pytest.raises(DataError, match="not defined"):
        iou_at([0.5], 0)


def test_bootstrap_interval():
    values = np.random.default_rng(0).normal(5, 2, 400)
    mean, low, high = bootstrap(values)
    assert mean == pytest.approx(values.mean())
    half = 1.96 * values.std() / 20  # the normal interval
    assert low == pytest.approx(mean - half, abs=0.015)
    assert high == pytest.approx(mean + half, abs=0.015)
    assert bootstrap(values) == bootstrap(values) != bootstrap(values, seed=1)


def test_bootstrap_draws_groups_together():
    values = np.repeat([1.0, 3.0, 5.0, 7.0], 50)
    alone = bootstrap(values)
    grouped = bootstrap(values, list(np.repeat(list("abcd"), 50)))
    assert grouped.mean == alone.mean == 4
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)
    with pytest.raises(DataError, match="No value"):
        bootstrap([])


def test_in_a_bootstrap_large_groups_weigh_more():
    assert bootstrap([5.0] * 4, list("abbb")) == (5, 5, 5)
    # Of two groups "aa", "ab" or "bb" is drawn: means of 0, 3 / 4 and 1.
    assert bootstrap([0.0, 1.0, 1.0, 1.0], list("abbb")) == (0.75, 0, 1)
