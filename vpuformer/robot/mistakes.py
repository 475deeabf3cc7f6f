"""What a mask still gets wrong: missed and surplus pixels, how deep they lie, the largest part."""

from dataclasses import dataclass

import numpy as np

from vpuformer.imaging import parts_of
from vpuformer.prompts import Mask, as_masks

MERGE_ABOVE = 0.1  # parts with more than this share of their kind of error join the largest one


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Wrong pixels of a mask, bool `[H, W]` each; ignored pixels are in neither."""

    missed: Mask
    surplus: Mask

    @property
    def is_empty(self) -> bool:
        """Whether every counted pixel is right."""
        return not (self.missed.any() or self.surplus.any())


@dataclass(frozen=True, slots=True)
class ErrorRegion:
    """The largest connected piece of error, and whether a prompt on it is positive.

    Args:
        positive: True when the pixels were missed, False when they are surplus.
        pixels: the piece, bool `[H, W]`.
        merged: the piece with all other large pieces of the same kind, bool `[H, W]`.
    """

    positive: bool
    pixels: Mask
    merged: Mask


def find_mistakes(gt: Mask, pred: Mask, ignore: Mask | None = None) -> Mistakes:
    """Missed (FN) and surplus (FP) pixels of a mask.

    Args:
        gt: the object, bool `[H, W]`.
        pred: the answer, bool `[H, W]`.
        ignore: pixels that count for nothing, bool `[H, W]`.
    """
    gt, pred, counted = as_masks(gt, pred, ignore)
    return Mistakes(missed=gt & ~pred & counted, surplus=~gt & pred & counted)


def depth(mask: Mask) -> np.ndarray:
    """Exact Euclidean distance of each pixel to the nearest one outside the mask, float32.

    Sec. IV-B, by the protocol of RITM. The picture's border counts as outside; 0 outside.
    """
    import cv2

    # IPP is off by 4e-6, which changes the click where two pixels are equally deep.
    padded, was_on = np.pad(np.asarray(mask, dtype=np.uint8), 1), cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)
    try:
        return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    finally:
        cv2.ipp.setUseIPP(was_on)


def largest_error(mistakes: Mistakes) -> ErrorRegion | None:
    """The 8-connected piece of error with most pixels, or None when nothing is wrong.

    Equal sizes give a surplus piece, as the click robot decides; among equal pieces of one
    kind the first in row-major order.
    """
    missed, missed_size = _pieces(mistakes.missed)
    surplus, surplus_size = _pieces(mistakes.surplus)
    if not (missed_size.any() or surplus_size.any()):
        return None
    positive = missed_size.max(initial=0) > surplus_size.max(initial=0)
    labels, sizes = (missed, missed_size) if positive else (surplus, surplus_size)
    best, large = int(sizes.argmax()), np.flatnonzero(sizes > MERGE_ABOVE * sizes.sum())
    merged = np.isin(labels, [best + 1, *(large + 1).tolist()])
    return ErrorRegion(positive=bool(positive), pixels=labels == best + 1, merged=merged)


def _pieces(mask: Mask) -> tuple[np.ndarray, np.ndarray]:
    """8-connected pieces, labelled 1, 2, ... in an int `[H, W]`, and their sizes."""
    labels = parts_of(mask)
    return labels, np.bincount(labels.ravel(), minlength=1)[1:]
