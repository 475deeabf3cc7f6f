"""One object of a session: its prompts in rounds, its brush strokes, its mask."""

from dataclasses import dataclass

import numpy as np

from vpuformer.conversation import Round, said
from vpuformer.prompts import Prompt, Scribble


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke of a round brush on top of a mask.

    Args:
        line: where it went; a positive one paints, a negative one erases.
        radius: of the brush, in the image's pixels.
        after: how many prompts had been given when it was drawn.
    """

    line: Scribble
    radius: float
    after: int


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """One object as it stands after an action.

    Args:
        number: counted from 1, its own for good.
        name: what a person calls it.
        colour: #RRGGBB.
        start: the mask it started from, as probability float32 `[H, W]`.
        rounds: prompts and answers.
        strokes: of the brush, in order.
    """

    number: int
    name: str
    colour: str
    start: np.ndarray | None = None
    rounds: tuple[Round, ...] = ()
    strokes: tuple[Stroke, ...] = ()

    @property
    def prompts(self) -> list[Prompt]:
        """Its prompts, in order."""
        return said(self.rounds)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said about it yet."""
        return self.start is None and not self.rounds and not self.strokes
