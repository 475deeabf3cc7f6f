"""The tables of docs/training.md from results/: `python docs/results_table.py` prints them."""

import json
from pathlib import Path
from typing import Any

from vpuformer.evaluation import read_results, summary
from vpuformer.metrics import bootstrap

RESULTS = Path(__file__).resolve().parent.parent / "results"
COLUMNS = ("NoC@85", "NoC@90", "NoF20@90", "IoU@1", "IoU@3", "IoU@5", "boundary IoU@5")
POLICIES = ("click", "box", "scribble", "click_box", "click_scribble", "all")


def rows_of(name: str) -> list[dict[str, Any]]:
    """The runs of a results file."""
    return read_results(RESULTS / f"{name}.jsonl")[1]


def key(row: dict[str, Any]) -> tuple[str, str, int]:
    """What tells an object from all others."""
    return row["set"], row["image"], row["instance"]


def cell(numbers: dict[str, Any], column: str) -> str:
    """A number with its 95 % interval, or the count of failures."""
    value = numbers[column] if column in numbers else numbers[column.replace("NoC", "NoI")]
    if isinstance(value, dict):
        return f"{value['never']}"
    digits = 3 if "IoU" in column else 2
    return f"{value[0]:.{digits}f} [{value[1]:.{digits}f}, {value[2]:.{digits}f}]"


def against_grabcut() -> list[str]:
    """Ours and cv2.grabCut on the objects that both files hold."""
    files = {"lite0": rows_of("val_lite0_click"), "cv2.grabCut": rows_of("val_grabcut_click")}
    both = set.intersection(*({key(r) for r in rows} for rows in files.values()))
    lines = [f"| set (objects) | method | {' | '.join(COLUMNS)} |", "|---" * 9 + "|"]
    tables = {n: summary([r for r in rows if key(r) in both]) for n, rows in files.items()}
    for name in tables["lite0"]:
        for method, table in tables.items():
            numbers = table[name]
            cells = " | ".join(cell(numbers, c) for c in COLUMNS)
            lines.append(f"| {name} ({numbers['samples']}) | {method} | {cells} |")
    return lines


def policies() -> list[str]:
    """Ours under every policy."""
    lines = ["| policy | set (objects) | NoI@85 | NoI@90 | IoU@1 | IoU@3 |", "|---" * 6 + "|"]
    for policy in POLICIES:
        for name, numbers in summary(rows_of(f"val_lite0_{policy}")).items():
            if name != "coco":
                cells = " | ".join(cell(numbers, c) for c in ("NoC@85", "NoC@90", "IoU@1", "IoU@3"))
                label = policy.replace("_", " + ")
                lines.append(f"| {label} | {name} ({numbers['samples']}) | {cells} |")
    return lines


def variants() -> list[str]:
    """One part of `lite0` or of its training changed at a time."""
    content = json.loads((RESULTS / "variants.json").read_text("utf-8"))
    head = "| 300 steps from ImageNet weights | GrabCut NoC@90 | VOC NoC@90 | GrabCut IoU@3 "
    lines = [f"{head}| VOC IoU@3 | parameters, M | CPU-ms a round |", "|---" * 7 + "|"]
    for name, row in content["rows"].items():
        wanted = [(s, n) for n in ("NoC@90", "IoU@3") for s in ("grabcut", "voc")]
        cells = [cell(row["sets"][s], n) for s, n in wanted]
        cells += [f"{row['parameters'] / 1e6:.2f}", f"{row['cpu_ms_per_round']:.0f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def human_scribbles() -> list[str]:
    """One round on GrabCut's photos: a robot's click, and strokes that people drew."""
    record = json.loads((RESULTS / "val_lite0_human_scribbles.json").read_text("utf-8"))
    lines = ["| one round on grabcut (50) | IoU |", "|---|---|"]
    for name, values in record["iou"].items():
        mean, low, high = bootstrap(values)
        lines.append(f"| {name} | {mean:.3f} [{low:.3f}, {high:.3f}] |")
    return lines


def medical() -> list[str]:
    """Ours and cv2.grabCut on pictures of kinds that ours was not trained on."""
    columns = ("NoC@85", "NoC@90", "NoF20@90", "IoU@1", "IoU@5")
    lines = [f"| set (objects) | method | {' | '.join(columns)} |", "|---" * 7 + "|"]
    methods = {"lite0": "lite0", "grabcut": "cv2.grabCut"}
    tables = {said: summary(rows_of(f"domain_{m}_click")) for m, said in methods.items()}
    for name in tables["lite0"]:
        for method, table in tables.items():
            cells = " | ".join(cell(table[name], c) for c in columns)
            lines.append(f"| {name} ({table[name]['samples']}) | {method} | {cells} |")
    return lines


if __name__ == "__main__":
    import sys

    parts = [against_grabcut(), policies(), human_scribbles(), medical(), variants()]
    sys.stdout.write("\n\n".join("\n".join(part) for part in parts) + "\n")
