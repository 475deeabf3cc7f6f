"""Published files by a local path: containers, what is missing or left over, what is refused."""

import pytest
import torch
from safetensors.torch import save_file

from vpuformer.config import DmaConfig, ModelConfig, PueConfig
from vpuformer.errors import CheckpointError, ConfigError
from vpuformer.model import build
from vpuformer.weights import load_encoder


def model(encoder):
    return build(
        ModelConfig(
            encoder=encoder,
            pue=PueConfig(length=64),
            dma=DmaConfig(embed_dim=32),
            decoder_dim=16,
        )
    )


def mit_file(net):
    """Random numbers under the published names of MiT-B0."""
    generator = torch.Generator().manual_seed(3)
    weights = {"head.weight": torch.zeros(10, 256)}
    for name, value in net.encoder.state_dict().items():
        _, s, rest = name.split(".", 2)
        rest = rest.replace("blocks.", "block.", 1)
        word, tail = rest.split(".", 1)
        weights[f"{word}{int(s) + 1}.{tail}"] = torch.rand(value.shape, generator=generator)
    return weights


@pytest.mark.parametrize("wrap", ["bare", "model", "state_dict", "safetensors", "module"])
def test_every_container_is_read(tmp_path, wrap):
    net = model("mit_b0")
    weights, head = mit_file(net), net.decoder.head.weight.clone()
    path = tmp_path / ("w.safetensors" if wrap == "safetensors" else "w.pth")
    if wrap == "safetensors":
        save_file(weights, path)
    elif wrap == "module":
        torch.save({f"module.{k}": v for k, v in weights.items()}, path)
    else:
        torch.save(weights if wrap == "bare" else {wrap: weights, "epoch": 3}, path)
    load_encoder(net, path)
    stage = net.encoder.stages[2]
    assert torch.equal(stage.patch_embed.proj.weight, weights["patch_embed3.proj.weight"])
    assert torch.equal(stage.blocks[1].attn.kv.bias, weights["block3.1.attn.kv.bias"])
    assert torch.equal(stage.norm.weight, weights["norm3.weight"])
    assert torch.equal(net.decoder.head.weight, head)


def test_missing_left_over_and_wrong_shapes_are_told(tmp_path):
    net = model("mit_b0")
    weights, path = mit_file(net), tmp_path / "w.pth"
    before = {k: v.clone() for k, v in net.state_dict().items()}
    broken = {k: v for k, v in weights.items() if k != "block1.0.mlp.fc1.bias"}
    torch.save(broken | {"block9.extra": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"lack block1.0.mlp.fc1.bias.*hold.*block9.extra"):
        load_encoder(net, path)
    torch.save(weights | {"norm4.weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=r"norm4.weight has shape \(3,\), expected \(256,\)"):
        load_encoder(net, path)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


class Trap:
    """Would run code when unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit(7)",))


def test_what_is_not_tensors_is_refused(tmp_path):
    net, path = model("mit_b0"), tmp_path / "w.pth"
    torch.save({"model": Trap()}, path)
    with pytest.raises(CheckpointError, match="cannot be read as published weights"):
        load_encoder(net, path)
    torch.save({"model": {"a": 3}}, path)
    with pytest.raises(CheckpointError, match="no table of tensors"):
        load_encoder(net, path)
    path.write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_encoder(net, path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_encoder(net, tmp_path / "absent.safetensors")
    with pytest.raises(ConfigError, match="tiny"):
        load_encoder(model("tiny"), path)
