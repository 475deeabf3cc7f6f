"""Masks as the files that others read: cut-outs, label pictures, COCO, polygons, NumPy, JSON."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from vpuformer.data.coco import to_rle
from vpuformer.drawing import palette
from vpuformer.errors import DataError, written_whole
from vpuformer.imaging import cutout, tight_box

if TYPE_CHECKING:
    from vpuformer.widget.session import Session

# What `exported` gives, and how such a file's name ends.
KINDS: dict[str, str] = dict.fromkeys(("cutout", "cropped", "mask", "labels"), "png")
KINDS |= dict.fromkeys(("coco", "polygons", "session"), "json") | {"numpy": "npz"}
Ring = list[list[float]]  # closed; the last point is not the first again


def polygons(mask: np.ndarray) -> list[dict[str, Any]]:
    """Each part of a mask bool `[H, W]` as {"outer": ring, "holes": [rings]}, along pixel edges.

    Points are (x, y), pixel centres at integers; the rings' areas add up to the mask's. Pixels that
    meet at a corner are one part.
    """
    import cv2

    # Each quarter of a pixel touches one corner of it, so a contour of quarters names the corners.
    quarters = np.kron(np.asarray(mask, np.uint8), np.ones((2, 2), np.uint8))
    contours, tree = cv2.findContours(quarters, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = [_corners(contour[:, 0]) for contour in contours]
    pairs = list(zip(rings, [] if tree is None else tree[0][:, 3].tolist(), strict=True))
    outer = ((i, ring) for i, (ring, parent) in enumerate(pairs) if parent < 0)
    return [{"outer": ring, "holes": [r for r, p in pairs if p == i]} for i, ring in outer]


def _corners(quarters: np.ndarray) -> Ring:
    ring = (quarters + 1) // 2 - 0.5
    ring = ring[(ring != np.roll(ring, 1, 0)).any(1)]
    before, after = ring - np.roll(ring, 1, 0), np.roll(ring, -1, 0) - ring
    return ring[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]].tolist()


def coco(masks: Sequence[np.ndarray], names: Sequence[str], file_name: str) -> dict[str, Any]:
    """COCO's instances of one image: an annotation for each mask that is not empty.

    In COCO pixel i covers [i, i + 1): a bbox is left, top, width and height in whole pixels.
    """
    height, width = masks[0].shape
    kinds, found = list(dict.fromkeys(names)), []
    for mask, name in zip(masks, names, strict=True):
        if box := tight_box(mask):
            left, top, right, bottom = box
            ids = {"id": len(found) + 1, "image_id": 1, "category_id": kinds.index(name) + 1}
            bbox = [left, top, right - left, bottom - top]
            shape = {"iscrowd": 0, "segmentation": to_rle(mask), "area": int(mask.sum())}
            found.append({**ids, **shape, "bbox": bbox})
    image = {"id": 1, "file_name": file_name, "width": width, "height": height}
    categories = [{"id": i, "name": name} for i, name in enumerate(kinds, 1)]
    return {"images": [image], "categories": categories, "annotations": found}


def labels_png(labels: np.ndarray, colours: Sequence[str]) -> bytes:
    """A label map uint8 `[H, W]` as a palette PNG: 0 black, k in the k-th colour, 255 white."""
    picture = Image.fromarray(labels).convert("P")
    shades = [(0, 0, 0), *map(palette.rgb, colours)]
    shades += [(255, 255, 255)] * (256 - len(shades))
    picture.putpalette([part for shade in shades for part in shade])
    return _png(picture)


def exported(kind: str, session: "Session") -> bytes:
    """A file's bytes: one of `KINDS`.

    The selected object cut out (whole or cropped) or as a mask of 0 and 255; all objects as labels,
    COCO, polygons or a NumPy archive (`object_1`, ...); the whole session.
    """
    if kind in ("cutout", "cropped"):
        return _png(Image.fromarray(cutout(session.image, session.mask, kind == "cropped")))
    if kind == "mask":
        return _png(Image.fromarray(session.mask.astype(np.uint8) * 255))
    if kind == "labels":
        return labels_png(session.labels(), [thing.colour for thing in session.objects])
    masks, names = session.masks(), [thing.name for thing in session.objects]
    if kind == "numpy":
        archive = io.BytesIO()
        np.savez_compressed(archive, **{f"object_{n}": mask for n, mask in masks.items()})  # pyright: ignore[reportArgumentType]
        return archive.getvalue()
    if kind not in KINDS:
        raise DataError(f"Cannot export {kind!r}. Expected one of {', '.join(KINDS)}.")
    if kind == "session":
        record: Any = session.to_json()
    elif kind == "coco":
        record = coco(list(masks.values()), names, session.name)
    else:
        parts = [polygons(mask) for mask in masks.values()]
        record = [{"name": n, "parts": p} for n, p in zip(names, parts, strict=True)]
    return json.dumps(record).encode()


def save(path: str | Path, data: bytes) -> Path:
    """Write a file whole or not at all."""
    path = Path(path)
    with written_whole(path, DataError, "Choose another place.") as temporary:
        temporary.write_bytes(data)
    return path


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
