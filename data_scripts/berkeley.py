"""Berkeley: 100 objects in 96 scenes."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairs import Photo, Seen, pairs, trimap
from run import run


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:  # noqa: ARG001
    """images/NAME.jpg and masks/NAME.png, GrabCut's values; 12a and 12b share the scene 12."""
    scenes = set()
    for photo in pairs(root, "images", "masks", trimap):
        scenes.add(re.match(r"\d*", photo.name)[0] or photo.name)
        seen["scenes"] = len(scenes)
        yield photo


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("berkeley", read, argv)


if __name__ == "__main__":
    sys.exit(main())
