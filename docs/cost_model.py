"""What COCO + LVIS would take on 1, 8 and 64 GPUs: `python docs/cost_model.py` says it.

It reads results/benchmark.json, results/step_time.json and what a GPU was measured at,
results/step_time_gpu.json; it measures what a sample costs the CPU on `val/coco` (--measure), takes
the rest from ASSUMED, and writes results/cost_model.json and its two tables in docs/performance.md.
"""

import json
import math
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from performance import PAGE, between, record, table, text
from PIL import Image

from vpuformer.config import preset
from vpuformer.data.augmentation import augment
from vpuformer.evaluation import versions
from vpuformer.training import recipes
from vpuformer.training.crops import cut
from vpuformer.training.recipes import Recipe

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "results" / "cost_model.json"
DATA = Path(os.environ.get("VPU_DATA", ROOT.parent / "shared" / "data")) / "val" / "coco"
PHOTOS, ARCHIVE = 118_287, 19.6e9  # COCO train2017: photos, bytes (data_scripts/manifest.json)
FRAME, BATCH = 448, 32  # px at which FLOP were counted; the paper's batch
HOST = 8  # GPUs in one
GPUS = (1, HOST, 8 * HOST)
ASSUMED: dict[str, Any] = {
    "peak": 990e12,  # FLOP/s of a GPU in bfloat16 (an H200, by its data sheet)
    "used": {"vit_b": 0.35, "mit_b0": 0.05},  # share of it that training reaches; lite0: measured
    "cores": 12,  # of CPU beside each GPU; all but one decode
    "bus": 300e9,  # bytes/s each way between the GPUs of a host
    "wire": 25e9,  # bytes/s between hosts
    "store": 1.25e9,  # bytes/s that a host reads shards at
    "budget": 55 * 30_000,  # samples of our recipe: what SimpleClick spent
}
RUNS: list[tuple[str, str, Recipe, int]] = [  # words, preset, recipe, samples
    ("`paper`, 55 epochs", "vit_b", recipes.paper("vit_b"), 55 * PHOTOS),
    ("`paper`, 55 epochs", "mit_b0", recipes.paper("mit_b0"), 55 * PHOTOS),
    ("`official`, 230 x 30,000", "vit_b", recipes.official(), 230 * 30_000),
    ("ours (`onward`), 55 x 30,000", "lite0", recipes.onward(), ASSUMED["budget"]),
]


def measure() -> tuple[dict[str, float], dict[str, float]]:
    """CPU-ms by the side of a crop, one thread: reading and choosing it, and cutting it.

    The smaller of two passes.
    """
    names, decode, crops = sorted(p.stem for p in (DATA / "masks").glob("*.png")), {}, {}
    torch.set_num_threads(1)
    for side in (256, FRAME) * 2:
        start, samples = time.process_time(), []
        for i, name in enumerate(names):
            image = Image.open(DATA / "images" / f"{name}.jpg").convert("RGB")
            labels = np.asarray(Image.open(DATA / "masks" / f"{name}.png"))
            samples.append(augment(image, labels, side, np.random.default_rng(i)))
        read = time.process_time()
        for i in range(0, len(samples), 8):
            cut(samples[i : i + 8], side)
        times = read - start, time.process_time() - read
        for found, spent in zip((decode, crops), times, strict=True):
            ms = round(1000 * spent / len(names), 2)
            found[str(side)] = min(ms, found.get(str(side), ms))
    return decode, crops


def parts(recipe: Recipe) -> list[tuple[float, int]]:
    """How much of a run has which crop: (share, side)."""
    ends = [*(share for share, _ in recipe.crops[1:]), 1.0]
    return [(e - begin, side) for e, (begin, side) in zip(ends, recipe.crops, strict=True)]


def seconds(recipe: Recipe, measured: dict[str, float]) -> float:
    """Seconds of one thread for a sample, between the measured sides by area."""
    areas, spent = zip(*((int(side) ** 2, ms) for side, ms in measured.items()), strict=True)
    return sum(share * np.interp(side**2, areas, spent) for share, side in parts(recipe)) / 1000


def work(name: str, recipe: Recipe) -> float:
    """FLOP of a sample: forward, and twice that backward where a round has a loss.

    Early fusion encodes in every round, late fusion once. Smaller crops cost by their area.
    """
    fusion = preset(name).fusion
    forward: Any = record("presets", preset=name, fusion=fusion, precision="float32")
    first, further = (forward["gflop"][k] for k in ("first", "further"))
    rounds = (recipe.fewest + recipe.rounds) / 2 if recipe.fewest else recipe.rounds
    passes = rounds + 2 * min(recipe.graded, rounds)
    whole = passes * first if fusion == "early" else 3 * (first - further) + passes * further
    area = sum(share * (side / FRAME) ** 2 for share, side in parts(recipe))
    return 1e9 * whole * area


def measured() -> tuple[float, float, float]:
    """Of `onward` on a GPU: the share of its peak, least seconds of a step, the robot's share.

    All at the batch whose kernels were counted. A step of 8 crops is hardly shorter: the CPU
    launches kernels, and the GPU waits for it.
    """
    told = json.loads((ROOT / "results" / "step_time_gpu.json").read_text("utf-8"))
    busy = told["kernels"]
    row = next(row for row in told["rows"] if row["batch"] == busy["batch"])
    side = row["crop"]
    flop = busy["batch"] * work("lite0", replace(recipes.onward(), crops=((0.0, side),)))
    speeds = ("images_per_s", "images_per_s_with_waits")
    least = min(row["batch"] / row[speed] for speed in speeds)
    on_cpu = json.loads((ROOT / "results" / "step_time.json").read_text("utf-8"))["rows"][0]
    shares = on_cpu["shares"]
    robot = shares["prompts"] / (shares["forward"] + shares["backward"])
    return 1000 * flop / busy["busy_ms"] / ASSUMED["peak"], least, robot


def estimate(
    run: tuple[str, str, Recipe, int],
    gpus: int,
    decode: dict[str, float],
    crops: dict[str, float],
) -> dict:
    """Samples a second that each part could feed, and the hours, for one run on so many GPUs."""
    words, name, recipe, samples = run
    step: Any = record("training", preset=name, count=2, precision="float32")
    forward: Any = record("presets", preset=name, fusion=preset(name).fusion, precision="float32")
    flop = work(name, recipe)
    used, least, robot = measured()
    # on one thread of the measured CPU, at the FLOP a second of this preset's own step
    cpu = 3 * 1e9 * forward["gflop"]["first"] / (step["cpu_ms"]["step"]["all"] / 2000)
    if name != "lite0":  # whose share was measured with robot and losses
        cutting = seconds(recipe, crops) / (flop / cpu)
        used = ASSUMED["used"][name] / (1 + robot + cutting)
    loader = seconds(recipe, decode)
    computing = flop / ASSUMED["peak"] / used  # seconds of a sample on a GPU
    fed = {
        "decoding": gpus * (ASSUMED["cores"] - 1) / loader,
        "store": math.ceil(gpus / HOST) * ASSUMED["store"] / (ARCHIVE / PHOTOS),
    }
    speed = ASSUMED["bus"] if gpus <= HOST else ASSUMED["wire"]
    reduce = 2 * (gpus - 1) / gpus * 4 * step["parameters"] / speed
    sizes = {"batch 32": BATCH, "32 a GPU": BATCH * gpus, "256 a GPU": 256 * gpus}

    def taken(batch: int) -> dict[str, float]:
        """Seconds that each part needs for a step."""
        found = {"launching": least, "computing": computing * batch / gpus}
        return found | {part: batch / rate for part, rate in fed.items()}

    steps = {key: taken(batch) for key, batch in sizes.items() if batch % gpus == 0}
    hours = {k: samples / sizes[k] * (max(t.values()) + reduce) / 3600 for k, t in steps.items()}
    rates = {"GPU": gpus * BATCH / max(least, computing * BATCH), **fed}
    return {
        "run": words,
        "preset": name,
        "gpus": gpus,
        "samples": samples,
        "gflop_per_sample": round(flop / 1e9, 1),
        "samples_per_s": {k: round(v) for k, v in rates.items()},
        "binds": {k: max(t, key=lambda part: t[part]) for k, t in steps.items()},
        "one_loader_thread_a_gpu": round(gpus / loader),
        "megabytes_per_s": round(min(rates.values()) * ARCHIVE / PHOTOS / 1e6),
        "all_reduce_megabytes": round(4 * step["parameters"] / 1e6, 1),
        "all_reduce_ms": round(1000 * reduce, 2),
        "compute_ms_at_batch_32": round(1000 * computing * BATCH / gpus, 1),
        "checkpoint_megabytes": round(16 * step["parameters"] / 1e6),
        "steps_at_32_a_gpu": round(samples / BATCH / gpus),
        "hours": {k: round(v, 2) for k, v in hours.items()},
        "cpu_days_one_thread": round(samples * flop / cpu / 86400),
    }


def costs(rows: list[dict[str, Any]]) -> str:
    """Hours of each run, and what binds."""
    head = ("run", "GPUs", "GFLOP a sample", "hours, batch 32", "hours, 32 a GPU", "binds then")
    head += ("hours, 256 a GPU", "binds then", "all-reduce, ms", "compute of 32, ms")
    cells = [
        (
            f"{r['run']}, `{r['preset']}`",
            f"{r['gpus']}",
            text(r["gflop_per_sample"], 0),
            text(r["hours"].get("batch 32"), 2),
            text(r["hours"]["32 a GPU"], 2),
            r["binds"]["32 a GPU"],
            text(r["hours"]["256 a GPU"], 2),
            r["binds"]["256 a GPU"],
            text(r["all_reduce_ms"]),
            text(r["compute_ms_at_batch_32"]),
        )
        for r in rows
    ]
    return table(head, cells)


def feeding(rows: list[dict[str, Any]]) -> str:
    """Samples a second of the parts on one GPU, and what a state weighs."""
    head = ("run", "GPU", "decoding, 11 threads", "one thread", "store, a host")
    head += ("gradients, MB", "checkpoint, MB", "one CPU thread, days")
    cells = [
        (
            f"{r['run']}, `{r['preset']}`",
            *(text(r["samples_per_s"][k], 0) for k in ("GPU", "decoding")),
            text(r["one_loader_thread_a_gpu"], 0),
            text(r["samples_per_s"]["store"], 0),
            text(r["all_reduce_megabytes"]),
            text(r["checkpoint_megabytes"], 0),
            text(r["cpu_days_one_thread"], 0),
        )
        for r in rows
        if r["gpus"] == 1
    ]
    return table(head, cells)


def main(words: list[str]) -> None:
    """Write the record and the page."""
    if "--measure" in words:
        decode, crops = measure()
    else:
        decode, crops = (json.loads(OUT.read_text("utf-8"))[k] for k in ("decode_ms", "cut_ms"))
    used, least, _ = measured()
    rows = [estimate(run, gpus, decode, crops) for run in RUNS for gpus in GPUS]
    told = {
        "command": "python docs/cost_model.py --measure",
        "device": f"{platform.machine()}, one thread",
        "versions": versions(),
        "decode_ms": decode,
        "cut_ms": crops,
        "measured": {"used": {"lite0": round(used, 5)}, "least_s_a_step": round(least, 3)},
        "assumed": ASSUMED,
        "rows": rows,
    }
    OUT.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    page = PAGE.read_text("utf-8")
    for name, make in (("costs", costs), ("feeding", feeding)):
        page = between(page, name, make(rows))
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
