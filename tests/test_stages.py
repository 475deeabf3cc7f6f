"""The cost table: every stage is there, sums agree, what must scale does. No time is tested."""

import math
from dataclasses import replace

import pytest

from vpuformer import cli
from vpuformer.model import build, preset
from vpuformer.stages import STAGES, markdown, stage_cost, stage_table


@pytest.fixture(scope="module")
def costs():
    config = preset("tiny")
    late = [stage_cost(config, n, 160, repeats=1) for n in (1, 20)]
    return [*late, stage_cost(replace(config, fusion="early"), 1, 160, repeats=1)]


def test_every_stage_is_measured(costs):
    one, many, early = costs
    assert set(one.ms) == set(STAGES) and all(math.isfinite(v) for v in one.ms.values())
    for stage in ("first", "further", "encode", "pue", "dma", "decoder"):
        assert one.ms[stage] > 0 and early.ms[stage] > 0
    assert one.parameters == sum(p.numel() for p in build(preset("tiny")).parameters())
    assert many.decode_gflop > one.decode_gflop and many.encode_gflop == one.encode_gflop
    assert (one.fusion, early.fusion) == ("late", "early")
    assert one.peak_mb > 50 or math.isnan(one.peak_mb)


def test_flops_of_the_first_convolution_are_counted_twice_per_multiply_add(costs):
    stem = 2 * 64 * 64 * 16 * 3 * 9 / 1e9  # 128 px in, 16 channels at 1/2
    assert stem < costs[0].encode_gflop < 100 * stem


def test_the_table_names_what_it_holds(costs):
    rows = stage_table(costs)
    assert len(rows) == 4 and {len(row) for row in rows} == {len(rows[0])}
    text = markdown(costs, "vpuformer benchmark --stages x.md")
    assert text.splitlines()[2].startswith("| tiny | late | 1 | 160 |")
    assert "`vpuformer benchmark --stages x.md`, torch" in text


def test_the_command_writes_both_fusions(tmp_path, monkeypatch, capsys, costs):
    asked = {}

    def stand_in(configs, prompts, sides, *, repeats):
        asked.update(fusions=[c.fusion for c in configs], prompts=prompts, sides=sides)
        return costs

    monkeypatch.setattr("vpuformer.stages.stage_costs", stand_in)
    path = tmp_path / "stages.md"
    words = ["benchmark", "--presets", "tiny", "--stages", str(path), "--prompts", "1", "10"]
    assert cli.main([*words, "--sides", "256"]) == 0
    assert asked == {"fusions": ["early", "late"], "prompts": (1, 10), "sides": (256,)}
    assert (
        path.read_text("utf-8").count("| tiny |") == 3 and str(path) in capsys.readouterr().out
    )
