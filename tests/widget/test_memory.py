"""What a long conversation and many photos leave in memory, in a process of its own."""

import json
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import ctypes, gc, json, sys
import numpy as np
import torch
from skimage import data

import vpuformer as vpu
from vpuformer.widget.session import Session

torch.set_num_threads(1)
photo, model, rng = np.asarray(data.astronaut()), vpu.load("lite0"), np.random.default_rng(0)

def pages():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

def held():
    before = pages()
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return before, pages()  # with and without what the allocator keeps for later

def prompted(session, count):
    for i in range(count):
        session.add(vpu.Click(*rng.uniform(20, 490, 2), positive=i % 2 == 0))
    return held()

session = Session(photo, model, precision=sys.argv[1])
talk = [prompted(session, 80), prompted(session, 120)]
for _ in range(60):
    prompted(session, 1)
    session.undo()
talk += [held(), prompted(session, 200)]
photos = [prompted(Session(np.roll(photo, 9 * i, 1), model), 3) for i in range(20)]
print(json.dumps({"talk": talk, "photos": photos}))
"""


# MB after 80, 200 and 400 prompts, without what the allocator keeps for later, which the widget
# gives back after each answer (vpuwidget.memory): 397, 398, 400 in float32; 431, 438, 447 in
# bfloat16. Of these 61 are the answers that undo needs, from 80 prompts on no more. What still
# grows in bfloat16 is what oneDNN keeps for each shape: one shape to a doubling of the prompts,
# 1,024 pieces at most. Prompts that are undone leave nothing.
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_memory_stays_flat_over_200_prompts_and_20_photos(precision):
    words = [sys.executable, "-c", SCRIPT, precision]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=True)
    held = json.loads(done.stdout)
    after_80, after_200, undone, after_400 = np.array(held["talk"])[:, 1]
    assert after_200 < 1.03 * after_80 and after_400 < 1.03 * after_200
    assert undone < 1.02 * after_200  # 60 more, each undone
    photos = np.array(held["photos"])  # in some a second click looks anew, in either half
    early, late = photos[:10].max(0), photos[10:].max(0)
    assert (late < (1.02, 1.01) * early).all()  # what the allocator keeps varies more
