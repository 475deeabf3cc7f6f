"""Objects to segment, one at a time, from a folder of photos and label maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from vpuformer.data.augmentation import VOID
from vpuformer.errors import DataError
from vpuformer.imaging import read

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One object of one photo, with its truth.

    Args:
        set: name of the data set.
        image_name: the photo's file name without its ending.
        instance: the object's label.
        image: uint8 RGB `[H, W, 3]`; the same array for all objects of a photo.
        gt: the object, bool `[H, W]`.
        ignore: pixels that count for nothing, bool `[H, W]`, or None.
    """

    set: str
    image_name: str
    instance: int
    image: np.ndarray
    gt: np.ndarray
    ignore: np.ndarray | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells this sample from all others."""
        return self.set, self.image_name, self.instance


def folder_samples(
    root: str | Path, set_name: str | None = None, limit: int | None = None
) -> Iterator[Sample]:
    """The objects of a folder data set, photo by photo in name order, read when asked for.

    Args:
        root: a folder with images/NAME.* and masks/NAME.png. A mask of 0 and 255 alone has one
            object, 255; any other holds objects 1..254 and void, 255.
        set_name: the data set's name; the folder's when None.
        limit: stop after so many objects.

    Raises:
        DataError: at once when the layout is wrong; on reading when a mask is.
        ImageError: on reading, when a photo is no picture.
    """
    root = Path(root)
    return islice(_read_all(_pairs(root), set_name or root.resolve().name), limit)


def _pairs(root: Path) -> list[tuple[Path, Path]]:
    images = sorted(p for p in root.glob("images/*") if p.suffix.lower() in SUFFIXES)
    if not images:
        raise DataError(
            f"{root} holds no photo in images/. Expected images/NAME.jpg and masks/NAME.png."
        )
    pairs = [(path, root / "masks" / f"{path.stem}.png") for path in images]
    if missing := [mask.name for _, mask in pairs if not mask.is_file()]:
        raise DataError(
            f"{root / 'masks'} lacks {len(missing)} of {len(pairs)} masks, first {missing[0]}. "
            "Each images/NAME.* needs masks/NAME.png."
        )
    return pairs


def _read_all(pairs: list[tuple[Path, Path]], set_name: str) -> Iterator[Sample]:
    for image_path, mask_path in pairs:
        image, labels = read_pair(image_path, mask_path)
        for instance, gt, ignore in split_labels(labels):
            yield Sample(set_name, image_path.stem, instance, image, gt, ignore)


def read_pair(image_path: Path, mask_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A photo uint8 `[H, W, 3]` and its labels uint8 `[H, W]` as the mask file has them.

    Raises:
        DataError: their sizes differ, or the mask is none.
        ImageError: the photo is no picture.
    """
    image, labels = read(image_path), read_labels(mask_path)
    (height, width), (rows, columns) = image.shape[:2], labels.shape
    if (height, width) != (rows, columns):
        raise DataError(
            f"{image_path.name} is {width} x {height}, its mask {columns} x {rows}. "
            "Both must have one size."
        )
    return image, labels


def read_labels(path: str | Path) -> np.ndarray:
    """A label map from a PNG (grey, palette or black and white), uint8 `[H, W]`."""
    try:
        with Image.open(path) as file:
            labels = np.asarray(file)
    except OSError as error:
        raise DataError(f"{path} cannot be read as a mask: {error}. Replace it.") from None
    if labels.dtype == bool:
        labels = labels.astype(np.uint8) * VOID
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise DataError(
            f"{path} is {labels.dtype} {labels.shape}, expected one 8-bit channel: "
            "0 background, 1..K objects, 255 void (or 0 and 255 alone: 255 is the object)."
        )
    return labels


def split_labels(labels: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray | None]]:
    """Each object of a label map: its label, its mask, and the void mask (None without void)."""
    found = [int(v) for v in np.unique(labels) if v]
    if found == [VOID]:
        return [(VOID, labels == VOID, None)]
    ignore = labels == VOID if VOID in found else None
    return [(v, labels == v, ignore) for v in found if v != VOID]
