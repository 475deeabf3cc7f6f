"""The card that travels with trained weights: data and their terms, recipe, curve, machine."""

import platform
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from vpuformer.config import to_json
from vpuformer.data.shards import Shards
from vpuformer.evaluation import versions
from vpuformer.training.recipes import Recipe

TERMS = (
    "Photos keep their owners' terms (COCO per photo, BSDS non-commercial research, most others "
    "unstated): weights for research use. None of the photos comes with the weights."
)
CURVE_POINTS = 40
SOURCE = ("source", "repo", "licence", "labels")


def card(
    data: Sequence[dict[str, Any]],
    recipe: Recipe,
    history: Sequence[dict[str, Any]],
    *,
    command: str,
    start: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a reader must know of a training run, as plain JSON.

    Args:
        data: the `sources` of what it saw.
        recipe: its numbers.
        history: `FitResult.history`.
        command: the line that started it.
        start: the weights it began with (hash and card), when it did not begin anew.
    """
    step = max(1, len(history) // CURVE_POINTS)
    keys = ("step", "loss", *(f"iou{r + 1}" for r in range(recipe.rounds)))
    curve = [[row.get(k) for k in keys] for row in (*history[::step], *history[-1:])]
    hours = round(history[-1]["seconds"] / 3600, 2) if history else 0.0
    device = "GPU" if torch.cuda.is_available() else "CPU"
    hardware = f"{torch.get_num_threads()} threads, {platform.machine()}, {device}"
    how = {"command": command, "start": start, "recipe": to_json(recipe), "seed": recipe.seed}
    how |= {"steps": recipe.steps, "samples": recipe.steps * recipe.batch_size, "hours": hours}
    how |= {"hardware": hardware, "versions": versions(), "data": list(data), "terms": TERMS}
    return {**how, "curve": curve, "curve_columns": list(keys)}


def sources(shards: Shards) -> list[dict[str, Any]]:
    """Photos and masks by source, with the licence where it is stated."""
    photos, masks = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for record in map(shards.record, range(len(shards))):
        key = tuple(str(record.get(name) or "unstated") for name in SOURCE)
        photos[key] += 1
        masks[key] += int(record.get("instances") or 0)
    rows = ((*key, n, masks[key]) for key, n in photos.most_common())
    return [dict(zip((*SOURCE, "photos", "masks"), row, strict=True)) for row in rows]
