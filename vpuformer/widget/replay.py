"""A session played again from its file."""

from pathlib import Path
from typing import Any

from vpuformer.data.coco import from_rle
from vpuformer.errors import read_json
from vpuformer.metrics import iou
from vpuformer.model import VPUFormer
from vpuformer.widget.session import Session

Source = str | Path | dict[str, Any]


def replay(
    source: Source, image: Any, model: VPUFormer | None = None, *, any_weights: bool = False
) -> Session:
    """The session of a file (or dict), its rounds played again: the same masks.

    Identical under the same precision, threads and kind of processor; `agreement` tells.

    Raises:
        DataError: the image is another one, or the weights are (unless `any_weights`).
    """
    record = source if isinstance(source, dict) else read_json(source)
    return Session.from_json(record, image, model, any_weights=any_weights)


def agreement(session: Session, record: dict[str, Any]) -> float:
    """The smallest IoU between a session's masks and those stored in a record; 1 is identical."""
    stored = {thing["number"]: from_rle(thing["mask"]) for thing in record["objects"]}
    masks = session.masks()
    if masks.keys() != stored.keys():
        return 0.0
    pairs = [(stored[n], mask) for n, mask in masks.items() if stored[n].any() or mask.any()]
    return min((iou(a, b) for a, b in pairs), default=1.0)
