"""Pascal VOC 2012, validation: 1,449 photos. Not in the paper."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pairs import Photo, Seen, find, listed, open_mask
from run import run

from vpuformer.errors import DataError

GREY_VOID = 220


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """JPEGImages/, SegmentationObject/ (palette PNG: 1..K objects, 255 void), ImageSets/.

    The peers read the palette as grey, where objects 1 and 16, 3 and 18, 6 and 21, 9 and 24 look
    alike: their count is kept beside ours.
    """
    place = find(root, "JPEGImages", "SegmentationObject", "ImageSets/Segmentation")
    for name in listed(place / "ImageSets" / "Segmentation" / f"{split}.txt"):
        mask = open_mask(place / "SegmentationObject" / f"{name}.png")
        if mask.mode != "P":
            raise DataError(f"{name}.png is {mask.mode}, expected a palette. Fetch VOC again.")
        greys = np.unique(np.asarray(mask.convert("L")))
        seen["objects read as grey"] += int(((greys > 0) & (greys != GREY_VOID)).sum())
        yield Photo(name, place / "JPEGImages" / f"{name}.jpg", np.asarray(mask))


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("voc", read, argv)


if __name__ == "__main__":
    sys.exit(main())
