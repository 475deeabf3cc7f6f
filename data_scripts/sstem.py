"""ssTEM: 20 slices of a fruit fly's nerve cord, each mitochondrion an object."""

import sys
from collections.abc import Sequence

from run import run


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("sstem", argv)


if __name__ == "__main__":
    sys.exit(main())
