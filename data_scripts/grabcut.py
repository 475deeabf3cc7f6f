"""GrabCut: 50 photos, an object each, the border of its trimap void."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairs import Photo, Seen, pairs, trimap
from run import run


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:  # noqa: ARG001
    """data_GT/NAME.{jpg,bmp,JPG} and boundary_GT/NAME.bmp (0, 128, 255)."""
    return pairs(root, "data_GT", "boundary_GT", trimap)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("grabcut", read, argv)


if __name__ == "__main__":
    sys.exit(main())
