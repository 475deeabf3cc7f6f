"""Any folder of photos and masks into tar shards, for `vpuformer train`."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pairs import Photo, Seen
from write import write_shards

from vpuformer.data.augmentation import VOID
from vpuformer.data.folders import check_folders
from vpuformer.errors import VPUError


def read(root: Path) -> Iterator[Photo]:
    """images/NAME.* and masks/NAME.png: 0 and 255 (the object), or 1..K and 255 void."""
    for pair in check_folders(root / "images", root / "masks"):
        _, labels = pair.read()
        if not np.any(labels % VOID):
            labels = (labels == VOID).astype(np.uint8)
        yield Photo(pair.image.stem, pair.image, labels)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="pack.py", description=__doc__)
    parser.add_argument("folder", type=Path, help="it holds images/ and masks/")
    parser.add_argument("--out", type=Path, required=True, help="the folder of shards to make")
    parser.add_argument("--licence", default="unstated", help="goes into every photo's record")
    words = parser.parse_args(argv)
    rough, seen = words.out.with_name(f".{words.out.name}.unfinished"), Seen()
    shutil.rmtree(rough, ignore_errors=True)
    try:
        if words.out.exists():
            raise VPUError(f"{words.out} is there. Choose another --out, or remove it.")
        about = {"source": words.folder.resolve().name, "licence": words.licence}
        write_shards(read(words.folder), rough, seen, about)
        rough.rename(words.out)
    except VPUError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(rough, ignore_errors=True)
    print(f"{words.out}: {seen['photos']:,} photos, {seen['objects']:,} objects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
