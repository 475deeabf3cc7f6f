"""COCO_MVal: 800 photos of COCO's validation set, an object each."""

import sys
from collections.abc import Sequence

from run import run


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("coco_mval", argv)


if __name__ == "__main__":
    sys.exit(main())
