"""Where the time of a training step goes: `python docs/step_time.py runs/train` writes it.

On the CPU the recipe `onward`; where there is a GPU, each recipe of RUNS on it. By wall time of the
thread that trains, on a folder of shards. Forward and backward are the network's and the losses';
"prompts" is the robot (error regions, distances, clicks, boxes, strokes); what is left is the
optimiser, the moving average, and waiting for the next batch, which other threads make meanwhile.
Checkpoints and their pictures, one in hundreds of steps, are left out.
A GPU runs behind its thread: the shares are taken with a wait after each part, images a second and
the peak of memory without, in a run of their own; and one step of `onward` is profiled: how many
kernels it launches, and how long they run.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch
from lightning_fabric import Fabric
from torch.profiler import ProfilerActivity, profile

from vpuformer.config import preset
from vpuformer.data.shards import Shards, ShardSamples
from vpuformer.evaluation import versions
from vpuformer.model import VPUFormer, build
from vpuformer.training import checkpoint, pictures, recipes, rounds
from vpuformer.training.crops import cut_batch
from vpuformer.training.loop import fit
from vpuformer.training.recipes import Recipe
from vpuformer.training.sampling import uniforms
from vpuformer.weights import load

RESULTS = Path(__file__).resolve().parent.parent / "results"
STEPS, WARM = 24, 8  # steps timed after so many that are not
IS_GPU = torch.cuda.is_available()
PARTS: tuple[tuple[Any, str, str], ...] = (  # whose call, its name, what it belongs to
    (VPUFormer, "encode_image", "forward"),
    (VPUFormer, "decode", "forward"),
    (rounds, "total_loss", "forward"),
    (rounds, "find_error", "prompts"),
    (rounds, "first_prompts", "prompts"),
    (rounds, "simulate", "prompts"),
    (Fabric, "backward", "backward"),
)
RUNS: list[tuple[str, str, Recipe]] = [  # words, preset, recipe
    ("onward", "lite0", recipes.onward()),
    ("onward, batch 32", "lite0", replace(recipes.onward(), batch_size=32)),
    ("onward, batch 64", "lite0", replace(recipes.onward(), batch_size=64)),
    ("paper", "mit_b0", recipes.paper("mit_b0")),
    ("paper", "vit_b", replace(recipes.paper("vit_b"), accumulate=2)),
    ("official", "vit_b", replace(recipes.official(), accumulate=2)),
]


class Clock:
    """Seconds spent in the calls of each part of a step, once `is_on`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.is_on = False

    @contextmanager
    def on_parts(self) -> Generator[None, None, None]:
        """Time the calls of PARTS while this is open."""
        with ExitStack() as stack:
            for owner, name, part in PARTS:
                timed = self._timed(getattr(owner, name), part)
                stack.enter_context(patch.object(owner, name, timed))
            yield

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

    unsaved = (patch.object(checkpoint, "save_checkpoint"), patch.object(pictures, "paint"))
    with TemporaryDirectory() as folder, unsaved[0], unsaved[1]:
        fit(model, ShardSamples(Shards(data)), recipe, folder, watch=watch)
    return now() - begin


def measure(data: str, words: str, name: str, recipe: Recipe) -> dict[str, Any]:
    """Shares of a step's wall time and images a second."""

    def fresh() -> VPUFormer:
        return load(name, device="cpu").train() if name == "lite0" else build(preset(name), 0)

    if IS_GPU:
        torch.cuda.reset_peak_memory_stats()
    total, clock = play(fresh(), data, recipe), Clock()
    peak = torch.cuda.max_memory_allocated() if IS_GPU else None
    with clock.on_parts():
        slow = play(fresh(), data, recipe, clock)
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
