"""COCO + LVIS, training: every LVIS object, and COCO's where LVIS has none."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from instances import entries, layers, mask_of, outline, without_twins
from pairs import Photo, Seen
from run import run
from unpack import one_member

from vpuformer.errors import DataError

SETS = {  # name: the file as published, the archive it comes in, its path in there
    "lvis": ("lvis_v1_{}.json", "lvis_v1_{}.json.zip", "lvis_v1_{}.json"),
    "coco": (
        "annotations/instances_{}2017.json",
        "annotations_trainval2017.zip",
        "annotations/instances_{}2017.json",
    ),
}
MOST_JSON, MOST_PHOTO = 4 << 30, 64 << 20  # bytes
Objects = dict[int, list[tuple[str, bool, Any]]]  # photo -> (set, crowd, outline)


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """Photos straight from train2017.zip (or train2017/), objects from the two JSON files.

    Overlapping objects take several label maps, each with the photo again (NAME-1, NAME-2).
    """
    photos: dict[int, dict] = {}
    objects: Objects = defaultdict(list)
    licences: dict[int, str] = {}
    for name in SETS:
        _collect(name, _text(root, name, split), (photos, objects, licences), seen)
    for key in sorted(objects):
        photo = photos[key]
        path = "/".join(photo["coco_url"].split("/")[-2:])  # train2017/000000000009.jpg
        content = _photo(root, path)
        maps, left = _label_maps(objects[key], (photo["height"], photo["width"]))
        seen["objects without a place"] += left
        name = path[-16:-4]
        about = {"photo": name, "licence": licences.get(photo.get("license", 0), "unstated")}
        for number, labels in enumerate(maps):
            yield Photo(f"{name}-{number}" if number else name, content, labels, about)


def _collect(name: str, text: str, into: tuple[dict, Objects, dict], seen: Seen) -> None:
    photos, objects, licences = into
    for key, element in entries(text):
        if key == "images":
            photos[element["id"]] = element
            seen[f"{name} photos"] += 1
        elif key == "annotations":
            crowd = bool(element.get("iscrowd", 0))
            shape = outline(element["segmentation"])
            objects[element["image_id"]].append((name, crowd, shape))
            seen[f"{name} objects"] += 1
        elif key == "licenses":
            licences[element["id"]] = f"{element['name']} (annotations: CC BY 4.0)"


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
    path, archive, member = (part.format(split) for part in SETS[name])
    if (root / path).is_file():
        return (root / path).read_text("utf-8")
    return str(one_member(_there(root / archive), member, MOST_JSON), "utf-8")


def _photo(root: Path, path: str) -> bytes:
    if (root / path).is_file():
        return (root / path).read_bytes()
    return one_member(_there(root / f"{path.split('/')[0]}.zip"), path, MOST_PHOTO)


def _there(archive: Path) -> Path:
    if not archive.is_file():
        raise DataError(f"There is no {archive}. Fetch it, or give its folder with --source.")
    return archive


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("coco_lvis", read, argv)


if __name__ == "__main__":
    sys.exit(main())
