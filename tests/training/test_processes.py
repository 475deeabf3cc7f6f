"""Real processes: killed at any moment and resumed to the last bit; two ranks like one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = str(Path(__file__).with_name("small_run.py"))
ROOT = Path(__file__).parents[2]
ENV = {
    **os.environ,
    "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
    "OMP_NUM_THREADS": "1",
}
pytestmark = pytest.mark.slow


def start(*words, **more):
    words = [sys.executable, SCRIPT, *map(str, words)]
    return subprocess.Popen(words, env=ENV, stdout=subprocess.PIPE, text=True, **more)


def result(*words):
    process = start(*words)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return result(tmp_path_factory.mktemp("whole"), 8)


def test_killed_while_writing_a_checkpoint(whole, tmp_path):
    process = start(tmp_path, 8, 6)
    assert process.stdout.readline() == "half\n"
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert sorted(p.name for p in tmp_path.glob("step-*")) == [
        "step-0000002.safetensors",
        "step-0000004.safetensors",
        "step-0000006.safetensors.tmp",
    ]
    assert result(tmp_path, 8) == whole
    assert not list(tmp_path.glob("*.tmp"))


def test_killed_at_random_moments(whole, tmp_path):
    rng, kills = np.random.default_rng(), 0
    for wanted in (1, 4, 7):  # steps in the log; a random moment after them
        process = start(tmp_path, 8)
        while process.poll() is None and lines(tmp_path) < wanted:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert kills >= 1
    assert result(tmp_path, 8) == whole
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [r["step"] for r in log] == list(range(1, 9))
    assert [r["loss"] for r in log] == whole["losses"]


def lines(folder):
    path = folder / "log.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def test_two_ranks_give_the_losses_of_one_process(tmp_path):
    one = result(tmp_path / "one", 20)
    words = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0"]
    words = [*words, "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    done = subprocess.run(
        [sys.executable, *words, SCRIPT, str(tmp_path / "two"), "20"],
        env=ENV,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    two = json.loads([row for row in done.stdout.splitlines() if row.startswith("{")][-1])
    assert len(two["losses"]) == len(one["losses"]) == 20
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-5)
