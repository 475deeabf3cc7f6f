"""Any folder of photos and masks into tar shards, for `vpuformer train`."""

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from write import Seen, write_shards

from vpuformer.data.augmentation import VOID
from vpuformer.data.folders import check_folders
from vpuformer.data.samples import Photo, read_labels
from vpuformer.errors import VPUError


def read(root: Path) -> Iterable[Photo]:
    """images/NAME.* and masks/NAME.png: 0 and 255 (the object), or 1..K and 255 void."""
    found = check_folders(root / "images", root / "masks")
    return [replace(photo, decode=_with_objects) for photo in found]


def _with_objects(path: Path) -> list[np.ndarray]:
    labels = read_labels(path)
    return [labels if np.any(labels % VOID) else (labels == VOID).astype(np.uint8)]


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
