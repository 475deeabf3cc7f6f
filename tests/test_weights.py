"""Weights files: round trip, hash, card, and every way in which a file can be wrong."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from small import CONFIG

from vpuformer.errors import CheckpointError
from vpuformer.model import build
from vpuformer.weights import KEY, load, save, shipped_names, weights_hash


@pytest.fixture
def path(tmp_path):
    return save(build(CONFIG, seed=3), tmp_path / "w.safetensors", {"data": "none"})


def contents(path):
    with safe_open(path, framework="pt") as file:
        return {k: file.get_tensor(k) for k in file.keys()}, dict(file.metadata())  # noqa: SIM118


def test_round_trip(path):
    model, original = load(path, device="cpu"), build(CONFIG, seed=3)
    assert not model.training and model.config == CONFIG and model.card == {"data": "none"}
    for (name, a), b in zip(
        original.state_dict().items(), model.state_dict().values(), strict=True
    ):
        assert b.dtype == torch.float32
        assert torch.equal(a.half().float(), b), name
    tensors, metadata = contents(path)
    assert all(t.dtype == torch.float16 for t in tensors.values())
    assert list(metadata) == [KEY] and model.weights_hash == weights_hash(tensors)


def test_hash_sees_names_shapes_and_bytes():
    a = {"x": torch.arange(6.0), "y": torch.zeros(2)}
    base = weights_hash(a)
    assert base == weights_hash(dict(reversed(a.items())))
    for other in (
        {"x": torch.arange(6.0), "z": torch.zeros(2)},
        {"x": torch.arange(6.0).reshape(2, 3), "y": torch.zeros(2)},
        {"x": torch.arange(6.0) + 1e-6, "y": torch.zeros(2)},
        {"x": torch.arange(6.0).half(), "y": torch.zeros(2)},
    ):
        assert weights_hash(other) != base


def test_missing_and_unexpected_keys_are_listed(path):
    tensors, metadata = contents(path)
    record = json.loads(metadata[KEY])
    tensors["extra"] = tensors.pop("decoder.head.bias")
    record["hash"] = weights_hash(tensors)
    save_file(tensors, path, metadata={KEY: json.dumps(record)})
    with pytest.raises(CheckpointError, match=r"Missing: decoder\.head\.bias\. Unexpected: extra"):
        load(path)


def test_changed_weights_are_noticed(path):
    tensors, metadata = contents(path)
    tensors["decoder.head.bias"] += 1
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


def test_foreign_truncated_and_hostile_files(path, tmp_path):
    whole = path.read_bytes()
    foreign = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(3)}, foreign)
    with pytest.raises(CheckpointError, match="not a vpuformer weights file"):
        load(foreign)
    for broken in (
        whole[: len(whole) // 2],
        b"",
        b"\xff" * 64,
        b"\x00" * 100,
        b"PK\x03\x04" * 9,
    ):
        foreign.write_bytes(broken)
        with pytest.raises(CheckpointError, match="cannot be read as weights"):
            load(foreign)
    with pytest.raises(CheckpointError, match="neither a file nor one of"):
        load("no-such-model")


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path):
    model = build(CONFIG)
    with torch.no_grad():
        model.decoder.head.bias.fill_(1e9)
    with pytest.raises(CheckpointError, match="not finite in float16"):
        save(model, tmp_path / "w.safetensors", {})
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="Could not write"):
        save(build(CONFIG), tmp_path / "file" / "w.safetensors", {})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_shipped_weights_load_and_say_what_they_are():
    assert "lite0" in shipped_names()
    model = load("lite0", device="cpu")
    assert model.config.encoder == "lite0" and len(model.weights_hash) == 64 and model.card
