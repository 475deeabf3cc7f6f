"""What a long conversation and many photos leave in memory, in a process of its own."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import numpy as np
import torch
from skimage import data

import vpuformer as vpu
from vpuformer.widget.session import Session

torch.set_num_threads(1)
photo, model, rng = np.asarray(data.astronaut()), vpu.load("lite0"), np.random.default_rng(0)

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

def prompted(session, count):
    for i in range(count):
        session.add(vpu.Click(*rng.uniform(20, 490, 2), positive=i % 2 == 0))
    return held()

session = Session(photo, model, precision=sys.argv[1])
talk = [prompted(session, 80), prompted(session, 120)]
photos = [prompted(Session(np.roll(photo, 9 * i, 1), model), 3) for i in range(20)]
print(json.dumps({"talk": talk, "photos": photos}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_memory_stays_flat_over_200_prompts_and_20_photos(precision):
    words = [sys.executable, "-c", SCRIPT, precision]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    held = json.loads(done.stdout)
    after_80, after_200 = held["talk"]  # 64 steps can be undone: until then it must grow
    assert after_200 < 1.15 * after_80
    assert max(held["photos"][4:]) < 1.05 * max(after_200, *held["photos"][:4])
