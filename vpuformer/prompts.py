"""Prompts as values: clicks, boxes and scribbles, and what answers them.

Points are (x, y) with the origin at the top left; pixel i covers [i - 1/2, i + 1/2), so pixel
centres are integers. Sizes are (H, W). No torch here.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any, Protocol, Self

import numpy as np

from vpuformer.errors import DataError, PromptError

Size = tuple[int, int]
Points = Sequence[tuple[float, float]]
Mask = np.ndarray  # bool [H, W]
Axis = Callable[[float], float]  # a coordinate on a picture's axis, carried elsewhere
FAR = 1e6  # pixels; no picture is as wide


def rescale(value: Any, old: float, new: float) -> Any:
    """Coordinate(s) on an axis of length `old`, carried to the same axis at length `new`.

    x' = (x + 1/2) new / old - 1/2, the pixel-centre rule. The only place that knows it: frames,
    prompt vectors, augmentation and the widget's view all call it. Works on numbers, arrays and
    tensors.
    """
    return (value + 0.5) * (new / old) - 0.5


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise PromptError(f"{name} must be a number, got {value!r}.") from None
    if not abs(number) < FAR:
        raise PromptError(f"{name} must be finite, below {FAR:g}, got {number:g}. Give pixels.")
    return number


def _sign(value: Any) -> bool:
    if type(value) not in (bool, np.bool_):
        raise PromptError(f"positive must be True or False, got {value!r}.")
    return bool(value)


@dataclass(frozen=True, slots=True)
class _Gesture:
    """What clicks, boxes and scribbles share."""

    def _carried(self, x: Axis, y: Axis) -> Self:
        """The same gesture with its points carried along both axes."""
        raise NotImplementedError

    def rescaled(self, old: Size, new: Size) -> Self:
        """The same prompt on a picture of size `old` (H, W) resized to `new` (H, W)."""
        x, y = (partial(rescale, old=old[axis], new=new[axis]) for axis in (1, 0))
        return self._carried(x, y)

    def moved(self, dx: float, dy: float) -> Self:
        """The same prompt, shifted by (dx, dy) pixels."""
        return self._carried(lambda x: x + dx, lambda y: y + dy)

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `prompt_from_json` reads back to an equal prompt."""
        return {"kind": kind_of(self), **asdict(self)}


@dataclass(frozen=True, slots=True)
class Click(_Gesture):
    """One point that belongs to the object (positive) or does not (negative)."""

    x: float
    y: float
    positive: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", _number("Click.x", self.x))
        object.__setattr__(self, "y", _number("Click.y", self.y))
        object.__setattr__(self, "positive", _sign(self.positive))

    @property
    def pixel(self) -> tuple[int, int]:
        """(x, y) of the pixel that holds the click: floor(x + 1/2)."""
        return math.floor(self.x + 0.5), math.floor(self.y + 0.5)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Smallest and largest coordinates: (x0, y0, x1, y1)."""
        return self.x, self.y, self.x, self.y

    def _carried(self, x: Axis, y: Axis) -> Self:
        return replace(self, x=x(self.x), y=y(self.y))


@dataclass(frozen=True, slots=True)
class Box(_Gesture):
    """A rectangle by centre and size; its edges lie at cx ± w/2 and cy ± h/2."""

    cx: float
    cy: float
    w: float
    h: float
    positive: bool = True

    def __post_init__(self) -> None:
        for name in ("cx", "cy", "w", "h"):
            object.__setattr__(self, name, _number(f"Box.{name}", getattr(self, name)))
        object.__setattr__(self, "positive", _sign(self.positive))
        for name in ("w", "h"):
            if (side := getattr(self, name)) <= 0:
                raise PromptError(f"Box is empty: {name} = {side:g}. Give two different corners.")

    @classmethod
    def from_corners(
        cls, x0: float, y0: float, x1: float, y1: float, *, positive: bool = True
    ) -> Self:
        """A box by two opposite corners on its edges, in any order."""
        x0, y0, x1, y1 = (_number("Box corner", v) for v in (x0, y0, x1, y1))
        return cls((x0 + x1) / 2, (y0 + y1) / 2, abs(x1 - x0), abs(y1 - y0), positive)

    @classmethod
    def from_pixels(
        cls, left: int, top: int, right: int, bottom: int, *, positive: bool = True
    ) -> Self:
        """A box that covers the pixels left..right and top..bottom, both ends included."""
        if right < left or bottom < top:
            raise PromptError(f"Box runs backwards: {left}..{right}, {top}..{bottom}. Swap them.")
        return cls.from_corners(left - 0.5, top - 0.5, right + 0.5, bottom + 0.5, positive=positive)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The edges: (x0, y0, x1, y1)."""
        w, h = self.w / 2, self.h / 2
        return self.cx - w, self.cy - h, self.cx + w, self.cy + h

    def _carried(self, x: Axis, y: Axis) -> Self:
        return replace(self, cx=x(self.cx), cy=y(self.cy))

    def rescaled(self, old: Size, new: Size) -> Self:
        """The same box on a picture of size `old` (H, W) resized to `new` (H, W)."""
        moved = super(Box, self).rescaled(old, new)  # slots: the bare super() fails
        return replace(moved, w=self.w * new[1] / old[1], h=self.h * new[0] / old[0])


@dataclass(frozen=True, slots=True)
class Scribble(_Gesture):
    """A stroke: vertices in drawing order, straight segments between them; one may be enough."""

    points: Points
    positive: bool = True

    def __post_init__(self) -> None:
        try:
            pairs = [tuple(p) for p in self.points]
        except TypeError:
            raise PromptError(f"Scribble.points must hold (x, y), got {self.points!r}.") from None
        if not pairs:
            raise PromptError("Scribble is empty. Expected at least one (x, y) vertex.")
        for pair in pairs:
            if len(pair) != 2:
                raise PromptError(f"Scribble vertex must be (x, y), got {pair!r}.")
        points = tuple((_number("Scribble x", x), _number("Scribble y", y)) for x, y in pairs)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "positive", _sign(self.positive))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Smallest and largest coordinates: (x0, y0, x1, y1)."""
        xs, ys = zip(*self.points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def enters(self, crop: tuple[int, int, int, int]) -> bool:
        """Whether the stroke has a point in a crop (left, top, right, bottom, the last two out)."""
        line = np.array([*self.points, self.points[-1]], np.float64)
        corners, step = np.reshape(crop, (2, 1, 2)) - 0.5, np.diff(line, axis=0) + 1e-12  # not 0
        one, other = (corners - line[:-1]) / step  # shares of a segment at which it meets the sides
        first, last = np.minimum(one, other).max(1), np.maximum(one, other).min(1)
        return bool(((first <= last) & (first < 1) & (last >= 0)).any())

    def _carried(self, x: Axis, y: Axis) -> Self:
        return replace(self, points=tuple((x(px), y(py)) for px, py in self.points))

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `prompt_from_json` reads back to an equal prompt."""
        return {**super(Scribble, self).to_json(), "points": [list(p) for p in self.points]}


Prompt = Click | Box | Scribble
_KINDS: dict[str, type[Prompt]] = {"click": Click, "box": Box, "scribble": Scribble}


def kind_of(prompt: Any) -> str:
    """'click', 'box' or 'scribble'; anything else raises PromptError."""
    for name, cls in _KINDS.items():
        if isinstance(prompt, cls):
            return name
    raise PromptError(f"Not a prompt: {prompt!r}. Expected a Click, Box or Scribble.")


def prompt_from_json(record: dict[str, Any]) -> Prompt:
    """The prompt that a `to_json` dict describes."""
    fields = dict(record) if hasattr(record, "items") else {}
    kind = fields.pop("kind", None)
    if kind not in [*_KINDS]:  # a kind that is a list, too
        raise PromptError(f"Kind {kind!r} of {record!r}: expected one of {', '.join(_KINDS)}.")
    try:
        return _KINDS[kind](**fields)
    except TypeError as error:
        raise PromptError(f"Prompt record {record!r} does not fit a {kind}: {error}.") from None


def check_inside(prompt: Prompt, size: Size) -> None:
    """Raise PromptError when a prompt does not touch a picture of size (H, W).

    A click must lie in [-1/2, W - 1/2) x [-1/2, H - 1/2); a box must overlap the picture; a
    scribble must have a vertex in it (the part outside is ignored).
    """
    kind, (height, width) = kind_of(prompt), size
    x0, y0, x1, y1 = prompt.bounds
    if isinstance(prompt, Box):
        inside = x1 > -0.5 and y1 > -0.5 and x0 < width - 0.5 and y0 < height - 0.5
    else:
        points = prompt.points if isinstance(prompt, Scribble) else ((prompt.x, prompt.y),)
        inside = any(-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5 for x, y in points)
    if not inside:
        raise PromptError(
            f"The {kind} lies outside the image: it spans x {x0:g}..{x1:g}, y {y0:g}..{y1:g}, but "
            f"the image is {width} wide and {height} high. Coordinates are (x, y) in its pixels."
        )


def check_round(prompts: Sequence[Prompt], size: Size) -> None:
    """Raise PromptError when a round has no prompt, or one that does not touch the picture."""
    if not prompts:
        raise PromptError("add() got no prompt. Give at least one Click, Box or Scribble.")
    for prompt in prompts:
        check_inside(prompt, size)


class Prediction:
    """The answer after a round: probability and mask in the coordinates of the user's image.

    Args:
        prob: float32 `[H, W]` in 0..1, or a function that computes it on first use.
        threshold: a pixel belongs to the mask when its probability is above this.
        mask: a function that finds the mask faster than by the probability.
    """

    def __init__(self, prob: Any, threshold: float = 0.5, mask: Any = None) -> None:
        self._prob, self.threshold, self._mask = prob, threshold, mask

    @cached_property
    def prob(self) -> np.ndarray:
        """Probability that each pixel belongs to the object, float32 `[H, W]`."""
        return np.asarray(self._prob() if callable(self._prob) else self._prob, dtype=np.float32)

    @cached_property
    def mask(self) -> Mask:
        """The object's pixels, bool `[H, W]`."""
        return self.prob > self.threshold if self._mask is None else self._mask()

    def __repr__(self) -> str:
        return f"Prediction(threshold={self.threshold})"


class Segmenter(Protocol):
    """Whatever answers prompts on one image: the predictor, a baseline, a person's own method."""

    def set_image(self, image: Any, mask: Mask | None = None) -> Any:
        """Begin a conversation about an image, optionally from a start mask bool `[H, W]`."""

    def add(self, *prompts: Prompt) -> Prediction | None:
        """One round: take the prompts, answer with a mask."""

    def reset(self) -> Any:
        """Forget all prompts, keep the image."""


def of_sign(prompts: Iterable[Prompt], positive: bool) -> list[Prompt]:
    """Those prompts whose sign is `positive`, in order."""
    return [p for p in prompts if p.positive is positive]


def as_masks(gt: Mask, pred: Mask, ignore: Mask | None) -> tuple[Mask, Mask, Mask]:
    """A truth, an answer and what counts as bool masks `[H, W]`, their shapes checked."""
    shapes = {np.shape(m) for m in (gt, pred, ignore) if m is not None}
    if len(shapes) != 1 or len(np.shape(gt)) != 2:
        raise DataError(f"Masks are {sorted(shapes)}, expected one [H, W]. Resize the answer.")
    gt, pred = np.asarray(gt) > 0.5, np.asarray(pred) > 0.5
    counted = np.ones_like(gt) if ignore is None else np.asarray(ignore) <= 0.5
    return gt, pred, counted
