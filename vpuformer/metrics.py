"""How good masks are, and how many prompts they took: IoU, boundary IoU, NoC, NoF, NoI."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vpuformer.errors import DataError
from vpuformer.prompts import Mask, as_masks

Runs = Sequence[Sequence[float]]
MAX_ROUNDS = 20
RIM = 0.02  # of a picture's diagonal
RESAMPLES, LEVEL = 2000, 0.95  # of a bootstrap interval


class Interval(NamedTuple):
    """A mean with a bootstrap interval around it."""

    mean: float
    low: float
    high: float


class Failures(NamedTuple):
    """Runs that failed, counted in both ways.

    Args:
        never: the threshold was not reached in any round.
        at_limit: the reference code's count, NoC == 20: a success in round 20 counts as failure.
    """

    never: int
    at_limit: int


def iou(gt: Mask, pred: Mask, ignore: Mask | None = None) -> float:
    """Intersection over union of two masks `[H, W]`, 0..1; nan when both are empty.

    Args:
        gt: the object, bool.
        pred: the answer, bool.
        ignore: pixels that count for nothing, bool.
    """
    gt, pred, counted = as_masks(gt, pred, ignore)
    union = int(np.count_nonzero((gt | pred) & counted))
    return int(np.count_nonzero(gt & pred & counted)) / union if union else float("nan")


def boundary_iou(gt: Mask, pred: Mask, ignore: Mask | None = None) -> float:
    """IoU of the inner rims of two masks, 0..1; nan when both are empty.

    Cheng et al., Boundary IoU, CVPR 2021. A rim is what an erosion by 2 % of the picture's
    diagonal takes away (a square, the picture's border counts as outside).
    """
    gt, pred, _ = as_masks(gt, pred, ignore)
    width = max(1, round(RIM * float(np.hypot(*gt.shape))))
    return iou(_rim(gt, width), _rim(pred, width), ignore)


def _rim(mask: Mask, width: int) -> Mask:
    import cv2

    padded = np.pad(mask.astype(np.uint8), 1)
    inner = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=width)[1:-1, 1:-1]
    return mask & (inner == 0)


def noc(ious: Sequence[float], threshold: float, max_rounds: int = MAX_ROUNDS) -> int:
    """Number of clicks: the first round whose IoU reaches the threshold, else `max_rounds`.

    Sec. IV-A, by the protocol of RITM: compared in float32; later drops do not matter.
    """
    reached = _reached(ious[:max_rounds], threshold)
    return int(reached.argmax()) + 1 if reached.any() else max_rounds


noi = noc  # number of interactions (Table VII): each click, box and scribble counts one


def nof(runs: Runs, threshold: float, max_rounds: int = MAX_ROUNDS) -> Failures:
    """Number of failures among runs, counted in both ways.

    Sec. IV-A.
    """
    never = sum(not _reached(ious[:max_rounds], threshold).any() for ious in runs)
    at_limit = sum(noc(ious, threshold, max_rounds) == max_rounds for ious in runs)
    return Failures(never=int(never), at_limit=int(at_limit))


def _reached(ious: Sequence[float], threshold: float) -> np.ndarray:
    return np.asarray(ious, dtype=np.float32) >= np.float32(threshold)


def iou_at(ious: Sequence[float], k: int) -> float:
    """IoU after k rounds; a run that stopped earlier keeps its last value."""
    if k < 1 or not len(ious):
        raise DataError(f"IoU@{k} of {len(ious)} rounds is not defined. Expected at least 1.")
    return float(ious[min(k, len(ious)) - 1])


def bootstrap(
    values: Sequence[float], groups: Sequence[str] | None = None, *, seed: int = 0
) -> Interval:
    """The mean of some values, with the 95 % percentile interval of 2,000 resampled means.

    Args:
        values: one number per sample.
        groups: samples of one group (objects of one photo) are drawn together.
        seed: the same seed gives the same interval.
    """
    if not len(values):
        raise DataError("No value to average. Give at least one run.")
    _, index = np.unique(np.arange(len(values)) if groups is None else groups, return_inverse=True)
    sums = np.bincount(index, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(index)
    draws = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(np.mean(values)), float(low), float(high))
