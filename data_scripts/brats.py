"""BraTS: 369 brain slices, the tumour of each."""

import sys
from collections.abc import Sequence

from run import run


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("brats", argv)


if __name__ == "__main__":
    sys.exit(main())
