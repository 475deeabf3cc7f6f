"""Objects that lie on each other, on as few label maps as hold them."""

from collections.abc import Sequence

import numpy as np

from vpuformer.data.augmentation import VOID

SAME = 0.5  # IoU from which two masks are taken for one object
TOUCH = 0.05  # share of an object that may lie on others of its layer (it becomes void)
MOST_LAYERS = 4


def without_twins(kept: Sequence[np.ndarray], more: Sequence[np.ndarray]) -> list[np.ndarray]:
    """`kept`, and those of `more` that are none of them again."""
    if not kept or not more:
        return [*kept, *more]
    a, b = (np.stack(masks).reshape(len(masks), -1).astype(np.float32) for masks in (kept, more))
    common = b @ a.T
    union = b.sum(1)[:, None] + a.sum(1) - common
    is_new = (common < SAME * union).all(1)
    return [*kept, *(mask for mask, new in zip(more, is_new, strict=True) if new)]


def layers(masks: Sequence[np.ndarray], crowd: np.ndarray) -> tuple[list[np.ndarray], int]:
    """Label maps in which no object hides another, and how many objects found no place.

    A tie lies on a shirt, a shirt on a person: in one map each would cut a hole into the next.
    Large objects come first, each on the first map where it barely touches others.

    Args:
        masks: bool `[H, W]` each.
        crowd: pixels of many objects at once, bool `[H, W]`; void where no object is.
    """
    maps: list[np.ndarray] = []
    left = 0
    for mask in sorted(masks, key=np.sum, reverse=True):
        place = next((m for m in maps if _fits(mask, m)), None)
        if place is None and len(maps) < MOST_LAYERS:
            place = np.zeros(mask.shape, np.uint8)
            maps.append(place)
        if place is None or not mask.any():
            left += 1
            continue
        label = place.max(initial=0, where=place < VOID) + 1
        place[mask] = np.where(place[mask] > 0, VOID, label)
    for place in maps:
        place[crowd & (place == 0)] = VOID
    return maps, left


def _fits(mask: np.ndarray, place: np.ndarray) -> bool:
    is_free = (place[mask] > 0).sum() <= TOUCH * mask.sum()
    return bool(is_free) and place.max(initial=0, where=place < VOID) < VOID - 1
