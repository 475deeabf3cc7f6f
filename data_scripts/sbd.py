"""SBD: 2,857 photos to test (6,671 objects), 8,498 to train (20,172 objects)."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from run import published, run
from write import Seen

from vpuformer.data.public import instances
from vpuformer.data.samples import Photo


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """Every photo, its objects counted as published: training makes some of them void."""
    for photo in published("sbd", root, split):
        labels = instances(photo.truth)
        seen["published objects"] += len(np.unique(labels[labels > 0]))
        yield photo


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("sbd", argv, read)


if __name__ == "__main__":
    sys.exit(main())
