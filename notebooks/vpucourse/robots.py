"""Notebook 01: a segmenter that knows the answer nearby, games with a robot, and the checks."""

from collections.abc import Callable, Sequence

import numpy as np

from vpucourse.checking import checks
from vpuformer.data.scenes import scene
from vpuformer.metrics import iou, noc
from vpuformer.prompts import Box, Click, Prompt
from vpuformer.robot.mistakes import find_mistakes
from vpuformer.robot.next_prompt import next_click
from vpuformer.robot.policy import Turn

Choose = Callable[[np.ndarray, np.ndarray, list[Turn]], Prompt | None]
REACH = 11.0  # pixels


def truths(count: int, first: int = 0) -> list[np.ndarray]:
    """The largest object of `count` procedural scenes, bool `[96, 128]` each."""
    labels = [scene(seed)[1] for seed in range(first, first + count)]
    return [found == np.bincount(found.ravel())[1:].argmax() + 1 for found in labels]


def answer(truth: np.ndarray, mask: np.ndarray, prompt: Prompt) -> np.ndarray:
    """The mask after a prompt, by a segmenter without a network.

    Within 11 pixels of a click or stroke it is right; a box it fills with an ellipse.
    """
    y, x = np.indices(truth.shape)
    if isinstance(prompt, Box):
        u, v = (x - prompt.cx) / prompt.w, (y - prompt.cy) / prompt.h
        return np.where(np.hypot(u, v) <= 0.5, prompt.positive, mask)
    points = np.array([(prompt.x, prompt.y)] if isinstance(prompt, Click) else prompt.points)
    near = np.zeros_like(truth)
    for px, py in points:
        near |= np.hypot(x - px, y - py) <= REACH
    return np.where(near, truth, mask)


def play(truth: np.ndarray, choose: Choose, rounds: int = 20) -> list[Turn]:
    """A game of a robot and that segmenter, from an empty mask until nothing is wrong."""
    mask, history = np.zeros_like(truth), []
    while len(history) < rounds and not find_mistakes(truth, mask).is_empty:
        prompt = choose(truth, mask, history)
        if prompt is None:
            break
        mask = answer(truth, mask, prompt)
        history.append(Turn(prompt, float(iou(truth, mask))))
    return history


def mean_noi(games: Sequence[Sequence[Turn]], target: float) -> float:
    """Mean number of interactions of some games."""
    return float(np.mean([noc([turn.iou for turn in game], target) for game in games]))


@checks.add("01.P")
def _two_runs(given: tuple[int, int]) -> str:
    right = (noc([0.61, 0.83, 0.91, 0.88], 0.9), noc([0.5] * 20, 0.9))
    rule = "The first round at 0.90 or above; 20 if there is none."
    return "" if tuple(given) == right else rule


@checks.add("01.B")
def _same_clicks(by_hand: Callable[[np.ndarray, np.ndarray], tuple | None]) -> str:
    truth, mask = np.zeros((2, 9, 12), bool)
    truth[3:6, 1:4], mask[3:6, 8:11] = True, True
    if by_hand(truth, mask) != (9, 4, False):
        return "Equal depths must give the negative click, here (9, 4, False)."
    if by_hand(truth, truth) is not None:
        return "A perfect mask must give None."
    rng = np.random.default_rng(1)
    for truth in truths(25):
        for shift in range(8):
            mask = np.roll(truth, tuple(rng.integers(-9, 10, 2)), (0, 1)) if shift else ~truth
            wanted = next_click(truth, mask)
            if find_mistakes(truth, mask).is_empty:
                continue
            if by_hand(truth, mask) != (*wanted.pixel, wanted.positive):
                got = by_hand(truth, mask)
                return f"Got {got}, expected {(*wanted.pixel, wanted.positive)}."
    return ""


@checks.add("01.E")
def _fewer_prompts(choose: Choose, *, beat: float, target: float, count: int = 20) -> str:
    reached = mean_noi([play(truth, choose) for truth in truths(count)], target)
    return "" if reached < beat else f"Mean NoI {reached:.2f}, to beat: {beat:.2f}."
