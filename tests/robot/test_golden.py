"""The click robot against the reference implementation's own output, to the pixel."""

import json
from pathlib import Path

import numpy as np
import pytest

from vpuformer.metrics import iou
from vpuformer.prompts import Click
from vpuformer.robot.next_prompt import next_click

GOLDEN = Path(__file__).parents[1] / "golden" / "robot_golden.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return {name: file[name] for name in file.files}


def unpack(packed, at, shape):
    count = -(-shape[0] * shape[1] // 8)
    bits = np.unpackbits(packed[at : at + count])[: shape[0] * shape[1]]
    return bits.reshape(shape).astype(bool), at + count


def cases(golden):
    """(kind, gt, ignore, initial clicks, [(pred, expected click, expected iou), ...])."""
    kinds = json.loads(str(golden["description"]))["kinds"]
    at_mask = at_pred = at_step = at_init = 0
    for i, shape in enumerate(golden["shape"].astype(int)):
        shape = tuple(shape)
        gt, _ = unpack(golden["fg"], at_mask, shape)
        ignore, at_mask = unpack(golden["ignore"], at_mask, shape)
        initial = golden["init"][at_init : at_init + golden["n_init"][i]]
        at_init += len(initial)
        steps = []
        for _ in range(golden["n_steps"][i]):
            pred, at_pred = unpack(golden["pred"], at_pred, shape)
            steps.append((pred, golden["clicks"][at_step], golden["iou"][at_step]))
            at_step += 1
        yield kinds[golden["kind"][i]], gt, ignore, initial, steps
    assert at_step == len(golden["clicks"]) == 1520
    assert at_pred == len(golden["pred"])


def test_every_click_and_iou(golden):
    seen = set()
    for kind, gt, ignore, initial, steps in cases(golden):
        used = [Click(float(x), float(y), bool(sign)) for y, x, sign in initial]
        for pred, expected, expected_iou in steps:
            click = next_click(gt, pred, used, ignore=ignore)
            row, column, positive, _ = expected
            assert click == Click(float(column), float(row), bool(positive)), kind
            np.testing.assert_equal(iou(gt, pred, ignore), expected_iou)
            used.append(click)
        seen.add(kind)
    assert len(seen) == 11
