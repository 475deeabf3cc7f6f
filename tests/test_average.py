"""The mean of two legs' weights, and the shipped ones, which are one."""

import importlib.util
from pathlib import Path

import pytest
import torch

import vpuformer as vpu
from vpuformer.errors import VPUError
from vpuformer.weights import save

SCRIPT = Path(__file__).parents[1] / "docs" / "average.py"


@pytest.fixture(scope="module")
def average():
    spec = importlib.util.spec_from_file_location("average", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.average


@pytest.fixture
def legs(tmp_path):
    """Weights, and those of a leg that began with them."""
    config = vpu.preset("tiny")
    first = save(vpu.build(config, seed=0), tmp_path / "first.safetensors", {"steps": 1})
    start = {"hash": vpu.load(first).weights_hash, "card": {"steps": 1}}
    card = {"steps": 2, "start": start}
    return first, save(vpu.build(config, seed=1), tmp_path / "last.safetensors", card)


def test_each_tensor_is_the_mean_and_the_card_says_of_what(average, legs, tmp_path):
    path = average(*legs, tmp_path / "mean.safetensors", "the command")
    first, last, mean = (vpu.load(each) for each in (*legs, path))
    for a, b, c in zip(*(m.state_dict().values() for m in (first, last, mean)), strict=True):
        torch.testing.assert_close(c, (a + b) / 2, rtol=1e-3, atol=1e-7)
    hashes = [first.weights_hash, last.weights_hash]
    assert mean.card == last.card | {"mean_of": {"hashes": hashes, "command": "the command"}}
    assert mean.weights_hash not in hashes


def test_weights_without_a_tie_are_refused_and_nothing_is_written(average, legs, tmp_path):
    out = tmp_path / "mean.safetensors"
    with pytest.raises(VPUError, match=r"first\.safetensors began with ImageNet"):
        average(*legs[::-1], out, "")
    assert not out.exists()


def test_the_shipped_weights_say_of_what_they_are_the_mean():
    card = vpu.load("lite0", device="cpu").card
    assert card["mean_of"]["hashes"][0] == card["start"]["hash"]
    assert "docs/average.py" in card["mean_of"]["command"]
