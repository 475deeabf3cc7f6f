"""GrabCut: 50 photos, an object each, the border of its trimap void."""

import sys
from collections.abc import Sequence

from run import run


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("grabcut", argv)


if __name__ == "__main__":
    sys.exit(main())
