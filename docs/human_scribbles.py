"""People's strokes beside one click: `python docs/human_scribbles.py` writes results/.

GrabCut's photos come with two sets of strokes drawn by people (0 none, 1 object, 2 background).
"""

import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

import vpuformer as vpu
from vpuformer.data.samples import Sample, folder_samples
from vpuformer.evaluation import versions
from vpuformer.metrics import bootstrap, iou
from vpuformer.prompts import Prompt, Scribble
from vpuformer.robot.next_prompt import next_click
from vpuformer.robot.stroke import middle_stroke

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("VPU_DATA", ROOT.parent / "shared" / "data")) / "val" / "grabcut"


def strokes(drawn: np.ndarray) -> list[Scribble]:
    """Each connected piece of a drawing as the line along its middle, the longest first."""
    import cv2

    found: list[tuple[int, Scribble]] = []
    for label in (1, 2):
        count, pieces = cv2.connectedComponents((drawn == label).astype(np.uint8))
        for piece in range(1, count):
            region = pieces == piece
            line = middle_stroke(region, np.random.default_rng(0))
            vertices = [(float(x), float(y)) for x, y in line]
            found.append((int(region.sum()), Scribble(vertices, label == 1)))
    return [stroke for _, stroke in sorted(found, key=lambda item: -item[0])]


def rounds(sample: Sample) -> Iterator[tuple[str, list[Prompt]]]:
    """What is said in one round: a robot's click, one person's stroke, all of that person's."""
    yield "one click", [next_click(sample.gt, np.zeros_like(sample.gt))]
    for person in (1, 2):
        drawn = Image.open(DATA / f"scribbles{person}" / f"{sample.image_name}.png")
        lines = strokes(np.asarray(drawn))
        yield f"person {person}, one positive stroke", [next(s for s in lines if s.positive)]
        yield f"person {person}, all strokes", [*lines]


def main() -> None:
    """Mean IoU after one round on the 50 photos, with bootstrap intervals."""
    model = vpu.load("lite0", device="cpu")
    predictor = vpu.Predictor(model, threshold=0.49, precision="float32")
    values: dict[str, list[float]] = {}
    for sample in folder_samples(DATA, "grabcut"):
        for name, prompts in rounds(sample):
            predictor.set_image(sample.image)
            mask = predictor.add(*prompts).mask
            values.setdefault(name, []).append(iou(sample.gt, mask, sample.ignore))
    record = {
        "command": "python docs/human_scribbles.py",
        "device": f"cpu, {platform.machine()}",
        "seed": 0,
        "config": predictor.settings,
        "versions": versions(),
        "weights_hash": model.weights_hash,
        "iou": {name: [round(v, 4) for v in of] for name, of in values.items()},
    }
    path = ROOT / "results" / "val_lite0_human_scribbles.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for name, of in values.items():
        mean, low, high = bootstrap(of)
        sys.stdout.write(f"{name}: {mean:.3f} [{low:.3f}, {high:.3f}]\n")


if __name__ == "__main__":
    main()
