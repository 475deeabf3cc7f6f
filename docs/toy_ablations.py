"""The grid behind notebook 09: every row three times, into results/toy_ablations.csv and .json.

python docs/toy_ablations.py                    all rows; a grid that was stopped goes on
python docs/toy_ablations.py --row "λ = 0"      one row
python docs/toy_ablations.py --collect          writes the table of what is finished

A cell is one run of notebooks/experiments/toy.ipynb, about half a CPU-minute; its folder lies
in runs/toy_ablations.
"""

import argparse
import csv
import json
import logging
import platform
from datetime import date
from pathlib import Path

import nbformat

from vpuformer import evaluation, experiments

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "experiments" / "toy.ipynb"
TABLE = ROOT / "results" / "toy_ablations.csv"
SEEDS = (0, 1, 2)
POLICIES = ["click", "click+box", "click+scribble", "all"]
ROWS = {
    "ours": {"policies": POLICIES},
    "distance map": {"encoding": "distance"},
    "learned vector": {"encoding": "learned"},
    "product distance": {"visual": "product"},
    "neither": {"interaction": "none", "lam": 0.0},
    "only P2CL": {"interaction": "none"},
    "λ = 0": {"lam": 0.0},
    "λ = 0.5": {"lam": 0.5},
    "λ = 1": {"lam": 1.0},
    "λ = 5": {"lam": 5.0},
    "DMA as printed": {"form": "literal"},
    "DMA as in the code": {"form": "code"},
    "bell cut at σ": {"cut": 1.0},
    "P2CL on errors": {"target": "error"},
    "early fusion": {"fusion": "early"},
}
NUMBERS = ("NoC@85", "NoC@90", "IoU@1", "IoU@3")


def cells(row: str | None = None) -> list[dict]:
    """The grid, one seed after the other, so that a stopped grid holds whole seeds."""
    asked = {k: v for k, v in ROWS.items() if row in (None, k)}
    return [{"row": k, "seed": seed, **v} for seed in SEEDS for k, v in asked.items()]


def tidy(rows: list[dict]) -> list[dict]:
    """A line for each row, seed and robot, in the order of ROWS."""
    found = []
    for row in sorted(rows, key=lambda r: (list(ROWS).index(r["row"]), r["seed"])):
        for policy in row.get("policies", ["click"]):
            end = "" if policy == "click" else f" {policy}"
            numbers = {name: row[name + end] for name in NUMBERS}
            place = {"row": row["row"], "seed": row["seed"], "policy": policy}
            found.append({**place, **numbers, "cpu_s": row["cpu_s"]})
    return found


def write(rows: list[dict]) -> None:
    """The table and, beside it, what made it."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    header = {
        "command": "python docs/toy_ablations.py",
        "notebook": "notebooks/experiments/toy.ipynb",
        "source_sha256": nbformat.read(NOTEBOOK, 4).metadata.vpuformer.source_sha256,
        "date": date.today().isoformat(),
        "device": f"CPU, one thread a cell, {platform.machine()}",
        "rows": ROWS,
        "seeds": sorted({row["seed"] for row in rows}),
        "versions": evaluation.versions(),
    }
    text = json.dumps(header, indent=1, ensure_ascii=False) + "\n"
    TABLE.with_suffix(".json").write_text(text, encoding="utf-8")


def main() -> None:
    """Run what is missing, then collect."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", choices=ROWS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "toy_ablations")
    parser.add_argument("--collect", action="store_true", help="run nothing")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if not args.collect:
        experiments.run(NOTEBOOK, cells(args.row), args.out, workers=args.workers)
    done = [row for row in experiments.collect(args.out) if not row["error"]]
    write(tidy(done))


if __name__ == "__main__":
    main()
