"""The checks of notebooks 07, 08, 11 and 12."""

import numpy as np

from vpuformer.course.checking import checks


@checks.add("07.P")
@checks.add("08.P")
@checks.add("11.P")
@checks.add("12.P")
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


@checks.add("12.B")
def _calibration(ece) -> str:
    prob = np.repeat([0.05, 0.35, 0.75], [500, 300, 200])
    gap = abs(ece(prob, np.arange(1000) % 2 == 0) - 0.32)
    return "" if gap < 1e-6 else f"Off by {gap:.3f}; do bins weigh by their pixels?"


@checks.add("11.B")
def _series_stay(split) -> str:
    names = [f"{series}_{i}" for i in range(3) for series in "abcdefgh"]
    train, val = split(names, 0.25)
    torn = {name[0] for name in train} & {name[0] for name in val}
    if torn or sorted([*train, *val]) != sorted(names):
        return f"Series in both lists: {sorted(torn)}. Each name belongs in one list, once."
    return "" if len(val) == 6 else f"Held out: {len(val)} of 24 names, expected 6."


@checks.add("07.E")
@checks.add("08.B")
@checks.add("08.E")
@checks.add("11.E")
@checks.add("12.E")
def _lower(answer, *, trial, beat) -> str:
    found = trial(answer)
    return "" if found < beat else f"{found:.3f}, to beat: {beat:.3f}. Lower is better."
