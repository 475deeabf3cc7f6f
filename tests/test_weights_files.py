"""Weights on disk: float16 there and back, hash, and every way a file can be wrong."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from small import CONFIG

from vpuformer import weights
from vpuformer.errors import CheckpointError, ConfigError
from vpuformer.model import build
from vpuformer.weights import load, pick_device, pick_precision, save, weights_hash


@pytest.fixture(scope="module")
def model():
    return build(CONFIG).eval()


@pytest.fixture
def path(model, tmp_path):
    return save(model, tmp_path / "small.safetensors", {"steps": 3})


def parts(path):
    with safe_open(path, framework="pt") as file:
        return {k: file.get_tensor(k) for k in file.keys()}, dict(file.metadata())  # noqa: SIM118


def rewrite(path, tensors=None, **record):
    old, metadata = parts(path)
    content = json.loads(metadata["vpuformer"])
    tensors = old if tensors is None else tensors
    content |= {"hash": weights_hash(tensors)} | record
    save_file(tensors, path, metadata={"vpuformer": json.dumps(content)})


def test_there_and_back(model, path):
    found = load(path, device="cpu")
    assert found.config == model.config and found.card == {"steps": 3} and not found.training
    for name, value in model.state_dict().items():
        assert found.state_dict()[name].dtype == torch.float32
        assert torch.equal(found.state_dict()[name], value.half().float())


def test_on_disk(model, path):
    tensors, metadata = parts(path)
    assert set(metadata) == {"vpuformer"}
    record = json.loads(metadata["vpuformer"])
    assert set(record) == {"config", "card", "hash"}
    assert {t.dtype for t in tensors.values()} == {torch.float16}
    assert set(tensors) == set(model.state_dict())
    assert record["hash"] == weights_hash(tensors) == load(path, device="cpu").weights_hash
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_saved_twice_is_the_same_file(path, tmp_path):
    again = save(load(path, device="cpu"), tmp_path / "again.safetensors", {"steps": 3})
    assert again.read_bytes() == path.read_bytes()


def test_the_hash_sees_name_shape_type_and_bytes():
    a = {"x": torch.zeros(2, 3), "y": torch.ones(2)}
    others = [
        {"z": a["x"], "y": a["y"]},
        {"x": a["x"].reshape(3, 2), "y": a["y"]},
        {"x": a["x"].int(), "y": a["y"]},
        {"x": a["x"] + 1, "y": a["y"]},
    ]
    assert weights_hash(dict(reversed(a.items()))) == weights_hash(a)
    assert len({weights_hash(t) for t in [a, *others]}) == 5


def test_every_cut_of_a_file_is_refused(path):
    whole = path.read_bytes()
    for keep in (0, 4, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        with pytest.raises(CheckpointError, match="cannot be read"):
            load(path)


def test_one_turned_bit_is_noticed(path):
    whole = bytearray(path.read_bytes())
    whole[-100] ^= 1
    path.write_bytes(bytes(whole))
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


def test_a_header_that_claims_too_much_is_refused(path):
    path.write_bytes((2**62).to_bytes(8, "little") + path.read_bytes()[8:])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(path)


def test_missing_and_unexpected_keys_are_listed(path):
    tensors, _ = parts(path)
    gone = sorted(tensors)[0]
    tensors["stranger"] = tensors.pop(gone)
    rewrite(path, tensors)
    with pytest.raises(CheckpointError, match=f"Missing: {gone}. Unexpected: stranger"):
        load(path)


def test_another_shape_is_listed(path):
    tensors, _ = parts(path)
    name = next(k for k, v in tensors.items() if v.ndim == 4)
    tensors[name] = tensors[name][:1].contiguous()
    rewrite(path, tensors)
    with pytest.raises(CheckpointError, match=f"Other shape: {name}"):
        load(path)


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "foreign.safetensors"
    for metadata in (None, {"format": "pt"}):
        save_file({"x": torch.zeros(2)}, path, metadata=metadata)
        with pytest.raises(CheckpointError, match="not a vpuformer weights file"):
            load(path)
    path.write_bytes(b"\x80\x02}q\x00.")  # the beginning of a pickle
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(path)


@pytest.mark.parametrize(
    "record",
    [{"config": None}, {"config": {"encoder": "huge"}}, {"config": {"no": 1}}, {"config": []}],
)
def test_a_config_from_elsewhere_is_refused(path, record):
    rewrite(path, **record)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(path)


def test_unknown_names_say_what_there_is(tmp_path):
    with pytest.raises(CheckpointError, match="No weights"):
        load(tmp_path)


def test_what_cannot_be_float16_is_not_written(tmp_path):
    broken = build(CONFIG)
    name, parameter = next(iter(broken.named_parameters()))
    parameter.data.fill_(1e6)
    with pytest.raises(CheckpointError, match=f"{name} is not finite"):
        save(broken, tmp_path / "x.safetensors", {})
    assert not list(tmp_path.iterdir())


def test_a_failed_or_too_large_write_leaves_the_old_file(model, path, monkeypatch):
    before = path.read_bytes()

    def full(*args):
        raise OSError("No space left")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(CheckpointError, match="No space left"):
            save(model, path, {})
    monkeypatch.setattr(weights, "MAX_BYTES", 1000)
    with pytest.raises(CheckpointError, match="at most 1,000"):
        save(model, path, {})
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


def test_device_and_precision_by_name(monkeypatch):
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_precision("bfloat16", torch.device("cpu")) == "bfloat16"
    for fast, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda fast=fast: fast)
        assert pick_precision("auto", torch.device("cpu")) == expected
    assert pick_precision("auto", torch.device("mps")) == "float32"
    for absent in ("cuda:99", "nowhere"):
        with pytest.raises(ConfigError, match=f"No device '{absent}' here.*Say auto or cpu"):
            pick_device(absent)


def test_an_unknown_name_with_or_without_shipped_weights(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match="No weights 'nobody'"):
        load("nobody")
    monkeypatch.setattr(weights.resources, "files", lambda name: tmp_path)
    with pytest.raises(CheckpointError, match="none are installed"):
        load("nobody")


def test_a_turned_matrix_is_another_shape(path):
    tensors, _ = parts(path)
    name = next(k for k, v in tensors.items() if v.ndim == 2 and v.shape[0] != v.shape[1])
    tensors[name] = tensors[name].T.contiguous()
    rewrite(path, tensors)
    with pytest.raises(CheckpointError, match=f"Other shape: {name}"):
        load(path)


def test_a_hash_or_config_of_the_wrong_type_is_refused(path):
    rewrite(path, hash=5)
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)
    rewrite(path, config={"encoder": "tiny", "decoder_dim": "wide"})
    with pytest.raises(CheckpointError, match="cannot be built"):
        load(path)


def test_the_card_beside_the_shipped_weights_is_theirs():
    page = Path(weights.__file__).with_name("shipped") / "lite0.md"
    assert load("lite0", "cpu").weights_hash in page.read_text("utf-8"), "run: python docs/card.py"
