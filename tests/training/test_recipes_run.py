"""`vpuformer train --recipe R --preset P` builds the model and makes a step, for every recipe."""

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from small import write_shard

from vpuformer import cli
from vpuformer.model import preset
from vpuformer.network.encoders.vit import ViT
from vpuformer.training import checkpoint, recipes

SIZE = (72, 96)  # H, W
CASES = [
    ("tiny", "tiny"),
    ("shipped", "lite0"),
    ("onward", "lite0"),
    ("official", "vit_b"),
    *[("paper", name) for name in ("vit_b", "mit_b0", "hrnet18s", "resnet50")],
]


@pytest.mark.parametrize(("recipe", "name"), CASES)
def test_one_step(tmp_path, monkeypatch, recipe, name):
    told, side = [], 224 if name == "vit_b" else 64
    whole = getattr(recipes, recipe)

    def short(*words):
        told.append(whole(*words))
        return replace(told[-1], batch_size=2, crops=((0.0, side),))

    monkeypatch.setattr(recipes, recipe, short)
    narrow = replace(  # the encoder is as it is; what stands on it is thin
        preset(name), dma=replace(preset(name).dma, embed_dim=32), decoder_dim=16, decoder_depth=1
    )
    monkeypatch.setattr(import_module("vpuformer.model"), "preset", lambda _: narrow)
    monkeypatch.setattr(
        "vpuformer.model.ViT", lambda: ViT(32, 2, 2, window=14, global_blocks=(1,), grid=28)
    )
    monkeypatch.setattr(checkpoint, "save_checkpoint", lambda *_: None)  # up to half a GB
    write_shard(tmp_path, SIZE)
    out = tmp_path / "run"
    words = ["train", str(tmp_path), "--recipe", recipe, "--preset", name, "--steps", "1"]
    assert cli.main([*words, "--out", str(out)]) == 0
    row = json.loads((out / "log.jsonl").read_text("utf-8").splitlines()[-1])
    assert row["step"] == 1 and row["skipped"] == 0 and np.isfinite(row["loss"])
    assert (out / f"{name}.safetensors").exists()
    if recipe in ("paper", "official"):
        assert told[0].lr == (5e-5 if name == "vit_b" else 5e-4)
        assert told[0].batch_size == 32 and told[0].crops == ((0.0, 448),)
        assert told[0].loss.p2cl == 2.0
