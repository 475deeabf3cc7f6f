"""What has been said about an object: rounds of prompts and answers, with undo and redo."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import floor

import numpy as np

from vpuformer.adaptation import Disc, adapted, told
from vpuformer.errors import ImageError, PromptError
from vpuformer.imaging import Frame, parts_of, sigmoid
from vpuformer.prompts import Click, Prediction, Prompt, of_sign
from vpuformer.zoom import RitmFrame

LEFT_OUT = np.float32(-4)


@dataclass(frozen=True, slots=True)
class Round:
    """One round: what was asked, in which frame, and the logits `[side, side]` that answered.

    `told` is what all clicks since the last box or scribble told about the masks before them.
    """

    prompts: tuple[Prompt, ...]
    frame: Frame
    logits: np.ndarray
    told: tuple[Disc, ...] = ()


Past = tuple[Round, ...]  # all rounds about an object, in order


@dataclass(slots=True)
class Rounds:
    """One object's rounds as they were after each action; undo and redo move `at`."""

    start: np.ndarray | None = None
    history: list[Past] = field(default_factory=lambda: [()])
    at: int = 0

    @property
    def rounds(self) -> Past:
        return self.history[self.at]

    def push(self, rounds: Past) -> None:
        self.history = [*self.history[: self.at + 1], rounds]
        self.at += 1


def begun(mask: np.ndarray | None, size: tuple[int, ...]) -> np.ndarray | None:
    """A mask to start from as probability float32 `[H, W]`; ImageError when its size is another."""
    if mask is not None and np.shape(mask) != size:
        raise ImageError(f"The start mask is {np.shape(mask)}, the image {size}. Give one size.")
    return None if mask is None else (np.asarray(mask) > 0.5).astype(np.float32)


def said(rounds: Past) -> list[Prompt]:
    """The prompts of all rounds, in order."""
    return [prompt for turn in rounds for prompt in turn.prompts]


def nth(rounds: Past, index: int) -> Prompt:
    """Prompt `index` of all rounds, counted from 0; PromptError when there is none."""
    prompts = said(rounds)
    if not 0 <= index < len(prompts):
        raise PromptError(f"There is no prompt {index}: there are {len(prompts)}, counted from 0.")
    return prompts[index]


def obeying(values: np.ndarray, prompts: Iterable[Prompt]) -> np.ndarray:
    """The same array `[H, W]`, each click's own pixel set to its sign."""
    for prompt in prompts:
        if isinstance(prompt, Click):
            x, y = prompt.pixel
            values[y, x] = prompt.positive  # row = y
    return values


def reply(
    rounds: Past,
    prompts: tuple[Prompt, ...],
    start: np.ndarray | None,
    frame: Frame,
    logits: np.ndarray,
    maps: np.ndarray | None,
) -> Round:
    """The round that follows: the network's logits in a frame, after what all prompts say of them.

    The head adapts when the last prompt is a click, to all since the last box or scribble: after
    those it gained nothing, and what they mend is not to be taken again.

    Args:
        rounds: those before.
        prompts: the new ones.
        start: the mask that was begun with, as probability `[H, W]`.
        frame: where the network looked.
        logits: its answer `[side, side]`.
        maps: F_v-hat `[C, h, w]`, for the head to adapt; None: it stays.
    """
    last = rounds[-1] if rounds else Round((), frame, np.zeros_like(logits))
    new: tuple[Disc, ...] = ()
    if maps is not None and isinstance((prompts or last.prompts)[-1], Click):
        new = (*last.told, *told(prompts, last.logits, last.frame))
        logits = adapted(logits, maps, frame, new)
    every, first = frame.prompts([*said(rounds), *prompts]), prior((), start, frame)
    return Round(prompts, frame, joined(logits, every, first), new)


def answered(rounds: Past, threshold: float) -> Prediction:
    """The last round's answer on the image; each click's own pixel obeys its sign."""
    frame, logits, most = rounds[-1].frame, rounds[-1].logits, np.float32(threshold)
    prompts = said(rounds)

    def prob() -> np.ndarray:
        found, least = frame.spread(logits), np.nextafter(most, np.float32(2))
        over = frame.spread(logits, threshold)  # and rounding carries nothing across
        return obeying(np.where(over, found.clip(least), found.clip(None, most)), prompts)

    return Prediction(prob, threshold, lambda: obeying(frame.spread(logits, threshold), prompts))


def joined(logits: np.ndarray, prompts: list[Prompt], start: np.ndarray | None) -> np.ndarray:
    """The same logits `[side, side]` of a frame, without parts that nothing positive reaches.

    When nothing reaches any part of the mask, all stay.

    Args:
        logits: those of parts left out become -4.
        prompts: in the frame's pixels; a positive one reaches what lies within its bounds.
        start: the mask that was begun with, as probability there; it reaches what it overlaps.
    """
    parts = parts_of(logits > 0)
    edges = ([max(0, floor(e + 0.5)) for e in p.bounds] for p in of_sign(prompts, True))
    reached = [parts[y0 : y1 + 1, x0 : x1 + 1].ravel() for x0, y0, x1, y1 in edges]  # row = y
    reached += [] if start is None else [parts[start > 0.5]]
    kept = np.isin(np.arange(parts.max() + 1), np.concatenate([[0], *reached]))
    return np.where(kept[parts], logits, LEFT_OUT) if kept[1:].any() else logits


def prior(rounds: Past, start: np.ndarray | None, frame: Frame) -> np.ndarray | None:
    """What the last round (or the start mask) said, as probability `[side, side]` in a frame."""
    if not rounds:
        return None if start is None else frame.shrink(start)
    last = rounds[-1]
    if last.frame == frame and not isinstance(frame, RitmFrame):
        return sigmoid(last.logits)
    return frame.shrink(last.frame.spread(last.logits))
