"""COCO + LVIS, training: every LVIS object, and COCO's where LVIS has none."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from instances import entries, layers, mask_of, outline, without_twins
from pairs import Photo, Seen
from run import run
from unpack import one_member, opened_zip

from vpuformer.errors import DataError

SETS = {  # name: the archive as published, and the file in it
    "lvis": ("lvis_v1_{}.json.zip", "lvis_v1_{}.json"),
    "coco": ("annotations_trainval2017.zip", "annotations/instances_{}2017.json"),
}
MOST_JSON, MOST_PHOTO = 4 << 30, 64 << 20  # bytes
Objects = dict[int, list[tuple[str, bool, Any]]]  # photo -> (set, crowd, outline)


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """Photos straight from train2017.zip (or train2017/), objects from the two JSON files.

    Overlapping objects take several label maps, each with the photo again (NAME-1, NAME-2).
    """
    photos: dict[int, tuple[int, int, int]] = {}  # height, width, licence
    objects: Objects = defaultdict(list)
    licences: dict[int, str] = {}
    for name in SETS:
        _collect(name, _text(root, name, split), (photos, objects, licences), seen)
    with _photos(root, f"{split}2017") as photo:
        for key in sorted(objects):
            height, width, licence = photos[key]
            name = f"{key:012}"
            maps, left = _label_maps(objects.pop(key), (height, width))
            seen["objects without a place"] += left
            about = {"photo": name, "licence": licences.get(licence, "unstated")}
            content = photo(f"{name}.jpg")
            for number, labels in enumerate(maps):
                yield Photo(f"{name}-{number}" if number else name, content, labels, about)


def _collect(name: str, text: str, into: tuple[dict, Objects, dict], seen: Seen) -> None:
    photos, objects, licences = into
    for key, element in entries(text):
        try:
            if key == "images":
                about = element["height"], element["width"], element.get("license", 0)
                photos[element["id"]] = about
            elif key == "annotations":
                shape = outline(element["segmentation"])
                found = name, bool(element.get("iscrowd", 0)), shape
                objects[element["image_id"]].append(found)
            elif key == "licenses":
                licences[element["id"]] = f"{element['name']} (annotations: CC BY 4.0)"
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{name}: not as published in {key}: {error!r}. Fetch it.") from None
        seen[f"{name} {key}"] += 1
    if lost := sorted(objects.keys() - photos.keys()):
        raise DataError(f"{name} has objects of unknown photos, first {lost[0]}. Fetch it again.")


def _label_maps(
    found: list[tuple[str, bool, Any]], size: tuple[int, int]
) -> tuple[list[np.ndarray], int]:
    crowd, masks = np.zeros(size, bool), {"lvis": [], "coco": []}
    for name, is_crowd, shape in found:
        mask = mask_of(shape, size)
        if is_crowd:
            crowd |= mask
        elif mask.any():
            masks[name].append(mask)
    return layers(without_twins(masks["lvis"], masks["coco"]), crowd)


def _text(root: Path, name: str, split: str) -> str:
    archive, member = (part.format(split) for part in SETS[name])
    if (root / member).is_file():
        return (root / member).read_text("utf-8")
    with opened_zip(_there(root / archive)) as file:
        return str(one_member(file, member, MOST_JSON), "utf-8")


@contextmanager
def _photos(root: Path, folder: str) -> Iterator[Callable[[str], Path | bytes]]:
    """Where photos come from, by file name: a folder, or the archive, opened once."""
    if (root / folder).is_dir():
        yield lambda name: root / folder / name
        return
    with opened_zip(_there(root / f"{folder}.zip")) as file:
        yield lambda name: one_member(file, f"{folder}/{name}", MOST_PHOTO)


def _there(archive: Path) -> Path:
    if not archive.is_file():
        raise DataError(f"There is no {archive}. Fetch it, or give its folder with --source.")
    return archive


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("coco_lvis", read, argv)


if __name__ == "__main__":
    sys.exit(main())
