"""COCO's and LVIS's instance files: entries read one at a time, outlines and runs into masks."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vpuformer.data.augmentation import VOID
from vpuformer.errors import DataError

GAP = re.compile(r"[\s,:]*")
SAME = 0.5  # IoU from which two masks are taken for one object
TOUCH = 0.05  # share of an object that may lie on others of its layer (it becomes void)
MOST_LAYERS = 4


def entries(text: str) -> Iterator[tuple[str, Any]]:
    """(key, element) for each element of each list at the top of a JSON object.

    As Python objects a whole LVIS file takes many times its size; one element at a time does not.

    Raises:
        DataError: the text is no JSON object, or breaks off.
    """
    decode, skip = json.JSONDecoder().raw_decode, GAP.match
    try:
        at = skip(text, text.index("{") + 1).end()
        while text[at] != "}":
            key, at = decode(text, at)
            at = skip(text, at).end()
            if text[at] != "[":
                _, at = decode(text, at)
            else:
                at = skip(text, at + 1).end()
                while text[at] != "]":
                    element, at = decode(text, at)
                    yield key, element
                    at = skip(text, at).end()
                at += 1
            at = skip(text, at).end()
    except (ValueError, IndexError) as error:
        raise DataError(f"The instance file is not whole: {error}. Fetch it again.") from None


def outline(segmentation: Any) -> Any:
    """A segmentation as small as it gets: its polygons as arrays `[K, 2]`, or its runs."""
    if isinstance(segmentation, list):
        return [np.array(part, np.float32).reshape(-1, 2) for part in segmentation]
    return segmentation


def mask_of(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    """An `outline` as bool `[H, W]`.

    Raises:
        DataError: runs of another size, or packed into a string.
    """
    mask = np.zeros(size, bool)
    if isinstance(segmentation, list):
        for polygon in segmentation:
            mask |= inside(polygon, size)
        return mask
    counts = segmentation["counts"]
    if not isinstance(counts, list) or sum(counts) != mask.size:
        raise DataError(
            f"Runs of {size[0]} x {size[1]} pixels expected as a list of numbers, as COCO's "
            "published instances_*.json has them. Fetch that file."
        )
    runs = np.repeat(np.arange(len(counts)) % 2, counts)  # down each column, background first
    return runs.reshape(size[::-1]).T.astype(bool)


def inside(polygon: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre lies in a polygon `[K, 2]` of (x, y), even-odd, bool `[H, W]`.

    COCO's coordinates: 0 is the picture's left edge, so pixel i's centre lies at i + 0.5.
    """
    height, width = size
    (x0, y0), (x1, y1) = polygon.T.astype(float), np.roll(polygon, -1, 0).T.astype(float)
    first = np.ceil(np.minimum(y0, y1) - 0.5).clip(0, height).astype(int)
    rows = np.ceil(np.maximum(y0, y1) - 0.5).clip(0, height).astype(int) - first
    edge = np.repeat(np.arange(len(rows)), rows)  # each edge once for each row that it crosses
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows, rows) + first[edge]
    slope = (x1 - x0)[edge] / (y1 - y0)[edge]
    column = np.ceil(x0[edge] + (row + 0.5 - y0[edge]) * slope - 0.5).clip(0, width).astype(int)
    crossed = np.zeros((height, width + 1), np.uint8)
    np.bitwise_xor.at(crossed, (row, column), 1)
    return np.bitwise_xor.accumulate(crossed, axis=1)[:, :width].astype(bool)


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
