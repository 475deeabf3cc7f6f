"""A folder of photos and masks, or a published set as it is, into shards for `vpuformer train`."""

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import coco_lvis
import numpy as np
from write import Seen, write_shards

from vpuformer.data import public
from vpuformer.data.augmentation import VOID
from vpuformer.data.folders import check_folders
from vpuformer.data.samples import Photo, read_labels
from vpuformer.errors import VPUError


def read(root: Path) -> Iterable[Photo]:
    """images/NAME.* and masks/NAME.png: 0 and 255 (the object), or 1..K and 255 void."""
    found = check_folders(root / "images", root / "masks")
    return [replace(photo, decode=_with_objects) for photo in found]


def named(place: str, seen: Seen) -> tuple[str, Iterable[Photo]]:
    """The name and the photos of a folder, or of NAME:FOLDER or NAME/SPLIT:FOLDER."""
    name, colon, root = place.partition(":")
    if not colon or Path(place).exists():
        return Path(place).resolve().name, read(Path(place))
    name, _, split = name.partition("/")
    if name == "coco_lvis":  # objects that lie on each other, on as few maps as hold them
        return name, coco_lvis.read(Path(root), split or "train", seen)
    return name, public.photos(name, root, split or None)


def _with_objects(path: Path) -> list[np.ndarray]:
    labels = read_labels(path)
    return [labels if np.any(labels % VOID) else (labels == VOID).astype(np.uint8)]


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="pack.py", description=__doc__)
    parser.add_argument("folder", help="it holds images/ and masks/; or NAME[/SPLIT]:FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="the folder of shards to make")
    parser.add_argument("--licence", default="unstated", help="goes into every photo's record")
    words = parser.parse_args(argv)
    if words.out.exists():  # and "." or "/", which have no name
        print(f"{words.out} is there. Choose another --out, or remove it.", file=sys.stderr)
        return 2
    rough, seen = words.out.with_name(f".{words.out.name}.unfinished"), Seen()
    shutil.rmtree(rough, ignore_errors=True)
    try:
        name, photos = named(words.folder, seen)
        write_shards(photos, rough, seen, {"source": name, "licence": words.licence})
        rough.rename(words.out)
    except (VPUError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(rough, ignore_errors=True)
    print(f"{words.out}: {seen['photos']:,} photos, {seen['objects']:,} objects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
