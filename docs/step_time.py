"""Where the time of a training step goes: `python docs/step_time.py runs/train` writes it.

The recipe `onward` on a folder of shards, by wall time of the thread that trains. Forward and
backward are the network's and the losses'; "prompts" is the robot (error regions, distances,
clicks, boxes, strokes); what is left is the optimiser, the moving average, and waiting for the next
batch, which a second thread makes meanwhile.
"""

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from vpuformer.data.shards import Shards, ShardSamples
from vpuformer.evaluation import versions
from vpuformer.training import recipes, rounds
from vpuformer.training.loop import fit
from vpuformer.weights import load

OUT = Path(__file__).resolve().parent.parent / "results" / "step_time.json"
STEPS, WARM = 24, 4  # steps timed after so many that are not


class Clock:
    """Seconds spent in wrapped calls, by name, once `is_on`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.is_on = False

    def wrap(self, owner: Any, name: str, part: str) -> None:
        """Time the calls of `owner.name` under the name of a part."""
        setattr(owner, name, self._timed(getattr(owner, name), part))

    def _timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            answer = function(*args, **kwargs)
            if self.is_on:
                self.seconds[part] += time.perf_counter() - start
            return answer

        return run


def measure(data: str, steps: int = STEPS, warm: int = WARM) -> dict[str, Any]:
    """Shares of a step's wall time and images a second, of the recipe's first crop size."""
    clock, model = Clock(), load("lite0", device="cpu").train()
    recipe = replace(recipes.onward(steps + warm), save_every=warm, log_every=warm)
    recipe = replace(recipe, crops=recipe.crops[:1])
    for name in ("encode_image", "decode"):
        clock.wrap(model, name, "forward")
    clock.wrap(rounds, "total_loss", "forward")
    for name in ("find_error", "first_prompts", "simulate"):
        clock.wrap(rounds, name, "prompts")
    clock.wrap(Fabric, "backward", "backward")
    begin = 0.0

    def watch(step: int, _: Any) -> bool:
        nonlocal begin
        if step == warm:
            clock.is_on, begin = True, time.perf_counter()
        return step == steps + warm

    with tempfile.TemporaryDirectory() as folder:
        fit(
            model,
            ShardSamples(Shards(data)),
            replace(recipe, save_every=warm),
            folder,
            watch=watch,
        )
    total = time.perf_counter() - begin
    shares = {part: round(spent / total, 3) for part, spent in clock.seconds.items()}
    return {
        "command": "python docs/step_time.py runs/train",
        "recipe": "onward",
        "weights_hash": load("lite0", device="cpu").weights_hash,
        "crop": recipe.crops[0][1],
        "batch": recipe.batch_size,
        "steps": steps,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "versions": versions(),
        "images_per_s": round(steps * recipe.batch_size / total, 2),
        "shares": {**shares, "other": round(1 - sum(shares.values()), 3)},
    }


if __name__ == "__main__":
    numbers = measure(sys.argv[1])
    OUT.write_text(json.dumps(numbers, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(numbers["shares"]) + f" {numbers['images_per_s']} images/s\n")
