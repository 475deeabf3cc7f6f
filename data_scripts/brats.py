"""BraTS: 369 brain slices, the tumour of each."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairs import Photo, Seen, any_colour, pairs
from run import run


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:  # noqa: ARG001
    """image/NAME.png and annotation/NAME.png, anything but black is the tumour."""
    return pairs(root, "image", "annotation", any_colour)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("brats", read, argv)


if __name__ == "__main__":
    sys.exit(main())
