"""What a prompt costs with and without zoom: `python docs/second_look.py`, on an idle machine.

CPU time of one thread, the shipped weights, scikit-image's cup at 640 x 480, asked by three clicks.
With zoom the first click's mask asks for a crop, so that round encodes and decodes twice; the
second click says that the mask is wrong, so the photo is looked at anew in four more crops; the
third moves the crop, which is encoded. The smallest of several. Writes results/second_look.json.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from skimage import data

import vpuformer as vpu
from vpuformer.config import ZoomConfig
from vpuformer.evaluation import versions
from vpuformer.weights import Precision

OUT = Path(__file__).resolve().parent.parent / "results" / "second_look.json"
REPEATS = 12
CLICKS = (vpu.Click(310, 190), vpu.Click(300, 175, positive=False), vpu.Click(260, 190))


def conversation(predictor: vpu.Predictor, photo: np.ndarray, ahead: bool) -> list[float]:
    """CPU-ms of each click, the photo's intake included in the first; `ahead`: after `prepare`."""
    spent = []
    for k, click in enumerate(CLICKS):
        if k and ahead:
            predictor.prepare()
        start = time.process_time()
        if k == 0:
            predictor.set_image(photo)
        _ = predictor.add(click).mask
        spent.append(1000 * (time.process_time() - start))
    return spent


def measure(model: vpu.VPUFormer, photo: np.ndarray, precision: Precision, mode: Any) -> dict:
    """One row of the file."""
    predictor = vpu.Predictor(model, precision=precision, zoom=ZoomConfig(mode=mode))
    plain, ahead = (
        np.min([conversation(predictor, photo, ahead) for _ in range(REPEATS)], 0).round(1).tolist()
        for ahead in (False, True)
    )
    frames = [turn.frame.crop is not None for turn in predictor.rounds]
    row = {"precision": precision, "zoom": mode, "in_crop": frames}
    row |= dict(zip(("first_cpu_ms", "second_cpu_ms", "further_cpu_ms"), plain, strict=True))
    return row | {"second_prepared_cpu_ms": ahead[1]}


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    photo = np.asarray(Image.fromarray(data.coffee()).resize((640, 480)))
    model = vpu.load("lite0", device="cpu")
    both: tuple[Precision, ...] = ("float32", "bfloat16")
    rows = [measure(model, photo, p, mode) for p in both for mode in ("none", "frame")]
    about = {"command": "python docs/second_look.py", "weights_hash": model.weights_hash}
    device = f"cpu, {torch.backends.cpu.get_cpu_capability()}, 1 thread"
    found = {**about, "device": device, "versions": versions(), "rows": rows}
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
