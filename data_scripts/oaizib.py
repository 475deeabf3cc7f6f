"""OAI-ZIB: 150 knee slices, two cartilages in each."""

import sys
from collections.abc import Sequence

from run import run


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("oaizib", argv)


if __name__ == "__main__":
    sys.exit(main())
