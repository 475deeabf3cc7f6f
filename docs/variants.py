"""One part of `lite0` or of its training changed at a time, all trained alike and briefly.

python docs/variants.py runs/train                    the rows that are missing
python docs/variants.py runs/train --row "early fusion"

Each row begins with ImageNet weights and trains 300 steps of the recipe `shipped` at 256 px; then
the click robot plays on two sets for choosing, as `vpuformer evaluate` does. A run that was stopped
goes on from runs/variants; results/variants.json is written anew after each row.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

import vpuformer as vpu
from vpuformer import evaluation
from vpuformer.config import ModelConfig
from vpuformer.data.shards import CHOICE, Shards, ShardSamples
from vpuformer.training import recipes

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results" / "variants.json"
SETS = ("grabcut", "voc")
NUMBERS = ("NoC@85", "NoC@90", "IoU@1", "IoU@3", "IoU@5")
RECIPE = replace(
    recipes.shipped(300), crops=((0.0, 256),), warmup=60, ema=0.98, save_every=50, log_every=10
)
LITE0, LOSS = ModelConfig(encoder="lite0"), RECIPE.loss


@dataclass(frozen=True)
class Row:
    """What is built and how it is trained: `lite0` as shipped, but for one thing."""

    model: ModelConfig = LITE0
    recipe: recipes.Recipe = RECIPE
    teachers: float = 0.35  # how often a photo is taken whose masks a model drew


ROWS = {
    "lite0, late fusion": Row(),
    "early fusion": Row(replace(LITE0, fusion="early")),
    "lite1": Row(replace(LITE0, encoder="lite1")),
    "lite2": Row(replace(LITE0, encoder="lite2")),
    "no prompt maps": Row(replace(LITE0, prompt_maps="none")),
    "decoder 128 wide": Row(replace(LITE0, decoder_dim=128)),
    "no P2CL": Row(recipe=replace(RECIPE, loss=replace(LOSS, p2cl=0.0))),
    "no Dice": Row(recipe=replace(RECIPE, loss=replace(LOSS, dice=0.0))),
    "people's masks only": Row(teachers=0.0),
    "nothing merged, no parts": Row(
        recipe=replace(RECIPE, choice=replace(CHOICE, merged=0.0, parts=0.0))
    ),
}


def one_row(name: str, data: str) -> dict[str, Any]:
    """Train one row and play the robot's games: means with intervals, and what it took."""
    row = ROWS[name]
    model = vpu.build(row.model, seed=0, pretrained=True)
    samples = ShardSamples(Shards(data, teacher_share=row.teachers))
    folder = ROOT / "runs" / "variants" / name.replace(" ", "_")
    done = vpu.fit(model, samples, row.recipe, folder)
    predictor = vpu.Predictor(done.model.cpu().eval(), precision="float32")
    with tempfile.TemporaryDirectory() as place:
        out, start = Path(place) / "games.jsonl", time.process_time()
        evaluation.evaluate_folders(predictor, [ROOT / "runs/val" / s for s in SETS], out=out)
        spent, (_, games) = time.process_time() - start, evaluation.read_results(out)
        found = evaluation.summary(out)
    return {
        "sets": {s: {n: found[s][n] for n in NUMBERS} for s in SETS},
        "parameters": sum(p.numel() for p in model.parameters()),
        "cpu_ms_per_round": round(1000 * spent / sum(len(game["ious"]) for game in games), 1),
    }


def known() -> dict[str, Any]:
    """The rows that are done."""
    return json.loads(RESULT.read_text("utf-8"))["rows"] if RESULT.exists() else {}


def keep(name: str, row: dict[str, Any]) -> None:
    """Write one more row; another process may have written others meanwhile."""
    done = known() | {name: row}
    content = {
        "command": "python docs/variants.py runs/train",
        "date": date.today().isoformat(),
        "device": f"CPU, {torch.get_num_threads()} thread(s), {platform.machine()}",
        "versions": evaluation.versions(),
        "recipe": asdict(RECIPE),
        "rows": {name: done[name] for name in ROWS if name in done},
    }
    RESULT.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    """Run the rows that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", help="a folder of shards")
    parser.add_argument("--row", choices=ROWS, action="append", help="this one; may be said again")
    asked = parser.parse_args()
    for name in asked.row or ROWS:
        if name not in known():
            keep(name, row := one_row(name, asked.data))
            sys.stdout.write(f"{name}: {row}\n")


if __name__ == "__main__":
    main()
