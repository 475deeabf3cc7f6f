"""A session as a file: prompts, strokes and masks, with what decides whether they come back."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vpuformer.errors import DataError, ImageError, VPUError
from vpuformer.metrics import iou
from vpuformer.predictor import Predictor
from vpuformer.prompts import Prompt, prompt_from_json
from vpuformer.widget.export import from_rle, to_rle, write_text
from vpuformer.widget.items import Item, Stroke
from vpuformer.widget.session import Session

log = logging.getLogger("vpuformer.widget")
SCHEMA = 1


def image_hash(image: np.ndarray) -> str:
    """sha256 over the shape and the pixels of an image uint8 `[H, W, 3]`."""
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def to_json(session: Session) -> dict[str, Any]:
    """A session as plain data; undone actions are not kept."""
    with session.lock:
        model = session.predictor.model
        return {
            "schema": SCHEMA,
            "image": image_hash(session.image),
            "size": list(session.size),
            "weights": model.weights_hash,
            "settings": session.predictor.settings,
            "threads": torch.get_num_threads(),
            "device": session.predictor.device.type,
            "threshold": session.threshold,
            "selected": session.state.selected,
            "items": [_item_to_json(session, item) for item in session.items],
        }


def _item_to_json(session: Session, item: Item) -> dict[str, Any]:
    return {
        "number": item.number,
        "name": item.name,
        "colour": item.colour,
        "start": None if item.start is None else to_rle(item.start),
        "rounds": [[p.to_json() for p in turn] for turn in item.rounds],
        "strokes": [
            {"points": [list(p) for p in s.points], "radius": s.radius, "add": s.add}
            for s in item.strokes
        ],
        "mask": to_rle(session.mask_of(item)),
    }


def from_json(record: dict[str, Any], predictor: Predictor, image: Any) -> Session:
    """The session that a record describes: all its prompts are answered again, in order.

    Each prompt and stroke is an action that can be undone. When other weights, another precision
    or another machine answer differently than the record says, the log tells by how much.

    Raises:
        DataError: not a session.
        ImageError: a session of another image.
    """
    try:
        if record["schema"] != SCHEMA:
            raise DataError(
                f"The session has schema {record['schema']!r}, expected {SCHEMA}. It was written "
                "by another version of vpuformer."
            )
        pieces = [_item_from_json(entry) for entry in record["items"]]
        expected, threshold = record["image"], float(record["threshold"])
        selected = [p["number"] for p in pieces].index(record["selected"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, VPUError):
            raise
        raise DataError(f"Not a session: {error!r} is missing or wrong.") from None
    session = Session(predictor, image, mask=pieces[0]["start"] if pieces else None)
    if image_hash(session.image) != expected:
        raise ImageError(
            f"The session belongs to another image of size {record['size']}; this one is "
            f"{list(session.size)}. Open the picture it was made on."
        )
    session.set_threshold(threshold)
    for i, piece in enumerate(pieces):
        if i:
            session.add_object(piece["name"], mask=piece["start"])
        session.edit_object(name=piece["name"], colour=piece["colour"])
        for turn in piece["rounds"]:
            session.add(*turn)
        for stroke in piece["strokes"]:
            session.paint(stroke)
    session.select(session.items[selected].number)
    worst = min(agreement(session, record), default=1.0)
    if worst < 1:
        log.warning(
            "The session replays to an IoU of %.4f with the masks it was saved with", worst
        )
    return session


def _item_from_json(entry: dict[str, Any]) -> dict[str, Any]:
    rounds: list[list[Prompt]] = [
        [prompt_from_json(p) for p in turn] for turn in entry["rounds"]
    ]
    strokes = [
        Stroke(s["points"], float(s["radius"]), bool(s["add"])) for s in entry["strokes"]
    ]
    start = None if entry["start"] is None else from_rle(entry["start"])
    return {**entry, "start": start, "rounds": rounds, "strokes": strokes}


def agreement(session: Session, record: dict[str, Any]) -> list[float]:
    """IoU of each object's mask with the one in a record; 1 where both are empty."""
    pairs = zip(session.items, record["items"], strict=True)
    masks = ((session.mask_of(item), from_rle(entry["mask"])) for item, entry in pairs)
    return [1.0 if not (a | b).any() else float(iou(a, b)) for a, b in masks]


def save(session: Session, path: str | Path) -> Path:
    """Write a session's JSON file, whole or not at all."""
    return write_text(path, json.dumps(to_json(session)))


def load(path: str | Path, predictor: Predictor, image: Any) -> Session:
    """Read a session's file and answer its prompts again."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a session: {error}.") from None
    if not isinstance(record, dict):
        raise DataError(f"{path} holds {type(record).__name__}, expected a session.")
    return from_json(record, predictor, image)


def resume(path: str | Path, predictor: Predictor, image: Any) -> Session:
    """The session in a file if it is there and fits, else a new one.

    A file that does not fit is kept beside, its name ending in `.kept-` and the time: nothing a
    person did is ever overwritten.
    """
    path = Path(path)
    if path.is_file():
        try:
            return load(path, predictor, image)
        except VPUError as error:
            kept = path.with_name(f"{path.name}.kept-{time.strftime('%Y%m%d-%H%M%S')}")
            path.rename(kept)
            log.warning("%s A new session begins; the old one is kept as %s", error, kept.name)
    return Session(predictor, image)


def autosave(path: str | Path) -> Callable[[Session], None]:
    """A session's `on_change` that writes it to a file after every change."""
    return lambda session: save(session, path) and None
