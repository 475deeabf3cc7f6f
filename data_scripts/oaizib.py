"""OAI-ZIB: 150 knee slices, two cartilages in each."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairs import Photo, Seen, each_value, pairs
from run import run


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:  # noqa: ARG001
    """test/image/NAME.png and test/annotations/NAME.png, each value is an object."""
    return pairs(root, "test/image", "test/annotations", each_value)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("oaizib", read, argv)


if __name__ == "__main__":
    sys.exit(main())
