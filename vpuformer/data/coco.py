"""COCO's and LVIS's instance files: their photos, and outlines and runs made into masks."""

import json
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import torch

from vpuformer.data.augmentation import VOID
from vpuformer.data.samples import Photo
from vpuformer.errors import DataError

FILES = {"lvis": "lvis_v1_{}.json", "coco": "annotations/instances_{}2017.json"}


def photos(root: Any, split: str, seen: Counter[str]) -> list[Photo]:
    """The photos of COCO + LVIS that have an object, by number; none is read yet.

    An object has a label map of its own: a tie lies on a shirt and the shirt on a person.

    Args:
        root: the `Path` of what holds the two JSON files and SPLIT2017/, or what answers like one.
        split: "train" or "val".
        seen: counts the entries of each file.

    Raises:
        DataError: a file is missing, breaks off, or is not as published.
    """
    about, licences, objects = {}, {}, defaultdict(list)
    for name, file in FILES.items():
        path = root / file.format(split)
        if not path.is_file():
            raise DataError(f"There is no {path}. Give the folder that holds it as published.")
        try:
            for key, each in entries(path.read_text("utf-8"), _packed):
                if key == "images":
                    size = abs(each["height"]), abs(each["width"])  # of numbers
                    url = each.get("coco_url") or f"{split}2017/"
                    folder = url.rsplit("/", 2)[-2]  # LVIS's val is in train2017, too
                    about[each["id"]] = size, each.get("license"), folder
                elif key == "annotations":
                    objects[each["image_id"]].append((name, each["crowd"], each["outline"]))
                elif key == "licenses":
                    licences[each["id"]] = f"{each['name']} (annotations: CC BY 4.0)"
                seen[f"{name} {key}"] += 1
        except (AttributeError, LookupError, TypeError) as error:
            raise DataError(f"{name}: not as published in {key}: {error!r}. Fetch it.") from None
        if lost := sorted(objects.keys() - about.keys()):
            raise DataError(f"{name} has objects of unknown photos, first {lost[0]}. Refetch it.")
    found = [(f"{key:012}", *about[key], objects[key]) for key in sorted(objects)]
    terms = defaultdict(lambda: "unstated", licences)
    return [
        Photo(name, root / place / f"{name}.jpg", (size, of), _maps, {"licence": terms[licence]})
        for name, size, licence, place, of in found
    ]


def entries(text: str, hook: Any = None) -> list[tuple[str, Any]]:
    """(key, element) for each element of each list at the top of a JSON object.

    Args:
        text: the JSON.
        hook: makes less of each object in it as soon as it is read: as Python objects a whole LVIS
            file takes many times its size.

    Raises:
        DataError: the text is no JSON object, or breaks off.
    """
    try:
        content = json.loads(text, object_hook=hook, parse_constant=int)  # refuses NaN
        lists = [(key, found) for key, found in content.items() if isinstance(found, list)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"The instance file is not whole: {error!r}. Fetch it again.") from None
    return [(key, element) for key, found in lists for element in found]


def _packed(element: dict[str, Any]) -> dict[str, Any]:
    if "segmentation" not in element:
        return element
    shape, is_crowd = outline(element["segmentation"]), bool(element.get("iscrowd"))
    return {"image_id": element["image_id"], "crowd": is_crowd, "outline": shape}


def outline(segmentation: Any) -> Any:
    """A segmentation as small as it gets: its polygons as arrays `[K, 2]`, or its runs."""
    if isinstance(segmentation, list):
        return [np.array(part, np.float32).reshape(-1, 2) for part in segmentation]
    return {"counts": segmentation["counts"]}


def masks(truth: Any) -> tuple[np.ndarray, dict[str, list[np.ndarray]]]:
    """Pixels of crowds bool `[H, W]`, and the masks bool `[H, W]` of each set's objects.

    Args:
        truth: of a photo: (H, W), and (set, whether a crowd, outline) of each object.
    """
    size, found = truth
    drawn = [(name, is_crowd, mask_of(shape, size)) for name, is_crowd, shape in found]
    single = [(name, mask) for name, is_crowd, mask in drawn if mask.any() and not is_crowd]
    crowd = sum((mask for _, is_crowd, mask in drawn if is_crowd), np.zeros(size, bool))
    return crowd, {name: [mask for of, mask in single if of == name] for name in FILES}


def _maps(truth: Any) -> list[np.ndarray]:
    crowd, single = masks(truth)
    return [np.where(m, 1, VOID * crowd).astype(np.uint8) for of in single.values() for m in of]


def mask_of(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    """An `outline` as bool `[H, W]`; DataError for runs of another size, or packed in a string."""
    if isinstance(segmentation, list):
        return sum((inside(polygon, size) for polygon in segmentation), np.zeros(size, bool))
    return from_rle({"size": size, "counts": segmentation["counts"]})


def to_rle(mask: np.ndarray) -> dict[str, Any]:
    """A mask bool `[H, W]` as COCO's uncompressed run lengths: {"size": [H, W], "counts"}.

    Column by column, runs of 0 and 1 in turn, the first of 0.
    """
    flat = torch.tensor(mask, dtype=torch.bool).T.flatten().numpy()  # four times as fast as numpy's
    turns = np.flatnonzero(np.diff(flat, prepend=False))
    counts = np.diff(turns, prepend=0, append=flat.size)
    return {"size": list(mask.shape), "counts": counts.tolist()}


def from_rle(rle: dict[str, Any]) -> np.ndarray:
    """The mask bool `[H, W]` of uncompressed run lengths."""
    try:
        (height, width), counts = rle["size"], np.array(rle["counts"], dtype=int)
        if counts.sum() != height * width:
            raise ValueError(f"they add up to {counts.sum()}")
        flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return np.ascontiguousarray(flat.reshape(height, width, order="F"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f'Run lengths do not fit: {error}. Expected {{"size": [H, W], "counts": ...}} with a '
            "list of numbers that add up to H * W, as COCO's published instances_*.json have them."
        ) from None


def inside(polygon: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre lies in a polygon `[K, 2]` of (x, y), even-odd, bool `[H, W]`.

    COCO's coordinates: 0 is the picture's left edge, so pixel i's centre lies at i + 0.5.
    """
    height, width = size
    (x0, y0), (x1, y1) = polygon.T.astype(float), np.roll(polygon, -1, 0).T.astype(float)
    first = np.ceil(np.minimum(y0, y1) - 0.5).clip(0, height).astype(int)
    rows = np.ceil(np.maximum(y0, y1) - 0.5).clip(0, height).astype(int) - first
    edge = np.repeat(np.arange(len(rows)), rows)  # each edge once for each row that it crosses
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows, rows) + first[edge]
    slope = (x1 - x0)[edge] / (y1 - y0)[edge]
    column = np.ceil(x0[edge] + (row + 0.5 - y0[edge]) * slope - 0.5).clip(0, width).astype(int)
    crossed = np.zeros((height, width + 1), np.uint8)
    np.bitwise_xor.at(crossed, (row, column), 1)
    return np.bitwise_xor.accumulate(crossed, axis=1)[:, :width].astype(bool)
