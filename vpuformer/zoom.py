"""Zoom-in as RITM does it, to the pixel: where the crop lies, and where a click lands in it.

Inclusive pixel bounds and its own rescaling, without the half pixel of `prompts.rescale`: only for
`ZoomConfig(mode="ritm")`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from vpuformer.config import ZoomConfig
from vpuformer.imaging import Frame, sigmoid, tight_box
from vpuformer.prompts import Box, Click, Prompt, Size


class Roi(NamedTuple):
    """A crop by the rows and columns it holds, both ends included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> Size:
        """(H, W) of the crop."""
        return self.bottom - self.top + 1, self.right - self.left + 1


def ritm_roi(
    mask: np.ndarray, clicks: Sequence[Click] = (), *, expand: float = 1.4, min_side: float = 200
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
    for click in (c for c in clicks if c.positive):
        x, y = click.pixel
        covered[y, x] = True  # row = y
    if (box := tight_box(covered)) is None:
        return None
    left, top, right, bottom = box
    bounds = []
    for low, high, length in ((top, bottom, len(covered)), (left, right, covered.shape[1])):
        centre, side = 0.5 * (low + high - 1), max(expand * (high - low), min_side)
        bounds += [max(0, round(centre - side / 2)), min(length - 1, round(centre + side / 2))]
    return Roi(*bounds)


def box_iou(a: Roi, b: Roi) -> float:
    """Overlap of two crops: the product of the IoUs of their rows and of their columns."""
    product = 1.0
    for low_a, high_a, low_b, high_b in ((*a[:2], *b[:2]), (*a[2:], *b[2:])):
        shared = max(0, min(high_a, high_b) - max(low_a, low_b) + 1)
        product *= shared / (max(high_a, high_b) - min(low_a, low_b) + 1)
    return product


def ritm_keeps(
    roi: Roi, wanted: Roi, clicks: Sequence[Click] = (), *, renew_below: float = 0.5
) -> bool:
    """Whether a crop may stay although another one is wanted.

    RITM, zoom_in.py, check_object_roi: every positive click lies in it, its last row and column
    counting as outside, and the two overlap enough.
    """
    for click in (c for c in clicks if c.positive):
        x, y = click.pixel
        if not (roi.top <= y < roi.bottom and roi.left <= x < roi.right):
            return False
    return box_iou(wanted, roi) >= renew_below


@dataclass(frozen=True, slots=True)
class RitmFrame(Frame):
    """A frame with RITM's arithmetic: corners meet corners, and prompts move without half a pixel.

    RITM, zoom_in.py, where a click lands at W'(x - left) / (right - left + 1), a float.
    Probabilities, not logits, are brought back to the image.
    """

    @property
    def roi(self) -> Roi:
        """The part of the image it shows, both ends included."""
        left, top, right, bottom = self.window
        return Roi(top, bottom - 1, left, right - 1)

    def picture(self, image: np.ndarray) -> np.ndarray:
        """The image `[H, W, 3]` in the frame, float32 `[side, side, 3]` in 0..255."""
        return np.stack([self.shrink(image[..., c]) for c in range(image.shape[2])], -1)

    def shrink(self, prob: np.ndarray) -> np.ndarray:
        """A map `[H, W]` of the image in the frame, float32 `[side, side]`."""
        top, bottom, left, right = self.roi
        return _resized(prob[top : bottom + 1, left : right + 1], (self.side, self.side))

    def spread(self, logits: np.ndarray, threshold: float | None = None) -> np.ndarray:
        """Logits `[side, side]` as probabilities on the image, float32 `[H, W]`; 0 outside."""
        top, bottom, left, right = self.roi
        whole = np.zeros(self.size, np.float32)
        whole[top : bottom + 1, left : right + 1] = _resized(sigmoid(logits), self.roi.size)
        return whole if threshold is None else whole > threshold

    def prompts(self, prompts: list[Prompt]) -> list[Prompt]:
        """Prompts of the image in the frame's pixels; those outside are left out."""
        dy, dx = (0.5 * (1 - self.side / n) for n in self.roi.size)  # without the half pixel
        return [p.moved(dx, dy) for p in Frame.prompts(self, prompts)]


def ritm_frame(
    last: Frame | None, mask: np.ndarray, prompts: Sequence[Prompt], side: int, zoom: ZoomConfig
) -> RitmFrame:
    """The frame of the next round: the last one while it is good enough.

    RITM, zoom_in.py, from the first click on (`skip_clicks=-1`, as SimpleClick evaluates): the
    whole image first. A positive box or scribble counts as clicks on the corners of its bounds.

    Args:
        last: the last round's frame, or None.
        mask: bool `[H, W]`: the last probability is above 0.5.
        prompts: all prompts, the new ones included.
        side: pixels of the frame.
        zoom: `expand`, `min_side`, `renew_below`.
    """
    size = (mask.shape[0], mask.shape[1])
    clicks = [c for p in prompts if p.positive for c in _corners(p, size)]
    whole, found = Roi(0, size[0] - 1, 0, size[1] - 1), None
    if mask.any():
        found = ritm_roi(mask, clicks, expand=zoom.expand, min_side=zoom.min_side)
    wanted, below = found or whole, zoom.renew_below
    if isinstance(last, RitmFrame) and ritm_keeps(last.roi, wanted, clicks, renew_below=below):
        return last
    top, bottom, left, right = wanted
    crop = None if wanted == whole else (left, top, right + 1, bottom + 1)
    return RitmFrame(size, side, crop)


def _corners(prompt: Prompt, size: Size) -> list[Click]:
    """A click itself, or the corners of other prompts' bounds, inside the image."""
    if isinstance(prompt, Click):
        return [prompt]
    inset = 0.5 if isinstance(prompt, Box) else 0.0  # from edges to pixel centres
    x0, y0, x1, y1 = prompt.bounds
    xs = np.clip([x0 + inset, x1 - inset], 0, size[1] - 1)
    ys = np.clip([y0 + inset, y1 - inset], 0, size[0] - 1)
    return [Click(x, y) for x, y in zip(xs, ys, strict=True)]


def _resized(values: np.ndarray, size: Size) -> np.ndarray:
    """A map resized bilinearly, corner pixels on corner pixels, float32."""
    tensor = torch.from_numpy(np.array(values, np.float32))[None, None]
    resized = F.interpolate(tensor, size=size, mode="bilinear", align_corners=True)
    return resized[0, 0].numpy()
