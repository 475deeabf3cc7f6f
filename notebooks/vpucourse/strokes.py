"""The checks of notebook 03, and a stroke's enclosed area."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw

from vpucourse.checking import checks
from vpucourse.pictures import TOY_SIZE
from vpuformer import pue
from vpuformer.config import PueConfig
from vpuformer.metrics import iou
from vpuformer.prompts import Scribble
from vpuformer.pue.box import box_axis


def enclosed(stroke: Scribble) -> np.ndarray:
    """What a stroke encloses when its ends are joined, bool, on the toy scene's grid."""
    canvas = Image.new("1", (TOY_SIZE[1], TOY_SIZE[0]))
    ImageDraw.Draw(canvas).polygon(list(stroke.points), fill=1)
    return np.asarray(canvas, bool)


def discrete(stroke: Scribble, n_points: int | None = None) -> Scribble:
    """The stroke by so many points at equal distances along it; as it is when None."""
    if n_points is None:
        return stroke
    x, y = np.transpose(stroke.points)
    run = np.concatenate([[0.0], np.hypot(np.diff(x), np.diff(y)).cumsum()])
    at = np.linspace(0, run[-1], n_points)
    pairs = zip(np.interp(at, run, x).tolist(), np.interp(at, run, y).tolist(), strict=True)
    return Scribble(tuple(pairs), stroke.positive)


def page(
    pool: Sequence[tuple[int, int]],
    chosen: Sequence[tuple[int, int]],
    q_h: np.ndarray,
    q_v: np.ndarray,
) -> np.ndarray:
    """A grid as a map: the pool's points dim, the chosen bright; q_h below it, q_v at its right.

    Between them lies a line of nan.
    """
    height, width = len(q_v), len(q_h)
    plane = np.full((height + 2, width + 2), np.nan)
    plane[:height, :width] = 0
    for points, value in ((pool, 0.45), (chosen, 1.0)):
        for x, y in points:
            plane[y, x] = value  # row = y
    plane[height + 1, :width], plane[:height, width + 1] = q_h, q_v
    return plane


@checks.add("03.P")
def _what_grows(answer: str) -> str:
    words = ("length", "entries", "both")
    if answer not in words:
        return f"Answer one of {', '.join(words)}, got {answer!r}."
    return "" if answer == "entries" else "W + H + 2 does not know how long the stroke is."


@checks.add("03.B")
def _box_by_hand(by_hand: Callable[..., list[float]]) -> str:
    for x0, w in ((20, 12), (5, 4), (60, 120), (33, 30), (20.5, 0.4)):
        centre, side = torch.tensor([float(x0)]).double(), torch.tensor([float(w)]).double()
        wanted = box_axis(centre, side, 64, PueConfig())[0].numpy()
        ours = np.asarray(by_hand(x0, w, 64), float)
        if ours.shape != wanted.shape:
            return f"Give 64 values, got shape {ours.shape}."
        if (ours[wanted == 0] != 0).any():
            return f"x_0 = {x0}, w_0 = {w}: an entry outside the box is not exactly 0."
        if np.abs(ours - wanted).max() > 1e-6:
            return f"x_0 = {x0}, w_0 = {w}: off by up to {np.abs(ours - wanted).max():.3f}."
    return ""


@checks.add("03.E")
def _twins(pair: Callable[[], tuple[Scribble, Scribble]], *, most: float = 0.3) -> str:
    first, second = pair()
    a, b = pue.encode([first, second], TOY_SIZE)
    if (gap := float((a - b).abs().max())) > 0.02:
        return f"The vectors differ by up to {gap:.3f}, at most 0.02 is allowed."
    common = iou(enclosed(first), enclosed(second))
    wide = f"The enclosed areas have IoU {common:.2f}, wanted < {most}."
    return "" if common < most else wide
