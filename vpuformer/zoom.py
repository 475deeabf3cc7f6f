"""Zoom-in as RITM does it, to the pixel: where the crop lies, and where a click lands in it.

Inclusive pixel bounds and its own rescaling, without the half pixel of `prompts.rescale`: only for
`zoom="ritm"`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vpuformer.prompts import Click


class Roi(NamedTuple):
    """A crop by the rows and columns it holds, both ends included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the crop."""
        return self.bottom - self.top + 1, self.right - self.left + 1


def ritm_roi(
    mask: np.ndarray,
    clicks: Sequence[Click] = (),
    *,
    expand: float = 1.4,
    min_side: float = 200,
) -> Roi | None:
    """The crop around a mask and the positive clicks; None when there is neither.

    RITM, zoom_in.py, get_object_roi: the tight box, `expand` times as large about its centre, at
    least `min_side` pixels a side, rounded half to even, clamped to the image.

    Args:
        mask: bool `[H, W]` (there: probability > 0.5).
        clicks: the clicks so far; negative ones do not matter.
        expand: side of the crop over side of the box.
        min_side: in pixels of the image.
    """
    covered = np.array(mask, dtype=bool)
    for click in clicks:
        if click.positive:
            x, y = click.pixel
            covered[y, x] = True  # row = y
    if not covered.any():
        return None
    bounds = []
    for axis, length in ((1, covered.shape[0]), (0, covered.shape[1])):
        used = np.flatnonzero(covered.any(axis))
        low, high = int(used[0]), int(used[-1])
        centre, side = 0.5 * (low + high), max(expand * (high - low + 1), min_side)
        bounds.append(max(0, round(centre - 0.5 * side)))
        bounds.append(min(length - 1, round(centre + 0.5 * side)))
    return Roi(*bounds)


def ritm_crop_size(roi: Roi, target: int | tuple[int, int]) -> tuple[int, int]:
    """(H, W) a crop is resized to: `target` itself, or its longest side brought to `target`."""
    if isinstance(target, tuple):
        return target
    scale = target / max(roi.size)
    return round(roi.size[0] * scale), round(roi.size[1] * scale)


def ritm_to_crop(
    point: tuple[float, float], roi: Roi, crop_size: tuple[int, int]
) -> tuple[float, float]:
    """Where a point (x, y) of the image lies in its crop resized to (H, W).

    RITM, zoom_in.py, _transform_clicks: W'(x - left) / (right - left + 1), a float.
    """
    height, width = roi.size
    x = crop_size[1] * (point[0] - roi.left) / width
    y = crop_size[0] * (point[1] - roi.top) / height
    return x, y


def box_iou(a: Roi, b: Roi) -> float:
    """Overlap of two crops: the product of the IoUs of their rows and of their columns."""
    return _span_iou(a[:2], b[:2]) * _span_iou(a[2:], b[2:])


def _span_iou(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    shared = max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1)
    return shared / max(1e-6, max(a[1], b[1]) - min(a[0], b[0]) + 1)


def ritm_keeps(
    roi: Roi, wanted: Roi, clicks: Sequence[Click] = (), *, renew_below: float = 0.5
) -> bool:
    """Whether a crop may stay although another one is wanted.

    RITM, zoom_in.py, check_object_roi: every positive click lies in it, its last row and column
    counting as outside, and the two overlap enough.
    """
    for click in clicks:
        x, y = click.pixel
        inside = roi.top <= y < roi.bottom and roi.left <= x < roi.right
        if click.positive and not inside:
            return False
    return box_iou(wanted, roi) >= renew_below
