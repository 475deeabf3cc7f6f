"""A picture of a session's rounds, for where no widget can run."""

from dataclasses import replace

from PIL import Image

from vpuformer.drawing import palette
from vpuformer.drawing.overlay import overlay
from vpuformer.widget.answers import Answers
from vpuformer.widget.session import Session

COLUMNS, GAP = 4, 6  # pictures in a row, pixels between them


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
