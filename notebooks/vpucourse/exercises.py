"""The checks of notebooks 00, 04 and 06-12."""

import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import gradcheck

from vpucourse.checking import checks
from vpucourse.report import scores
from vpuformer.predictor import Predictor
from vpuformer.prompts import Click, Prompt


@checks.add("00.P")
def _edge_or_centre(answer: str, *, scores: dict[str, float]) -> str:
    if answer not in scores:
        return f"Answer one of {', '.join(scores)}, got {answer!r}."
    best = max(scores, key=lambda name: scores[name])
    rows = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    return "" if answer == best else f"The IoUs are {rows}."


@checks.add("00.B")
def _three_prompts(
    session: Callable[[], Sequence[Prompt]],
    *,
    predictor: Predictor,
    truth: np.ndarray,
    most: int = 3,
    goal: float = 0.85,
) -> str:
    prompts = list(session())
    if not 1 <= len(prompts) <= most:
        return f"Give at least one prompt and at most {most}, got {len(prompts)}."
    reached = scores(predictor, prompts, truth)[-1]
    return "" if reached >= goal else f"IoU {reached:.3f}, wanted at least {goal}."


@checks.add("00.E")
def _fewest_prompts(session: Any, *, beat: int, **given: Any) -> str:
    return _three_prompts(session, **given, most=max(1, beat - 1), goal=0.90)


@checks.add("04.P")
def _attention_or_mlps(answer: str) -> str:
    return "" if answer == "mlps" else "A token costs 4 D² in attention, 8 D² in the MLP."


@checks.add("06.P")
def _right_angle(answer: tuple[float, float]) -> str:
    return "" if tuple(answer) == (0.5, 0.69) else "The cosine is 0, and both cases are -log ρ."


@checks.add("04.B", "06.B")
def _same_function(by_hand: Any, *, package: Any, given: tuple[Any, ...]) -> str:
    ours, wanted = by_hand(*given), package(*given)
    if ours.shape != wanted.shape:
        return f"Expected the shape {tuple(wanted.shape)}, got {tuple(ours.shape)}."
    if (gap := (ours - wanted).abs().max().item()) > 1e-9:
        return f"Off by up to {gap:.3f}."
    return "" if gradcheck(by_hand, given, raise_exception=False) else "Its gradient is off."


def excess(ask: Any, net: Any, picture: np.ndarray, truth: torch.Tensor, lists: Any) -> float:
    """Per cent of the frame marked outside the objects, mean over a scene's three mirror images.

    Args:
        ask: takes net, picture, (H, W) and lists of clicks, returns what has `.logits`.
        net: the model.
        picture: uint8 `[H, W, 3]`, not mirrored.
        truth: the objects `[B, 1, H, W]` of 0 and 1.
        lists: B lists of clicks.
    """
    (height, width), found = truth.shape[2:], []
    for axes in ((0,), (1,), (0, 1)):
        at = [[_turned(click, axes, height, width) for click in row] for row in lists]
        seen = np.flip(picture, axes).copy()
        marked = ask(net, seen, truth.shape[2:], at).logits > 0
        found.append(float((marked & (truth.flip([a + 2 for a in axes]) < 0.5)).float().mean()))
    return 100 * sum(found) / len(found)


def _turned(click: Click, axes: tuple[int, ...], height: int, width: int) -> Click:
    x, y = width - 1 - click.x if 1 in axes else click.x, click.y
    return Click(x, height - 1 - y if 0 in axes else y, click.positive)


@checks.add("07.P", "08.P", "09.P", "10.P", "11.P", "12.P")
def _measured(answer, *, best) -> str:
    return "" if answer == best else "The numbers above say otherwise."


@checks.add("07.B")
def _no_leak(two_rounds, *, given, wanted) -> str:
    prob, target = two_rounds(*given), given[2] > 0
    if prob.requires_grad:
        return "The answer still hangs on a graph: use torch.no_grad() or detach()."
    both, either = (prob > 0.49) & target, (prob > 0.49) | target
    found = float((both.sum((1, 2, 3)) / either.sum((1, 2, 3))).mean())
    return "" if abs(found - wanted) < 1e-3 else f"Mean IoU {found:.3f}, expected {wanted:.3f}."


@checks.add("09.B")
def _missing_row(run, *, toy) -> str:
    with tempfile.TemporaryDirectory() as folder:
        cell = run(toy, folder, seed=0, steps=2, n_scenes=2)
    if cell.error:
        return f"The cell failed: {cell.error}"
    given = {"encoding": "pue", "visual": "none", "cut": 3.0, "steps": 120, **cell.parameters}
    for name, wanted in (("encoding", "pue"), ("visual", "none"), ("cut", 1.0), ("steps", 2)):
        if given[name] != wanted:
            return f"{name} is {given[name]!r}, expected {wanted!r}."
    strange = set(given) - {"encoding", "visual", "cut", "steps", "row", "seed", "n_scenes"}
    return f"Only PuE may change, not {sorted(strange)}." if strange else ""


# how many slices each has; a quarter of the sorted names would cut through one
SERIES = {"head01": 4, "head02": 4, "hip01": 2, "hip02": 2}
SERIES |= {"knee07": 2, "knee08": 2, "knee09": 4, "knee10": 4}


@checks.add("11.B")
def _series_stay(split) -> str:
    names = [f"{series}_{i}" for i in range(4) for series, n in SERIES.items() if i < n]
    train, val = split(names, 0.25)
    of_train, of_val = ({name.rpartition("_")[0] for name in part} for part in (train, val))
    torn = of_train & of_val
    if torn or sorted([*train, *val]) != sorted(names):
        return f"Series in both lists: {sorted(torn)}. Each name belongs in one list, once."
    return "" if 4 <= len(val) <= 8 else f"Held out: {len(val)} of 24 names, expected about 6."


@checks.add("04.E", "06.E", "07.E", "08.B", "08.E", "09.E", "10.E", "11.E")
def _lower(answer, *, trial, beat) -> str:
    found = trial(answer)
    return "" if found < beat else f"{found:.3f}, to beat: {beat:.3f}. Lower is better."
