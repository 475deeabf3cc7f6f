"""A session played again from its file, and a picture of its rounds for where none can run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from vpuformer.drawing import palette
from vpuformer.drawing.overlay import overlay
from vpuformer.errors import read_json
from vpuformer.metrics import iou
from vpuformer.model import VPUFormer
from vpuformer.widget.answers import Answers
from vpuformer.widget.export import from_rle
from vpuformer.widget.session import Session

Source = str | Path | dict[str, Any]
COLUMNS, GAP = 4, 6  # pictures in a row, pixels between them


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


def strip(session: Session, width: int = 320) -> Image.Image:
    """The selected object's rounds, four in a row, each with the prompts so far and its mask.

    With strokes of the brush, or without rounds, the object as it stands comes last.

    Args:
        session: whose rounds are shown; their masks are computed again.
        width: of each picture, in pixels.
    """
    answers = Answers(session.image, session.answers.model, session.answers.predictor.precision)
    thing = next(t for t in session.objects if t.number == session.selected)
    stages = [replace(thing, rounds=(), strokes=())]
    for turn in thing.rounds:
        stages.append(answers.said(stages[-1], turn.prompts))
    shown = [*stages[1:], thing] if thing.strokes or len(stages) == 1 else stages[1:]
    scale, columns = width / session.size[1], min(len(shown), COLUMNS)
    step = width + GAP, round(session.size[0] * scale) + GAP
    rows = -(-len(shown) // columns)
    sheet = Image.new("RGB", (columns * step[0] - GAP, rows * step[1] - GAP), palette.PAPER)
    for k, stage in enumerate(shown):
        mask = stage.mask(session.threshold, session.size)
        picture = overlay(
            session.image, mask, prompts=stage.prompts, gt_mask=session.truth, scale=scale
        )
        sheet.paste(Image.fromarray(picture), (k % columns * step[0], k // columns * step[1]))
    return sheet
