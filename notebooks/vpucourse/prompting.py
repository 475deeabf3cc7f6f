"""Notebook 10: a thin thing to cut out, and the check of an exact undo."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vpucourse.checking import checks
from vpuformer.predictor import Predictor
from vpuformer.prompts import Click

WIRE_SIZE = (192, 256)  # (H, W)


def wire(number: int, thick: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """A drawn cable on a calm table: uint8 `[192, 256, 3]`, and its mask bool `[192, 256]`.

    Args:
        number: draws its course and the grain; the same number gives the same picture.
        thick: pixels across.
    """
    rng, (height, width) = np.random.default_rng([number, 10]), WIRE_SIZE
    x = np.linspace(20, width - 20, 80)
    turns, phase = rng.uniform(0.7, 1.5), rng.uniform(0, 2 * np.pi)
    y = height / 2 + 55 * np.sin(phase + turns * 2 * np.pi * x / width)
    canvas = Image.new("1", (width, height))
    line = list(zip(x.tolist(), y.tolist(), strict=True))
    ImageDraw.Draw(canvas).line(line, fill=1, width=thick, joint="curve")
    mask = np.asarray(canvas, bool)
    cloud = Image.fromarray(rng.normal(0, 7, (7, 9)).astype(np.float32))
    cloud = np.asarray(cloud.resize((width, height), Image.Resampling.BICUBIC))
    picture = np.array([196.0, 186.0, 170.0]) + cloud[..., None]
    picture[mask] = (60, 70, 120)
    picture += rng.normal(0, 3, (*WIRE_SIZE, 1))
    return picture.clip(0, 255).astype(np.uint8), mask


@checks.add("10.B")
def _exact_undo(make: Callable[[Predictor], Any], *, predictor: Predictor) -> str:
    predictor.reset()
    talk, asked = make(predictor), []
    talk.add(Click(290, 150))
    first = predictor.rounds[-1].logits.copy()
    talk.add(Click(225, 270))
    second = predictor.rounds[-1].logits.copy()
    model, decode = predictor.model, predictor.model.decode
    model.decode = lambda *given, **named: asked.append(1) or decode(*given, **named)
    try:
        talk.undo()
    finally:
        del model.decode
    if asked:
        return "Your undo asked the model again; keep its answers."
    if (count := len(predictor.rounds)) != 1:
        return f"After undo the predictor has {count} rounds, expected 1."
    if not np.array_equal(predictor.rounds[0].logits, first):
        return "The logits after undo are not those of before."
    talk.add(Click(225, 270))
    if not np.array_equal(predictor.rounds[-1].logits, second):
        return "The same click once more gives another answer than the first time."
    talk.undo()
    talk.undo()
    return "" if not predictor.rounds else "Two undos must lead back to the beginning."
