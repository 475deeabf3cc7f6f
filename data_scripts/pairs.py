"""Photos with labels, and the layout most sets share: a folder of photos beside one of masks."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vpuformer.data.augmentation import VOID
from vpuformer.data.samples import SUFFIXES
from vpuformer.errors import DataError
from vpuformer.imaging import FORMATS

Seen = Counter[str]


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo with its label map.

    Args:
        name: what it is called in its set.
        image: its file, or the bytes of its file.
        labels: uint8 `[H, W]`: 0 background, 1..254 objects, 255 void.
        about: what else is known of it (a licence of its own, say).
    """

    name: str
    image: Path | bytes
    labels: np.ndarray
    about: dict[str, Any] = field(default_factory=dict)


def find(root: Path, *folders: str) -> Path:
    """The folder nearest to `root` (itself, or inside it) that holds all of `folders`."""
    inside = sorted((p for p in root.rglob("*") if p.is_dir()), key=lambda p: (len(p.parts), p))
    for place in (root, *inside):
        if all((place / name).is_dir() for name in folders):
            return place
    raise DataError(
        f"{root} holds no folder with {' and '.join(f'{name}/' for name in folders)} in it. "
        "Give the unpacked data set, or its archive."
    )


def pairs(
    root: Path, images: str, masks: str, labels_of: Callable[[Image.Image], np.ndarray]
) -> Iterator[Photo]:
    """One photo for each file in the folder `masks`, in name order."""
    place = find(root, images, masks)
    photos = {p.stem: p for p in _pictures(place / images)}
    for mask in _pictures(place / masks):
        # Berkeley: two objects of photo 12 may be called 12a and 12b.
        photo = photos.get(mask.stem) or photos.get(mask.stem[:-1])
        if photo is None:
            raise DataError(f"{mask} has no photo in {place / images}. Fetch the set again.")
        yield Photo(mask.stem, photo, labels_of(open_mask(mask)))


def _pictures(folder: Path) -> list[Path]:
    """Its pictures in name order, without the hidden files that macOS packs."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    return sorted(p for p in found if not p.name.startswith("."))


def open_mask(path: Path) -> Image.Image:
    """A mask file, decoded.

    Raises:
        DataError: it is no picture.
    """
    try:
        with Image.open(path, formats=FORMATS) as file:
            file.load()
            return file
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a mask: {error}. Fetch it again.") from None


def trimap(mask: Image.Image) -> np.ndarray:
    """Above 128 the object, 128 void."""
    grey = np.asarray(mask.convert("L"))
    return np.where(grey == 128, VOID, grey > 128).astype(np.uint8)


def any_colour(mask: Image.Image) -> np.ndarray:
    """One object: every pixel that is not black."""
    return (np.asarray(mask.convert("RGB")).max(-1) > 0).astype(np.uint8)


def each_value(mask: Image.Image) -> np.ndarray:
    """One object for each value but 0."""
    values = np.asarray(mask if mask.mode == "P" else mask.convert("L"))
    found = np.unique(values[values > 0])
    return small_labels((np.searchsorted(found, values) + 1) * (values > 0), len(found))


def each_part(mask: Image.Image) -> np.ndarray:
    """One object for each part that hangs together by sides (4-connected)."""
    import cv2

    count, parts = cv2.connectedComponents(np.uint8(any_colour(mask)), connectivity=4)
    return small_labels(parts, count - 1)


def small_labels(labels: np.ndarray, largest: int) -> np.ndarray:
    """Labels as uint8, if they fit below void."""
    if largest >= VOID:
        raise DataError(f"{largest} objects in one photo, at most {VOID - 1} can be written.")
    return labels.astype(np.uint8)


def listed(path: Path) -> list[str]:
    """The names in a published list, one a line.

    Raises:
        DataError: there is no such list.
    """
    try:
        return path.read_text("utf-8").split()
    except OSError:
        raise DataError(f"There is no list {path}. Fetch the published archive.") from None
