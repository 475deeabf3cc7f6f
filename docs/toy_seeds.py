"""What notebook 07's main run comes to from five seeds, into results/toy_seeds.json.

python docs/toy_seeds.py            the seeds that are missing; a seed that was stopped goes on
python docs/toy_seeds.py --seed 3   one seed

A seed takes about eight CPU-minutes; its folder lies in runs/toy_seeds. The file is written anew
after each seed.
"""

import argparse
import hashlib
import json
import platform
import time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch

import vpuformer as vpu
from vpucourse import scenes
from vpuformer import config, evaluation, metrics
from vpuformer.data import samples
from vpuformer.training import recipes

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results" / "toy_seeds.json"
SEEDS = (0, 1, 2, 3, 4)
STEPS, STOP, SCENES = 1500, 600, 24  # as notebook 07 has them
CROPS = ((0.0, 64), (0.4, 96), (0.7, 128))


def examination(count: int) -> list[samples.Sample]:
    """The largest object of each scene of the examination, the notebook's own."""
    found = []
    for i in range(count):
        picture, labels = scenes.scene(1_000_000 + i)
        largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
        found.append(samples.Sample("scenes", f"{i:03d}", 1, picture, largest))
    return found


def one_seed(seed: int, folder: Path, stop: int = STOP, count: int = SCENES) -> dict[str, float]:
    """Train as notebook 07 does, then play the robot's games: NoC and IoU, means."""
    start = time.process_time()
    recipe = replace(recipes.tiny(STEPS), seed=seed, crops=CROPS, save_every=min(100, stop))
    model = vpu.build(config.preset("tiny"), seed=seed)
    data = scenes.SceneSamples((96, 128))
    model = vpu.fit(model, data, recipe, folder, watch=lambda step, _: step >= stop).model.cpu()
    zoom = config.ZoomConfig(mode="none")
    predictor = vpu.Predictor(model, threshold=0.49, precision="float32", zoom=zoom)
    rule = evaluation.EvaluationConfig()
    games = [evaluation.run_sample(predictor, s, rule)["ious"] for s in examination(count)]
    found = {f"NoC@{t}": np.mean([metrics.noc(g, t / 100) for g in games]) for t in (85, 90)}
    found |= {f"IoU@{k}": np.mean([metrics.iou_at(g, k) for g in games]) for k in (1, 3, 5)}
    numbers = {name: round(float(value), 3) for name, value in found.items()}
    return numbers | {"cpu_s": round(time.process_time() - start)}


def written(runs: dict[str, dict[str, float]]) -> dict:
    """The file's contents for the seeds that are done."""
    recipe = asdict(replace(recipes.tiny(STEPS), crops=CROPS))
    return {
        "command": "python docs/toy_seeds.py",
        "source_sha256": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        "date": date.today().isoformat(),
        "device": f"CPU, {torch.get_num_threads()} thread, {platform.machine()}",
        "versions": evaluation.versions(),
        "steps": STOP,
        "n_scenes": SCENES,
        "recipe": recipe,
        "runs": runs,
    }


def main() -> None:
    """Run the seeds that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, choices=SEEDS)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "toy_seeds")
    args = parser.parse_args()
    torch.set_num_threads(1)
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    found = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    runs = found["runs"] if found.get("source_sha256") == digest else {}
    for seed in SEEDS if args.seed is None else (args.seed,):
        if str(seed) not in runs:
            runs[str(seed)] = one_seed(seed, args.out / f"seed{seed}")
            text = json.dumps(written(dict(sorted(runs.items()))), indent=1) + "\n"
            RESULT.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
