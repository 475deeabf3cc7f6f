"""ssTEM: 20 slices of a fruit fly's nerve cord, each mitochondrion an object."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairs import Photo, Seen, each_part, pairs
from run import run


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:  # noqa: ARG001
    """stack1/raw/NN.tif and stack1/mitochondria/NN.png, its 4-connected parts are the objects."""
    return pairs(root, "raw", "mitochondria", each_part)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("sstem", read, argv)


if __name__ == "__main__":
    sys.exit(main())
