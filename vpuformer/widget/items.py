"""What a session is made of, as values: strokes, objects, and the state after each action."""

import re
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from vpuformer.errors import ConfigError, PromptError
from vpuformer.prompts import Prompt

Points = tuple[tuple[float, float], ...]


def checked_colour(colour: str) -> str:
    """A colour as `#RRGGBB`; anything else raises ConfigError."""
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise ConfigError(f"The colour is {colour!r}, expected # and six hexadecimal digits.")
    return colour


@dataclass(frozen=True, slots=True)
class Stroke:
    """A brush (`add`) or eraser stroke over the model's answer; radius in image pixels."""

    points: Points
    radius: float
    add: bool

    def __post_init__(self) -> None:
        points = tuple((float(x), float(y)) for x, y in self.points)
        if not points or not self.radius > 0 or not np.isfinite(points).all():
            raise PromptError(
                f"A stroke needs points and a radius above 0, got {len(points)} points and "
                f"radius {self.radius}."
            )
        object.__setattr__(self, "points", points)

    def covers(self, size: tuple[int, int]) -> np.ndarray:
        """The pixels within `radius` of the line, bool `[H, W]`."""
        layer = Image.new("1", (size[1], size[0]))
        pen, reach = ImageDraw.Draw(layer), self.radius
        if len(self.points) > 1:
            pen.line(self.points, fill=1, width=max(1, round(2 * reach)))
        for x, y in self.points:
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=1)
        return np.asarray(layer, bool)


@dataclass(frozen=True, slots=True)
class Item:
    """One object: what was said about it, and which of the predictor's answers it shows.

    `rounds` holds the prompts that were answered together; `slot` and `step` name an object of
    the predictor and the number of actions on it.
    """

    number: int
    name: str
    colour: str
    slot: int
    step: int = 0
    rounds: tuple[tuple[Prompt, ...], ...] = ()
    strokes: tuple[Stroke, ...] = ()
    start: np.ndarray | None = field(default=None, compare=False)

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """All prompts, in order."""
        return tuple(p for turn in self.rounds for p in turn)


@dataclass(frozen=True, slots=True)
class State:
    """The objects after an action, and which one is selected."""

    items: tuple[Item, ...]
    selected: int

    @property
    def item(self) -> Item:
        """The selected object."""
        return next(i for i in self.items if i.number == self.selected)
