"""Which kind of prompt the robot gives next: one kind throughout, or the paper's mixed rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from vpuformer.config import check_literal
from vpuformer.prompts import Mask, Prompt
from vpuformer.robot.mistakes import find_mistakes
from vpuformer.robot.next_prompt import next_box, next_click, next_scribble

PolicyName = Literal["click", "box", "scribble", "click+box", "click+scribble", "all"]
POLICIES: tuple[PolicyName, ...] = get_args(PolicyName)
_RIVALS = {"click+box": ("box",), "click+scribble": ("scribble",), "all": ("box", "scribble")}


@dataclass(frozen=True, slots=True)
class Turn:
    """A round that is over: the prompt, and the IoU of the mask that answered it."""

    prompt: Prompt
    iou: float


@dataclass(frozen=True, slots=True)
class Policy:
    """A robot that always decides the same way.

    Sec. IV-B. The first prompt of a mixed policy is a click. After each round, when the IoU is
    below `theta` or rose by less than `gain`, the next prompt is a box or a scribble (drawn when
    both are allowed), else a click. A box that was said before says nothing new: a click takes
    its place. Paper vs. here: neither "else a click" nor that is said there.

    Args:
        name: one kind throughout, or which kinds stand beside the click.
        theta: below this IoU clicks alone are not enough.
        gain: below this rise of the IoU neither.
    """

    name: PolicyName = "click"
    theta: float = 0.85
    gain: float = 0.05

    def __post_init__(self) -> None:
        check_literal("Policy.name", self.name, PolicyName)

    def kind(self, history: Sequence[Turn], rng: np.random.Generator) -> str:
        """'click', 'box' or 'scribble': what the next prompt will be."""
        if self.name not in _RIVALS:
            return self.name
        if not history:
            return "click"
        before = history[-2].iou if len(history) > 1 else 0.0
        now = history[-1].iou
        if now < self.theta or now - before < self.gain:
            rivals = _RIVALS[self.name]
            return rivals[int(rng.integers(len(rivals)))]
        return "click"

    def __call__(
        self,
        gt: Mask,
        pred: Mask,
        history: Sequence[Turn],
        rng: np.random.Generator,
        *,
        ignore: Mask | None = None,
    ) -> Prompt | None:
        """The next prompt, or None when nothing is wrong.

        Args:
            gt: the object, bool `[H, W]`.
            pred: the answer so far, bool `[H, W]`.
            history: the rounds so far.
            rng: draws the kind, where there is a choice, and the stroke.
            ignore: pixels that count for nothing, bool `[H, W]`.
        """
        if find_mistakes(gt, pred, ignore).is_empty:
            return None
        kind, used = self.kind(history, rng), [turn.prompt for turn in history]
        if kind == "box":
            box = next_box(gt, pred, ignore=ignore)
            if self.name == "box" or box not in used:
                return box
        if kind == "scribble":
            return next_scribble(gt, pred, rng=rng, ignore=ignore)
        return next_click(gt, pred, used, ignore=ignore)
