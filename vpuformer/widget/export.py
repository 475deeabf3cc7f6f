"""What leaves a session: cut-outs, mask and label pictures, COCO records, arrays."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from vpuformer.errors import DataError, ImageError
from vpuformer.imaging import cutout, save_image, save_mask

KINDS = ("cutout", "cropped", "mask", "labels", "coco", "numpy")


def to_rle(mask: np.ndarray) -> dict[str, Any]:
    """A mask bool `[H, W]` as COCO's compressed run lengths: {"size": [H, W], "counts": str}.

    Runs go down the columns and begin with the zeros, as pycocotools writes them.
    """
    mask = np.asarray(mask, bool)
    if mask.ndim != 2:
        raise ImageError(f"The mask has shape {mask.shape}, expected [H, W].")
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
    counts = np.diff([0, *ends, flat.size]).tolist()
    return {"size": list(mask.shape), "counts": _packed(counts)}


def from_rle(rle: dict[str, Any]) -> np.ndarray:
    """The mask bool `[H, W]` of a COCO run-length record, its counts compressed or a list."""
    try:
        (height, width), counts = rle["size"], rle["counts"]
        counts = _unpacked(counts) if isinstance(counts, str) else [int(c) for c in counts]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"Not a run-length mask: {error!r}. Expected size [H, W] and counts."
        ) from None
    if sum(counts) != height * width or min(counts, default=0) < 0:
        raise DataError(
            f"The runs cover {sum(counts)} pixels, expected {height} x {width}. The file is torn."
        )
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(height, width, order="F")


def _packed(counts: Sequence[int]) -> str:
    """Five bits a character, least first; from the fourth run on, differences to two runs ago."""
    text: list[str] = []
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            five, value = value & 31, value >> 5
            more = value != (-1 if five & 16 else 0)
            text.append(chr(48 + (five | (32 if more else 0))))
    return "".join(text)


def _unpacked(text: str) -> list[int]:
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        five = ord(letter) - 48
        value |= (five & 31) << shift
        shift += 5
        if five & 32:
            continue
        if five & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("the counts end in the middle of a number")
    return counts


def to_polygons(mask: np.ndarray) -> list[dict[str, Any]]:
    """Each part of a mask as its outer line and its holes.

    Returns:
        A list of {"outer": [[x, y], …], "holes": [[[x, y], …], …]}, pixel centres at integers,
        the largest part first. `from_polygons` gives the mask back exactly.
    """
    import cv2

    small = np.ascontiguousarray(mask, np.uint8)
    lines, tree = cv2.findContours(small, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not lines:
        return []
    parts: list[dict[str, Any]] = []
    for i, line in enumerate(lines):
        if tree[0][i][3] < 0:
            holes, child = [], tree[0][i][2]
            while child >= 0:
                holes.append(lines[child][:, 0].tolist())
                child = tree[0][child][0]
            area = cv2.contourArea(line)
            parts.append({"outer": line[:, 0].tolist(), "holes": holes, "area": area})
    parts.sort(key=lambda part: -part.pop("area"))
    return parts


def from_polygons(parts: Sequence[dict[str, Any]], size: tuple[int, int]) -> np.ndarray:
    """The mask bool `[H, W]` that `to_polygons` described.

    A hole's line runs through pixels of the object, so the line itself stays inside.
    """
    import cv2

    whole = np.zeros(size, np.uint8)
    for part in parts:
        own = np.zeros(size, np.uint8)
        cv2.fillPoly(own, [np.array(part["outer"], np.int32)], 1)
        for hole in part["holes"]:
            line = np.array(hole, np.int32)
            cv2.fillPoly(own, [line], 0)
            cv2.polylines(own, [line], True, 1)
        whole |= own
    return whole.astype(bool)


def label_map(masks: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """One picture of all objects, uint8 `[H, W]`: 0 is none, 1..K the objects; the later wins."""
    if len(masks) > 254:
        raise ImageError(
            f"{len(masks)} objects do not fit one label picture; 254 are possible."
        )
    labels = np.zeros(size, np.uint8)
    for number, mask in enumerate(masks, start=1):
        labels[np.asarray(mask, bool)] = number
    return labels


def to_coco(
    masks: Sequence[np.ndarray],
    names: Sequence[str],
    size: tuple[int, int],
    file_name: str = "image.png",
) -> dict[str, Any]:
    """A COCO data set of one image: run lengths, boxes, areas, and polygons beside them.

    COCO's own polygons know no holes: run lengths are the segmentation, and each annotation's
    "polygons" holds `to_polygons`.
    """
    kinds = list(dict.fromkeys(names))
    annotations: list[dict[str, Any]] = []
    for i, (mask, name) in enumerate(zip(masks, names, strict=True), start=1):
        mask = np.asarray(mask, bool)
        if not mask.any():
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x, y = int(columns[0]), int(rows[0])
        box = [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1]
        annotations.append(
            {
                "id": i,
                "image_id": 1,
                "category_id": kinds.index(name) + 1,
                "segmentation": to_rle(mask),
                "area": int(mask.sum()),
                "bbox": box,
                "iscrowd": 1,  # what COCO's tools call run lengths
                "polygons": to_polygons(mask),
            }
        )
    image = {"id": 1, "file_name": file_name, "width": size[1], "height": size[0]}
    categories = [{"id": i, "name": kind} for i, kind in enumerate(kinds, start=1)]
    return {"images": [image], "categories": categories, "annotations": annotations}


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file, whole or not at all."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise DataError(f"Could not write {path}: {error}. Choose another place.") from error
    return path


def write(session: Any, kind: str, path: str | Path) -> Path:
    """Write what a session holds.

    Args:
        session: a `Session`.
        kind: "cutout" (RGBA PNG of the selected object, full size), "cropped" (trimmed to it),
            "mask" (PNG of 0 and 255), "labels" (PNG, 0 and 1..K over all objects), "coco"
            (JSON), "numpy" (bool `[K, H, W]` in a .npy file).
        path: the file.
    """
    if kind in ("cutout", "cropped"):
        return save_image(path, cutout(session.image, session.mask, crop=kind == "cropped"))
    if kind == "mask":
        return save_mask(path, session.mask)
    masks, size = session.masks, session.size
    if kind == "labels":
        return save_image(path, label_map(list(masks.values()), size))
    if kind == "coco":
        names = [item.name for item in session.items]
        return write_text(path, json.dumps(to_coco(list(masks.values()), names, size)))
    if kind == "numpy":
        path = Path(path).with_suffix(".npy")
        temporary = path.with_name(path.name + ".tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            np.save(file, np.stack(list(masks.values())))
        os.replace(temporary, path)
        return path
    raise DataError(f"There is no export {kind!r}. Expected one of {', '.join(KINDS)}.")
