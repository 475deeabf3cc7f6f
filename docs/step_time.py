"""Where the time of a training step goes: `python docs/step_time.py runs/train` writes it.

On the CPU the recipe `onward`; where there is a GPU, each recipe of RUNS on it. By wall time of the
thread that trains, on a folder of shards. Forward and backward are the network's and the losses';
"prompts" is the robot (error regions, distances, clicks, boxes, strokes); what is left is the
optimiser, the moving average, and waiting for the next batch, which other threads make meanwhile.
A GPU runs behind its thread: the shares are taken with a wait after each part, images a second and
the peak of memory without, in a run of their own; and one step of `onward` is profiled: how many
kernels it launches, and how long they run.
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
from torch.profiler import ProfilerActivity, profile

from vpuformer.config import preset
from vpuformer.data.shards import Shards, ShardSamples
from vpuformer.evaluation import versions
from vpuformer.model import VPUFormer, build
from vpuformer.training import recipes, rounds
from vpuformer.training.crops import cut_batch
from vpuformer.training.loop import fit
from vpuformer.training.recipes import Recipe
from vpuformer.training.sampling import uniforms
from vpuformer.weights import load

RESULTS = Path(__file__).resolve().parent.parent / "results"
STEPS, WARM = 24, 8  # steps timed after so many that are not
IS_GPU = torch.cuda.is_available()
RUNS: list[tuple[str, str, Recipe]] = [  # words, preset, recipe
    ("onward", "lite0", recipes.onward()),
    ("onward, batch 32", "lite0", replace(recipes.onward(), batch_size=32)),
    ("onward, batch 64", "lite0", replace(recipes.onward(), batch_size=64)),
    ("paper", "mit_b0", recipes.paper("mit_b0")),
    ("paper", "vit_b", replace(recipes.paper("vit_b"), accumulate=2)),
    ("official", "vit_b", replace(recipes.official(), accumulate=2)),
]


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
            if not self.is_on:
                return function(*args, **kwargs)
            start = now()
            answer = function(*args, **kwargs)
            self.seconds[part] += now() - start
            return answer

        return run


def now() -> float:
    """Seconds, when the device has done all it was given."""
    if IS_GPU:
        torch.cuda.synchronize()
    return time.perf_counter()


def play(model: VPUFormer, data: str, recipe: Recipe, clock: Clock | None = None) -> float:
    """Seconds of STEPS steps at the recipe's first crop size, after WARM."""
    recipe = replace(recipe, steps=STEPS + WARM, save_every=WARM, log_every=WARM)
    recipe = replace(recipe, crops=recipe.crops[:1])
    begin = 0.0

    def watch(step: int, _: Any) -> bool:
        nonlocal begin
        if step == WARM:
            begin = now()
            if clock:
                clock.is_on = True
        return step == STEPS + WARM

    with tempfile.TemporaryDirectory() as folder:
        fit(model, ShardSamples(Shards(data)), recipe, folder, watch=watch)
    return now() - begin


def measure(data: str, words: str, name: str, recipe: Recipe) -> dict[str, Any]:
    """Shares of a step's wall time and images a second."""

    def fresh() -> VPUFormer:
        return load(name, device="cpu").train() if name == "lite0" else build(preset(name), 0)

    if IS_GPU:
        torch.cuda.reset_peak_memory_stats()
    total, clock, model = play(fresh(), data, recipe), Clock(), fresh()
    peak = torch.cuda.max_memory_allocated() if IS_GPU else None
    kept = {
        n: getattr(rounds, n) for n in ("total_loss", "find_error", "first_prompts", "simulate")
    }
    backward = Fabric.backward
    for part in ("encode_image", "decode"):
        clock.wrap(model, part, "forward")
    clock.wrap(rounds, "total_loss", "forward")
    for part in ("find_error", "first_prompts", "simulate"):
        clock.wrap(rounds, part, "prompts")
    clock.wrap(Fabric, "backward", "backward")
    slow = play(model, data, recipe, clock)
    Fabric.backward = backward
    for part, function in kept.items():
        setattr(rounds, part, function)
    shares = {part: round(spent / slow, 3) for part, spent in clock.seconds.items()}
    return {
        "recipe": words,
        "preset": name,
        "crop": recipe.crops[0][1],
        "batch": recipe.batch_size,
        "accumulate": recipe.accumulate,
        "steps": STEPS,
        "images_per_s": round(STEPS * recipe.batch_size / total, 2),
        "images_per_s_with_waits": round(STEPS * recipe.batch_size / slow, 2),
        "peak_gb": peak and round(peak / 1e9, 2),
        "shares": {**shares, "other": round(1 - sum(shares.values()), 3)},
    }


def kernels(data: str, recipe: Recipe) -> dict[str, Any]:
    """A step on the GPU without the optimiser: kernels launched, ms that they run, ms it takes."""
    samples, places = ShardSamples(Shards(data)), list(range(recipe.batch_size))
    model = rounds.Rounds(load("lite0", device="cuda").train(), recipe)
    crops = cut_batch(samples, recipe, 0, places, "cuda")
    draws = uniforms(recipe.seed, 0, places, recipe.rounds + 2, "cuda")
    weights = torch.tensor([0.0] * (recipe.rounds - recipe.graded) + [1.0] * recipe.graded)

    def step() -> None:
        with torch.autocast("cuda", torch.bfloat16):
            loss, _ = model(*crops, draws, weights / recipe.graded)
        loss.backward()

    for _ in range(3):
        step()
    begin = now()
    for _ in range(3):
        step()
    wall = (now() - begin) / 3
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        step()
        now()
    found, cpu = seen.key_averages(), torch.autograd.DeviceType.CPU
    return {
        "batch": recipe.batch_size,
        "launches": sum(e.count for e in found if e.key == "cudaLaunchKernel"),
        "busy_ms": round(
            sum(e.self_device_time_total for e in found if e.device_type != cpu) / 1000, 1
        ),
        "wall_ms": round(1000 * wall, 1),
    }


def main(data: str) -> None:
    """Measure and write results/step_time.json, or results/step_time_gpu.json, row by row."""
    told: dict[str, Any] = {
        "command": "python docs/step_time.py runs/train",
        "device": torch.cuda.get_device_name() if IS_GPU else "cpu",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "weights_hash": load("lite0", device="cpu").weights_hash,
        "versions": versions(),
        "rows": [],
    }
    if IS_GPU:
        told["kernels"] = kernels(data, RUNS[1][2])
    path = RESULTS / ("step_time_gpu.json" if IS_GPU else "step_time.json")
    for words, name, recipe in RUNS if IS_GPU else RUNS[:1]:
        told["rows"].append(measure(data, words, name, recipe))
        path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        sys.stdout.write(json.dumps(told["rows"][-1]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
