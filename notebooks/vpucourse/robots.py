"""Notebook 01: a segmenter that knows the answer nearby, games with a robot, and the checks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from vpucourse import curves
from vpucourse.checking import checks
from vpucourse.scenes import scene
from vpuformer.drawing import palette
from vpuformer.metrics import iou, noc, nof
from vpuformer.prompts import Box, Click, Prompt
from vpuformer.robot.mistakes import find_mistakes
from vpuformer.robot.next_prompt import next_click
from vpuformer.robot.policy import Turn

Choose = Callable[[np.ndarray, np.ndarray, list[Turn]], Prompt | None]
REACH = 11.0  # pixels
# what the reference implementation clicked; it is in the repository, not in the wheel
GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / "robot_golden.npz"


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


def scoreboard(
    games: Mapping[str, Sequence[Sequence[Turn]]], targets: Sequence[float], title: str = ""
) -> Figure:
    """A figure of bars, one a robot: mean rounds above, games lost below, one column a target.

    Args:
        games: robot → its games.
        targets: IoU that counts as done, 0 to 1.
        title: the finding.
    """
    names, most = list(games), max(map(len, games.values()))
    runs = {name: [[turn.iou for turn in game] for game in games[name]] for name in names}
    figure = curves.sheet(3.2, title)
    with curves.style():
        grid = figure.subplots(2, len(targets), sharex="row", sharey=True, squeeze=False)
        for column, target in zip(grid.T, targets, strict=True):
            rounds = [mean_noi(games[name], target) for name in names]
            lost = [nof(runs[name], target).never for name in names]
            for ax, values, form in zip(column, (rounds, lost), (".1f", "d"), strict=True):
                ax.barh(
                    range(len(names)), values, color=[palette.curve(i)[0] for i in range(4)]
                )
                for i, value in enumerate(values):
                    ax.text(value, i, f" {value:{form}}", va="center")
                ax.set_yticks(range(len(names)), names)
            column[0].set_title(f"target {target:.0%}", loc="left")
            column[0].set(xlim=(0, 24), xlabel="NoC (rounds)")
            column[1].set(xlim=(0, 1.2 * most), xlabel=f"NoF (of {most})")
        grid[0, 0].invert_yaxis()
    return figure


def golden() -> list[tuple[np.ndarray, np.ndarray, tuple[int, int, bool] | None]]:
    """Truth, mask, and the reference implementation's first click: x, y, positive.

    None instead of a click where nothing is wrong. Empty without the repository's file.
    """
    if not GOLDEN.is_file():
        return []
    with np.load(GOLDEN) as file:
        said = {name: file[name] for name in file.files}
    found, at, shown, step = [], 0, 0, 0
    rows = zip(said["shape"].astype(int), said["n_init"], said["n_steps"], strict=True)
    for shape, before, steps in rows:
        count = -(-int(shape.prod()) // 8)  # bytes of a mask
        truth = _unpacked(said["fg"][at : at + count], shape)
        mask = _unpacked(said["pred"][shown : shown + count], shape)
        if not before and not said["ignore"][at : at + count].any():
            y, x, positive, _ = said["clicks"][step].tolist()
            click = (int(x), int(y), bool(positive)) if (truth != mask).any() else None
            found.append((truth, mask, click))
        at, shown, step = at + count, shown + count * int(steps), step + int(steps)
    return found


def _unpacked(packed: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return np.unpackbits(packed)[: shape.prod()].reshape(shape).astype(bool)


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
    rng, ours = np.random.default_rng(1), []
    for truth in truths(25):
        for shift in range(8):
            mask = np.roll(truth, tuple(rng.integers(-9, 10, 2)), (0, 1)) if shift else ~truth
            if not find_mistakes(truth, mask).is_empty:
                wanted = next_click(truth, mask)
                ours.append((truth, mask, (*wanted.pixel, wanted.positive)))
    for truth, mask, wanted in ours + golden():
        if (got := by_hand(truth, mask)) != wanted:
            return f"Got {got}, expected {wanted}."
    return ""


@checks.add("01.E")
def _fewer_prompts(choose: Choose, *, beat: float, target: float, count: int = 20) -> str:
    reached = mean_noi([play(truth, choose) for truth in truths(count)], target)
    return "" if reached < beat else f"Mean NoI {reached:.2f}, to beat: {beat:.2f}."
