"""DAVIS-345: 345 frames of 50 videos, all objects of a frame as one."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairs import Photo, Seen, any_colour, pairs
from run import run


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:  # noqa: ARG001
    """img/NAME.jpg and gt/NAME.png, anything but black is the object."""
    return pairs(root, "img", "gt", any_colour)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("davis", read, argv)


if __name__ == "__main__":
    sys.exit(main())
