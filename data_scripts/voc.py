"""Pascal VOC 2012, validation: 1,449 photos with 3,417 objects. Not in the paper."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pairs import Photo, Seen, find, listed, open_mask
from run import run

from vpuformer.errors import DataError


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:  # noqa: ARG001
    """JPEGImages/, SegmentationObject/ (palette PNG: 1..K objects, 255 void), ImageSets/."""
    place = find(root, "JPEGImages", "SegmentationObject", "ImageSets/Segmentation")
    for name in listed(place / "ImageSets" / "Segmentation" / f"{split}.txt"):
        mask = open_mask(place / "SegmentationObject" / f"{name}.png")
        if mask.mode != "P":  # read as grey, void would be 220 and objects their colours
            raise DataError(f"{name}.png is {mask.mode}, expected a palette. Fetch VOC again.")
        yield Photo(name, place / "JPEGImages" / f"{name}.jpg", np.asarray(mask))


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("voc", read, argv)


if __name__ == "__main__":
    sys.exit(main())
