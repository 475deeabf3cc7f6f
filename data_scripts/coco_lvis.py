"""COCO + LVIS, training: every LVIS object, COCO's where LVIS has none, and COCO-Stuff's stuff."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from layers import layers, without_twins
from run import run
from unpack import one_member, opened_zip
from write import Seen

from vpuformer.data import coco
from vpuformer.data.samples import Photo, read_labels
from vpuformer.errors import DataError

ARCHIVES = {  # what each file comes in, as published
    "lvis": "lvis_v1_{}.json.zip",
    "coco": "annotations_trainval2017.zip",
    "photos": "{}2017.zip",
}
MOST_JSON, MOST_PHOTO = 4 << 30, 64 << 20  # bytes


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """Photos straight from train2017.zip (or train2017/), objects from the two JSON files.

    Overlapping objects take several label maps, each with the photo again (NAME-1, NAME-2). Stuff
    comes along where stuff_SPLIT2017_pixelmaps/ lies in `root`, unpacked.
    """
    folder = root / f"stuff_{split}2017_pixelmaps"
    has_stuff = folder.is_dir()

    def label_maps(truth: Any) -> list[np.ndarray]:
        crowd, masks = coco.masks(truth)
        maps, left = layers(without_twins(masks["lvis"], masks["coco"]), crowd)
        seen["objects without a place"] += left
        return maps

    with ExitStack() as opened:
        place = Place(root, split, opened)
        for photo in coco.photos(place, split, seen):
            stuff = partial(stuff_labels, folder / f"{photo.name}.png") if has_stuff else None
            yield replace(photo, decode=label_maps, stuff=stuff)


def stuff_labels(path: Path) -> np.ndarray:
    """A pixel map's stuff as labels uint8 `[H, W]`: 164..254 for its 92..182, 0 elsewhere.

    Where objects are it has 183, and 0 where nobody said what is there.
    """
    found = read_labels(path)
    return np.where((found > 91) & (found < 183), found + 72, 0).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an open archive; it answers as its path would."""

    archive: ZipFile
    path: str

    @property
    def suffix(self) -> str:
        """Its ending, with the dot."""
        return Path(self.path).suffix

    def is_file(self) -> bool:
        """Whether it is there: said when it is read."""
        return True

    def read_bytes(self) -> bytes:
        """All of it, if that is not more than its kind can be."""
        most = MOST_JSON if self.suffix == ".json" else MOST_PHOTO
        return one_member(self.archive, self.path, most)

    def read_text(self, encoding: str) -> str:
        """All of it, decoded."""
        return str(self.read_bytes(), encoding)


class Place:
    """A folder of files as published, unpacked or still in their archives, opened once each."""

    def __init__(self, root: Path, split: str, opened: ExitStack) -> None:
        self.root, self.split, self.opened = root, split, opened

    def __truediv__(self, name: str) -> Any:
        if (self.root / name).exists():
            return self.root / name
        files = {file.format(self.split): ARCHIVES[key] for key, file in coco.FILES.items()}
        archive = self.root / files.get(name, ARCHIVES["photos"]).format(self.split)
        if not archive.is_file():
            raise DataError(f"There is no {archive}. Fetch it, or give its folder with --source.")
        file = self.opened.enter_context(opened_zip(archive))
        return Member(file, name) if name in files else Folder(file, name)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in an open archive."""

    archive: ZipFile
    path: str

    def __truediv__(self, name: str) -> Member:
        return Member(self.archive, f"{self.path}/{name}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("coco_lvis", argv, read)


if __name__ == "__main__":
    sys.exit(main())
