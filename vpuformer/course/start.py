"""The checks of notebook 00."""

from collections.abc import Callable, Sequence

import numpy as np

from vpuformer.course.checking import checks
from vpuformer.course.report import scores
from vpuformer.predictor import Predictor
from vpuformer.prompts import Prompt


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
        return f"Give one to {most} prompts, got {len(prompts)}."
    reached = scores(predictor, prompts, truth)[-1]
    return "" if reached >= goal else f"IoU {reached:.3f}, wanted at least {goal}."


@checks.add("00.E")
def _fewest_prompts(
    session: Callable[[], Sequence[Prompt]], *, predictor: Predictor, truth: np.ndarray
) -> str:
    return _three_prompts(session, predictor=predictor, truth=truth, most=4, goal=0.90)
