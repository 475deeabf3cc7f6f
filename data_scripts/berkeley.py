"""Berkeley: 100 objects in 96 scenes."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from run import published, run
from write import Seen

from vpuformer.data.samples import Photo


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """Every photo, its scene counted: 12a and 12b share the scene 12."""
    scenes = set()
    for photo in published("berkeley", root, split):
        scenes.add(re.sub(r"\D.*", "", photo.name) or photo.name)
        seen["scenes"] = len(scenes)
        yield photo


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("berkeley", argv, read)


if __name__ == "__main__":
    sys.exit(main())
