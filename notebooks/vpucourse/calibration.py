"""Notebook 12: how far a probability can be trusted, and the checks of its exercises."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vpucourse.checking import checks

BINS = 10  # of equal width, from 0 to 1


def reliability(prob: Any, truth: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each bin of probability: how many pixels, their mean probability, the share that is true.

    Args:
        prob: 0 to 1, any shape.
        truth: bool, of the same shape.
    """
    prob, truth = np.ravel(prob), np.ravel(truth)
    which = np.minimum((prob * BINS).astype(int), BINS - 1)
    count = np.bincount(which, minlength=BINS)
    mean = np.bincount(which, prob, BINS) / np.maximum(count, 1)
    share = np.bincount(which, truth, BINS) / np.maximum(count, 1)
    return count, mean, share


def ece(prob: Any, truth: Any) -> float:
    """The expected calibration error, 0 to 1: the mean gap of the bins, weighed by their pixels."""
    count, mean, share = reliability(prob, truth)
    return float((count * np.abs(share - mean)).sum() / count.sum())


@checks.add("12.B")
def _same_error(
    by_hand: Callable[[np.ndarray, np.ndarray], float], *, prob: np.ndarray, truth: np.ndarray
) -> str:
    rng = np.random.default_rng(12)
    drawn, edges = rng.random((40, 30)), np.linspace(0, 1, 11)
    cases = {"drawn": (drawn, rng.random((40, 30)) < drawn**2)}
    cases |= {"0, 0.1, … 1": (edges, np.arange(11) % 3 == 0), "the model's": (prob, truth)}
    for name, case in cases.items():
        ours, wanted = float(by_hand(*case)), ece(*case)
        if abs(ours - wanted) > 1e-6:
            return f"On {name} probabilities {ours:.4f}, expected {wanted:.4f}."
    return ""


@checks.add("12.E")
def _trick(
    make: Callable[[], Any], *, trial: Callable[[Any], dict[str, float]], beat: float = 0.5
) -> str:
    saved = trial(make())
    said = ", ".join(f"{kind} {clicks:+.2f}" for kind, clicks in saved.items())
    if max(saved.values()) < beat:
        return f"Clicks saved: {said}. To beat on one kind: {beat}."
    return "" if min(saved.values()) < 0 else f"Clicks saved: {said}. And where does it lose?"
