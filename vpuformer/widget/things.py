"""One object of a session: its prompts in rounds, its brush strokes, its mask."""

import math
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np

from vpuformer.conversation import Round, answered, begun, obeying, said
from vpuformer.data.coco import from_rle, to_rle
from vpuformer.drawing import palette
from vpuformer.errors import ConfigError, DataError, PromptError
from vpuformer.prompts import Prompt, Scribble, Size

# Of the first objects, then again from the first; not the colours of the signs.
COLOURS = (palette.MASK, palette.CURVES[4], palette.CURVES[2], palette.CURVES[3])
MOST = 254  # objects: a label map's 255 is void


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

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf:
            raise PromptError(f"The brush's radius is {self.radius}, expected more than 0 pixels.")


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
    start: np.ndarray | None = field(default=None, repr=False)
    rounds: tuple[Round, ...] = field(default=(), repr=False)
    strokes: tuple[Stroke, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigError(f"The object's name is {self.name!r}, expected a word or two.")
        if not re.fullmatch("#[0-9A-Fa-f]{6}", str(self.colour)):
            raise ConfigError(f"The object's colour is {self.colour!r}, expected #RRGGBB.")

    @property
    def prompts(self) -> list[Prompt]:
        """Its prompts, in order."""
        return said(self.rounds)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said about it yet."""
        return self.start is None and not self.rounds and not self.strokes

    @property
    def prob(self) -> np.ndarray | None:
        """Its probability, float32 `[H, W]`, before the brush; None when there is none."""
        return answered(self.rounds, 0.5).prob if self.rounds else self.start

    def mask(self, threshold: float, size: Size) -> np.ndarray:
        """Its pixels, bool `[H, W]`, read-only: probability, brush and later clicks in turn."""
        if self.rounds:
            mask = answered(self.rounds, threshold).mask
        else:
            mask = np.zeros(size, bool) if self.start is None else self.start > threshold
        for stroke in self.strokes:
            y, x, covered = swept(stroke.line.points, stroke.radius, size)
            mask[y, x] = np.where(covered, stroke.line.positive, mask[y, x])
            obeying(mask, self.prompts[stroke.after :])
        mask.flags.writeable = False
        return mask

    def painted(self, line: Scribble, radius: float) -> Self:
        """The same object with a stroke on top."""
        stroke = Stroke(line, float(radius), len(self.prompts))
        return replace(self, strokes=(*self.strokes, stroke))

    def to_json(self) -> dict[str, Any]:
        """A plain dict of what was said, without the answers."""
        strokes = [{**s.line.to_json(), "radius": s.radius, "after": s.after} for s in self.strokes]
        record = {name: getattr(self, name) for name in ("number", "name", "colour")}
        start = None if self.start is None else to_rle(self.start > 0.5)
        rounds = [[prompt.to_json() for prompt in turn.prompts] for turn in self.rounds]
        return {**record, "start": start, "rounds": rounds, "strokes": strokes}

    @classmethod
    def from_json(cls, record: dict[str, Any], size: Size) -> Self:
        """The object that a `to_json` dict describes, its rounds not yet played."""
        prompts = sum(map(len, record["rounds"]))
        lines = ((Scribble(each["points"], each["positive"]), each) for each in record["strokes"])
        strokes = [Stroke(line, float(s["radius"]), int(s["after"])) for line, s in lines]
        turns = [0, *(stroke.after for stroke in strokes), prompts]
        if turns != sorted(turns):
            raise DataError(f"Strokes come after {turns[1:-1]} of {prompts} prompts: out of order.")
        start = None if record["start"] is None else begun(from_rle(record["start"]), size)
        name, colour = record["name"], record["colour"]
        return cls(int(record["number"]), name, colour, start, strokes=tuple(strokes))


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All objects by number as they stand after an action, and which one is selected.

    Args:
        things: the objects.
        selected: the number of one.
        how: the action that led here: which one was selected then, its name, its arguments.
    """

    things: dict[int, Thing]
    selected: int
    how: tuple[Any, ...] = ()

    def to_json(self) -> list[Any]:
        """A plain list: which one is selected now, and the action that led here."""
        return [self.selected, *(p.to_json() if isinstance(p, Prompt) else p for p in self.how)]

    @property
    def thing(self) -> Thing:
        """The selected one."""
        return self.things[self.selected]

    def at(self, number: int) -> Thing:
        """The object of a number; PromptError when there is none."""
        if number not in self.things:
            raise PromptError(f"There is no object {number}. There are {list(self.things)}.")
        return self.things[number]

    def having(self, thing: Thing) -> Self:
        """The same with an object put in, in place of one of its number."""
        return replace(self, things={**self.things, thing.number: thing})

    def changed(self, number: int, **fields: Any) -> Self:
        """The same with something else said of the object of a number."""
        return self.having(replace(self.at(number), **fields))

    def adding(self, name: str | None, start: np.ndarray | None = None) -> Self:
        """The same with one more object, selected."""
        number = max(self.things, default=0) + 1
        if len(self.things) >= MOST:
            raise PromptError(f"There are {MOST} objects already, the most a label map holds.")
        name = f"object {number}" if name is None else name
        thing = Thing(number, name, COLOURS[(number - 1) % len(COLOURS)], start)
        return replace(self.having(thing), selected=number)

    def without(self, number: int) -> Self:
        """The same without an object; the last one left is emptied instead."""
        thing, others = self.at(number), {n: t for n, t in self.things.items() if n != number}
        if not others:
            return self.having(Thing(thing.number, thing.name, thing.colour))
        selected = max(others) if self.selected == number else self.selected
        return replace(self, things=others, selected=selected)


class Past(NamedTuple):
    """The states that can be had again, the earliest first, and which of them it is now."""

    states: list[State]
    at: int = 0

    @property
    def now(self) -> State:
        """The state now."""
        return self.states[self.at]

    def to_json(self) -> dict[str, Any]:
        """A plain dict: the first state's objects, and the action that led to each later one."""
        first, *later = self.states
        steps = [[first.selected], *(state.to_json() for state in later)]
        things = [thing.to_json() for thing in first.things.values()]
        return {"at": self.at, "first": things, "steps": steps}


@lru_cache(maxsize=128)
def swept(
    points: tuple[tuple[float, float], ...], radius: float, size: Size
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows `[n, 1]`, columns `[1, m]`, and which pixels there a round brush covers, bool `[n, m]`.

    A pixel is covered when its centre is; the radius counts as sqrt(1/2) at least.
    """
    line, reach = np.array(points), max(radius, math.sqrt(0.5))
    low, high = line.min(0) - reach, line.max(0) + reach
    left, top = (max(0, math.ceil(edge)) for edge in low)
    right, bottom = (max(0, math.floor(edge) + 1) for edge in high)
    y, x = np.ogrid[top : min(bottom, size[0]), left : min(right, size[1])]
    covered = np.zeros((y.size, x.size), bool)
    for (x0, y0), (x1, y1) in zip(line, [*line[1:], line[-1]], strict=True):
        i = slice(*np.searchsorted(y[:, 0], (min(y0, y1) - reach, max(y0, y1) + reach + 1)))
        j = slice(*np.searchsorted(x[0], (min(x0, x1) - reach, max(x0, x1) + reach + 1)))
        u, v, du, dv = x[:, j] - x0, y[i] - y0, x1 - x0, y1 - y0
        along = np.clip((u * du + v * dv) / max(du * du + dv * dv, 1e-12), 0, 1)
        covered[i, j] |= (u - along * du) ** 2 + (v - along * dv) ** 2 <= reach**2
    return y, x, covered
