"""DAVIS-345: 345 frames of 50 videos, all objects of a frame as one."""

import sys
from collections.abc import Sequence

from run import run


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("davis", argv)


if __name__ == "__main__":
    sys.exit(main())
