"""Every reading is reachable from a config and changes what it names; the paper to the letter."""

import importlib.util
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from vpuformer.config import DmaConfig, ModelConfig, PueConfig, from_json, literal, to_json
from vpuformer.model import build
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch

PROMPTS = [Click(20, 30), Box(60, 40, 30, 20, False), Scribble([(5, 5), (40, 30), (6, 60)])]
SIZE = (64, 128)
ROOT = Path(__file__).resolve().parents[1]


def logits(config):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, *SIZE, generator=generator)
    prev = torch.rand(1, 1, *SIZE, generator=generator)
    prompts, model = PromptBatch.of([PROMPTS]), build(config).eval()
    with torch.no_grad():
        return model.decode(model.encode_image(image, prev, prompts), prompts, prev).logits


def tiny(pue=None, dma=None, **changes):
    pue = PueConfig(length=64, **(pue or {}))
    dma = DmaConfig(embed_dim=32, **(dma or {}))
    config = ModelConfig(encoder="tiny", size=64, pue=pue, dma=dma, decoder_dim=16)
    return replace(config, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"pue": {"visual": "product"}},
        {"pue": {"visual": "bilateral"}},
        {"pue": {"cut": 1.0}},
        {"pue": {"sign": "bit"}},
        {"pue": {"sign": "code3"}},
        {"pue": {"box": "fixed"}},
        {"pue": {"box": "plateau"}},
        {"pue": {"scribble": "fixed"}},
        {"pue": {"scribble_point": "random"}},
        {"fusion": "early"},
        {"prompt_maps": "none"},
        {"prompt_maps": "disk"},
        {"dma": {"form": "literal"}},
        {"dma": {"form": "code"}},
        {"decoder": "code"},
        {"decoder": "literal"},
    ],
    ids=str,
)
def test_a_reading_changes_the_mask(changes):
    config = tiny(**changes)
    assert from_json(ModelConfig, to_json(config)) == config
    found = logits(config)
    assert found.isfinite().all() and not torch.allclose(found, logits(tiny()), atol=1e-6)
    assert torch.equal(found, logits(config))  # the same prompts, the same mask, also by chance


def test_the_paper_to_the_letter():
    config = literal()
    assert config.encoder == "vit_b" and config.fusion == "early" and config.decoder == "literal"
    assert config.pue.cut == 1.0 and config.pue.visual == "product"
    assert config.dma.form == "literal" and config.dma.embed_dim == 768
    assert config.pue.vector_length == 898 and config.prompt_maps == "none"
    small = replace(literal("mit_b0"), dma=DmaConfig(form="literal", embed_dim=32))
    assert logits(small).isfinite().all()


@pytest.mark.parametrize("name", [f"R{i}" for i in range(1, 15)])
def test_each_reading_has_its_figure_and_the_number_that_its_script_computes(name):
    words, figure = docs_script().READINGS[name]()
    text = (ROOT / "docs" / "readings.md").read_text("utf-8")
    assert f"*{name}: {words}.*" in text, f"run: python docs/readings_figures.py ({words})"
    shown = re.findall(rf"!\[{name}: [^\]]+\]\((readings/[^)]+)\)", text)
    assert len(shown) == 1 and (ROOT / "docs" / shown[0]).stat().st_size > 5000
    kept = sorted(path.stem for path in (ROOT / "docs" / "readings").iterdir())
    assert kept == sorted(f"r{i}" for i in range(1, 15)), "a figure that nothing shows"
    assert figure.axes


@cache
def docs_script():
    path = ROOT / "docs" / "readings_figures.py"
    spec = importlib.util.spec_from_file_location("readings_figures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
