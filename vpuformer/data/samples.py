"""Photos with label maps, and their objects to segment, one at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vpuformer.data.augmentation import VOID
from vpuformer.errors import DataError
from vpuformer.imaging import FORMATS, read

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


def own_maps(path: Path) -> list[np.ndarray]:
    """The label map of a PNG, uint8 `[H, W]`, as it is; none when it is empty."""
    return [labels] if (labels := read_labels(path)).any() else []


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo and what marks its objects; both are read when asked for.

    Args:
        name: what it is called in its set.
        image: its file.
        truth: what marks its objects: a mask file, or outlines.
        decode: makes label maps of that, uint8 `[H, W]`: 0 background, 1..254 objects, 255 void
            (0 and 255 alone: 255 is the object). Several where objects lie on each other.
        about: what else is known of it (a licence of its own, say).
        stuff: gives the labels of what is no object (sky, grass) where the set has them, uint8
            `[H, W]`, 0 elsewhere; training may ask for it too (`Choice.stuff`).
    """

    name: str
    image: Path
    truth: Any
    decode: Callable[[Any], Iterable[np.ndarray]] = own_maps
    about: Mapping[str, Any] = field(default_factory=dict)
    stuff: Callable[[], np.ndarray] | None = None

    def read(self) -> tuple[np.ndarray, ...]:
        """The photo uint8 `[H, W, 3]`, then its label maps; no map when it has no object.

        Raises:
            DataError: sizes differ, or the truth cannot be read.
            ImageError: the photo is no picture.
        """
        image, maps = read(self.image), list(self.decode(self.truth))
        (height, width), sizes = image.shape[:2], {labels.shape for labels in maps}
        for rows, columns in sizes - {(height, width)}:
            raise DataError(
                f"{self.image.name} is {width} x {height}, its mask {columns} x {rows}. "
                "Both must have one size."
            )
        return image, *maps

    def objects(self, set_name: str) -> list[Sample]:
        """Each of its objects, to be evaluated; on the k-th map labels are raised by 255 k."""
        image, *maps = self.read()
        found = [(k * VOID, part) for k, labels in enumerate(maps) for part in split_labels(labels)]
        return [Sample(set_name, self.name, k + i, image, gt, no) for k, (i, gt, no) in found]


def objects(photos: Iterable[Photo], set_name: str, limit: int | None = None) -> Iterator[Sample]:
    """The objects of photos, one photo after the other, read when asked for."""
    return islice(chain.from_iterable(photo.objects(set_name) for photo in photos), limit)


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
    images = sorted(p for p in root.glob("images/[!.]*") if p.suffix.lower() in SUFFIXES)
    if not images:
        raise DataError(f"{root} holds no photo in images/. Give images/NAME.*, masks/NAME.png.")
    found = [Photo(path.stem, path, root / "masks" / f"{path.stem}.png") for path in images]
    if missing := [photo.truth.name for photo in found if not photo.truth.is_file()]:
        raise DataError(f"{root}/masks lacks {len(missing)} files, first {missing[0]}. Add them.")
    return objects(found, set_name or root.resolve().name, limit)


def read_labels(path: str | Path) -> np.ndarray:
    """A label map from a PNG (grey, palette or black and white), uint8 `[H, W]`."""
    try:
        with Image.open(path, formats=FORMATS) as file:
            return labels_of(file)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a mask: {error}. Replace it.") from None


def labels_of(file: Image.Image) -> np.ndarray:
    """What an open picture holds; of a palette its numbers, or its colours if black and white.

    Raises:
        ValueError: more than one channel of 8 bits.
    """
    colours: Any = file.convert("RGB").getcolors(2) if file.mode == "P" else None
    plain = file.mode == "1" or (colours and {sum(rgb) for _, rgb in colours} <= {0, 3 * 255})
    labels = np.asarray(file.convert("L") if plain else file)
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise ValueError(
            f"it is {labels.dtype} {labels.shape}, expected one 8-bit channel: 0 background, "
            "1..K objects, 255 void (or 0 and 255 alone: 255 is the object)"
        )
    return labels


def with_object(labels: np.ndarray) -> np.ndarray:
    """The same label map, but 0 and 255 alone become 0 and 1: there 255 is the object."""
    return labels if (labels % VOID).any() else labels // VOID


def split_labels(labels: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray | None]]:
    """Each object of a label map: its label, its mask, and the void mask (None without void)."""
    found = [int(v) for v in np.unique(labels) if v]
    if found == [VOID]:
        return [(VOID, labels == VOID, None)]
    ignore = labels == VOID if VOID in found else None
    return [(v, labels == v, ignore) for v in found if v != VOID]
