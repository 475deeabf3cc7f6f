"""What is measured is what is said: stages, sweeps, and the page that shows them."""

import json
import re
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch

from vpuformer import benchmark
from vpuformer.benchmark import Case, Clock, cases, measure, told
from vpuformer.config import PRESETS
from vpuformer.model import VPUFormer, build, preset
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.training import recipes

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "performance.md").read_text("utf-8")
SMALL = {"preset": "tiny", "size": 64, "photo": (96, 128), "repeats": 1}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_nested_stage_counts_for_itself():
    ticks = iter((0.0, 10.0, 13.0, 20.0))
    clock = Clock(lambda: next(ticks))
    inner = clock.timed("pue", lambda: "answer")
    assert clock.timed("encode", inner)() == "answer"
    assert clock.spent == {"pue": 3.0, "encode": 17.0}


def test_watching_leaves_everything_as_it_was():
    before = {(o, n): vars(o)[n] for places in benchmark.STAGES.values() for o, n in places}
    with pytest.raises(ZeroDivisionError), Clock(lambda: 0.0).watching():
        assert vars(VPUFormer)["decode"] is not before[VPUFormer, "decode"]
        1 / 0  # noqa: B018
    assert all(vars(owner)[name] is function for (owner, name), function in before.items())


def test_late_fusion_encodes_once_and_early_in_every_round():
    late, early = (measure(Case(sweep="prompts", fusion=f, **SMALL)) for f in ("late", "early"))
    stages = {"pue", "dma", "decoder", "upsampling", "rest", "all"}
    for record in (late, early):
        for unit in ("cpu_ms", "wall_ms"):
            assert set(record[unit]["first"]) == stages | {"intake", "encode"}
        further = record["cpu_ms"]["further"]
        assert all(further[stage] > 0 for stage in stages)
        parts = sum(spent for stage, spent in further.items() if stage != "all")
        assert parts == pytest.approx(further["all"], abs=0.05)
        assert record["peak_mb"] is None or record["peak_mb"] > 50
    assert set(late["cpu_ms"]["further"]) == stages
    assert set(early["cpu_ms"]["further"]) == stages | {"intake", "encode"}
    assert 0 < late["gflop"]["further"] < late["gflop"]["first"]
    assert late["parameters"] == sum(p.numel() for p in build(preset("tiny")).parameters())


def test_more_prompts_are_more_work():
    one, many = (measure(Case(sweep="quick", count=n, **SMALL)) for n in (1, 30))
    assert one["gflop"]["first"] == many["gflop"]["first"]
    assert one["gflop"]["further"] < many["gflop"]["further"] < 30 * one["gflop"]["further"]


def test_attention_on_the_processor_is_counted():
    q = torch.rand(1, 2, 8, 4)
    counter = benchmark.FlopCounterMode(display=False, custom_mapping=benchmark._ATTENTION)
    with counter:
        torch.nn.functional.scaled_dot_product_attention(q, q, q)
    assert counter.get_total_flops() == 2 * 2 * (2 * 8 * 8 * 4)  # two products, two heads


def test_training_goes_forward_and_back():
    record = measure(Case(sweep="training", count=2, **SMALL))
    step = record["cpu_ms"]["step"]
    assert step["backward"] > 0 and step["encode"] > 0 and "wall_ms" not in record
    forward = measure(Case(sweep="quick", **SMALL))["gflop"]["first"]
    assert record["gflop"]["step"] > 2 * 2 * forward


def test_vectors_alone():
    case = Case(sweep="pue", preset="lite0", count=3, kinds="box", repeats=1)
    assert measure(case)["cpu_ms"]["vectors"]["all"] > 0


@pytest.mark.parametrize(("kind", "made"), [("click", Click), ("box", Box), ("scribble", Scribble)])
def test_told_prompts_are_of_their_kind_and_inside(kind, made):
    case = Case(sweep="pue", preset="lite0", count=40, kinds=kind, photo=(64, 256))
    for prompt in told(case):
        x0, y0, x1, y1 = prompt.bounds
        assert isinstance(prompt, made) and x0 >= -0.5 and x1 <= 255.5
        assert y0 >= -0.5 and y1 <= 63.5


def test_sweeps_hold_what_the_page_needs():
    found = cases("presets")
    assert {(c.preset, c.fusion) for c in found} == {
        (p, f) for p in PRESETS for f in ("early", "late")
    }
    counts = [c.count for c in cases("prompts") if c.precision == "float32"]
    assert counts[0] == 1 and counts[-1] == 100
    sides = [c.photo[0] for c in cases("sides", ("tiny", "lite0"))]
    assert min(sides) == 256 and max(sides) == 4096 and len(sides) == 10
    assert {c.preset for c in cases("training")} == set(PRESETS)
    assert {c.fusion for c in cases("training", ("vit_b",))} == {"early"}
    assert {c.precision for c in cases("pue")} == {"float32"}
    assert all(c.size == 64 for c in cases("quick", size=64))


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(ROOT / "docs"))
    yield import_module("performance")
    sys.path.remove(str(ROOT / "docs"))


def test_the_page_is_what_the_results_say(page):
    assert page.filled(PAGE) == PAGE, "run: python docs/performance.py"


def test_the_cost_model_follows_from_what_was_measured(page):
    model = import_module("cost_model")
    told = json.loads(model.OUT.read_text("utf-8"))
    times, assumed = (told["decode_ms"], told["cut_ms"]), json.loads(json.dumps(model.ASSUMED))
    rows = [model.estimate(run, gpus, *times) for run in model.RUNS for gpus in model.GPUS]
    assert told["rows"] == rows and told["assumed"] == assumed, "run: python docs/cost_model.py"
    for made in (model.costs(rows), model.feeding(rows)):
        assert made in PAGE


def test_early_fusion_pays_the_encoder_in_every_round(page):
    model = import_module("cost_model")
    recipe = replace(recipes.paper("vit_b"), graded=3)
    two, three = (replace(recipe, rounds=r, round_weights=(1.0,) * r) for r in (2, 3))
    assert model.work("vit_b", three) == pytest.approx(1.5 * model.work("vit_b", two))
    assert model.work("lite0", three) < 1.5 * model.work("lite0", two)
    half = replace(three, crops=((0.0, 448), (0.5, 224)))
    assert model.work("vit_b", half) == pytest.approx(0.625 * model.work("vit_b", three))


def test_each_plot_is_there_and_named(page):
    for name in page.PLOTS:
        path = ROOT / "docs" / "performance" / f"{name}.png"
        assert 5_000 < path.stat().st_size <= 60_000
        assert re.search(rf"!\[.{{40,}}\]\(performance/{name}\.png\)", PAGE), f"alt text of {name}"


def test_the_readme_rounds_the_same_numbers():
    text = (ROOT / "README.md").read_text("utf-8")
    said = re.search(r"first prompt (\d+) \((\d+)\) ms, further prompt (\d+) \((\d+)\) ms", text)
    assert said
    records = json.loads((ROOT / "results" / "benchmark.json").read_text("utf-8"))["records"]
    for place, (name, precision) in enumerate(
        (name, precision) for name in ("first", "further") for precision in ("bfloat16", "float32")
    ):
        spent = [
            r["cpu_ms"][name]["all"]
            for r in records
            if (r["sweep"], r["preset"], r["fusion"]) == ("presets", "lite0", "late")
            and r["precision"] == precision
        ]
        assert [int(said[place + 1])] == [round(ms) for ms in spent]
