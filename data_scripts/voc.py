"""Pascal VOC 2012, validation: 1,449 photos. Not in the paper."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from run import published, run
from write import BROKEN, Seen

from vpuformer.data.samples import Photo
from vpuformer.errors import DataError

GREY_VOID = 220


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """Every photo, its objects counted as the peers read them.

    They read the palette as grey, where objects 1 and 16, 3 and 18, 6 and 21, 9 and 24 look alike:
    their count is kept beside ours.
    """
    for photo in published("voc", root, split):
        try:
            with Image.open(photo.truth, formats=("PNG",)) as mask:
                mode, greys = mask.mode, np.unique(np.asarray(mask.convert("L")))
        except BROKEN as error:
            raise DataError(
                f"{photo.truth} cannot be read as a mask: {error}. Fetch it again."
            ) from None
        if mode != "P":
            raise DataError(f"{photo.name}.png is {mode}, expected a palette. Fetch VOC again.")
        seen["objects read as grey"] += int(((greys > 0) & (greys != GREY_VOID)).sum())
        yield photo


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("voc", argv, read)


if __name__ == "__main__":
    sys.exit(main())
