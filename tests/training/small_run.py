"""A small training run as a process of its own, for tests that kill it or start several.

Usage: small_run.py OUT STEPS [HALF]. With HALF, the checkpoint of that step is written by half,
the word "half" is printed, and nothing more happens. Prints the losses and a sum over the weights.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from small import CONFIG

from vpucourse.scenes import SceneSamples
from vpuformer.model import build
from vpuformer.training import checkpoint
from vpuformer.training.loop import fit
from vpuformer.training.recipes import tiny


def say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def write_half(step):
    whole = checkpoint.save_file

    def save_file(tensors, path, metadata):
        whole(tensors, path, metadata=metadata)
        if f"{step:07d}" in path.name:
            os.truncate(path, path.stat().st_size // 2)
            say("half")
            time.sleep(600)

    checkpoint.save_file = save_file


def main(out, steps, half=None):
    torch.set_num_threads(1)
    if half:
        write_half(int(half))
    recipe = replace(
        tiny(int(steps)), batch_size=4, crops=((0.0, 64),), warmup=5, log_every=1, save_every=2
    )
    result = fit(build(CONFIG), SceneSamples((72, 96)), recipe, Path(out))
    total = sum(p.double().abs().sum().item() for p in result.model.parameters())
    if os.environ.get("RANK", "0") == "0":
        say(json.dumps({"losses": [r["loss"] for r in result.history], "total": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
