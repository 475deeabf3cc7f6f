"""What has been said about an object: rounds of prompts and answers, with undo and redo."""

from dataclasses import dataclass, field

import numpy as np

from vpuformer.imaging import Frame
from vpuformer.prompts import Click, Prompt
from vpuformer.zoom import RitmFrame


@dataclass(frozen=True, slots=True)
class Round:
    """One round: what was asked, in which frame, and the logits `[side, side]` that answered."""

    prompts: tuple[Prompt, ...]
    frame: Frame
    logits: np.ndarray


@dataclass(slots=True)
class Rounds:
    """One object's rounds as they were after each action; undo and redo move `at`."""

    start: np.ndarray | None = None
    history: list[tuple[Round, ...]] = field(default_factory=lambda: [()])
    at: int = 0

    @property
    def rounds(self) -> tuple[Round, ...]:
        return self.history[self.at]

    def push(self, rounds: tuple[Round, ...]) -> None:
        self.history = [*self.history[: self.at + 1], rounds]
        self.at += 1


def probability(rounds: tuple[Round, ...]) -> np.ndarray:
    """The last round's probability on the image; each click's own pixel obeys its sign."""
    prob = rounds[-1].frame.spread(rounds[-1].logits)
    for prompt in (p for r in rounds for p in r.prompts):
        if isinstance(prompt, Click):
            x, y = prompt.pixel
            prob[y, x] = float(prompt.positive)  # row = y
    return prob


def previous(
    rounds: tuple[Round, ...], start: np.ndarray | None, frame: Frame
) -> np.ndarray | None:
    """What the last round (or the start mask) said, as probability `[side, side]` in a frame."""
    if not rounds:
        return None if start is None else frame.shrink(start)
    last = rounds[-1]
    if last.frame == frame and not isinstance(frame, RitmFrame):
        return 1 / (1 + np.exp(-np.clip(last.logits, -40, 40)))
    return frame.shrink(last.frame.spread(last.logits))
