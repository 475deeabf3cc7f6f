"""The stored toy ablations: their table, their origin, and the verdicts that notebook 09 prints."""

import csv
import importlib.util
import json
import re
from itertools import product
from pathlib import Path

import pytest

pytest.importorskip("papermill")
pytest.importorskip("distributed")
import nbformat

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
SPEC = importlib.util.spec_from_file_location("toys", ROOT / "docs" / "toy_ablations.py")
toys = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(toys)
HEADER = json.loads((RESULTS / "toy_ablations.json").read_text("utf-8"))
PAPER = json.loads((RESULTS / "paper_ablations.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def lines():
    with (RESULTS / "toy_ablations.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def values(lines, row, policy="click", metric="NoC@85"):
    return [float(r[metric]) for r in lines if (r["row"], r["policy"]) == (row, policy)]


def rule(better, worse):
    if all(b < w for b, w in product(better, worse)):
        return "reproduced"
    return "not reproduced" if all(b > w for b, w in product(better, worse)) else "not decidable"


def printed(number="09"):
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    cells = nbformat.read(path, 4).cells
    outputs = [o for c in cells if c.cell_type == "code" for o in c.outputs]
    return "".join(o.get("text", "") for o in outputs)


def test_every_row_has_every_seed_and_numbers_that_can_be(lines):
    expected = [
        (row, seed, policy)
        for row, changes in toys.ROWS.items()
        for seed in toys.SEEDS
        for policy in changes.get("policies", ["click"])
    ]
    assert [(r["row"], int(r["seed"]), r["policy"]) for r in lines] == expected
    assert list(lines[0]) == ["row", "seed", "policy", *toys.NUMBERS, "cpu_s"]
    for line in lines:
        assert 1 <= float(line["NoC@85"]) <= float(line["NoC@90"]) <= 10
        assert 0 < float(line["IoU@1"]) < 1 and 0 < float(line["IoU@3"]) < 1
        assert float(line["cpu_s"]) > 1
    assert len({tuple(r[n] for n in toys.NUMBERS) for r in lines}) > 0.9 * len(lines)


def test_the_numbers_come_from_the_notebook_that_is_here():
    page = nbformat.read(toys.NOTEBOOK, 4)
    assert HEADER["source_sha256"] == page.metadata.vpuformer.source_sha256, (
        "notebooks/experiments/toy.ipynb changed. Run: python docs/toy_ablations.py"
    )
    assert HEADER["rows"] == toys.ROWS and HEADER["seeds"] == list(toys.SEEDS)
    assert {"command", "date", "device", "versions"} <= HEADER.keys()
    (given,) = (c.source for c in page.cells if "parameters" in c.metadata.get("tags", []))
    names = set(re.findall(r"^(\w+) =", given, re.M))
    assert all(set(cell) <= names for cell in toys.cells())


def test_the_default_row_is_what_the_committed_notebook_printed(lines):
    said = nbformat.read(toys.NOTEBOOK, 4).cells[-1].outputs[0].text
    stored = {name: values(lines, "ours", metric=name)[0] for name in toys.NUMBERS}
    assert said.strip() == str(stored)


def test_verdicts_follow_from_the_table(lines):
    found = re.findall(r"^\w+ +(.+?)  +\d of 4 \| (.+)$", printed(), re.M)
    expected = []
    for table, words, better, worse in PAPER["claims"]:
        pairs = [("ours", n) if table == "VII" else (n, "click") for n in (better, worse)]
        expected.append((words, rule(*(values(lines, *pair) for pair in pairs))))
    assert found == expected and len(found) == 13
    for verdict in ("reproduced", "not reproduced", "not decidable"):
        assert f"'{verdict}': {[v for _, v in found].count(verdict)}" in printed()


def test_cells_that_are_one_model_agree_in_the_paper():
    tables = PAPER["tables"]
    assert tables["IV"]["ours"] == tables["VI"]["ours"] == tables["VII"]["click"]
    assert tables["V"]["ours"][1::2] == tables["IV"]["ours"][1::2] == [1.71, 4.82]
    assert tables["V"]["λ = 0"][1::2] == tables["VI"]["λ = 0"][1::2]
    assert list(PAPER["fig_1"]) == list(tables["VII"]) == toys.POLICIES


def test_a_wide_row_becomes_a_line_for_each_robot():
    numbers = dict.fromkeys(toys.NUMBERS, 0.5)
    wide = {"row": "ours", "seed": 1, "policies": ["click", "all"], "cpu_s": 9.0, **numbers}
    wide |= {f"{name} all": 0.25 for name in toys.NUMBERS}
    other = {"row": "λ = 0", "seed": 0, "lam": 0.0, "cpu_s": 8.0, **numbers}
    found = toys.tidy([other, wide])
    assert [(r["row"], r["policy"], r["IoU@3"]) for r in found] == [
        ("ours", "click", 0.5),
        ("ours", "all", 0.25),
        ("λ = 0", "click", 0.5),
    ]


@pytest.mark.slow
def test_equal_parameters_give_equal_numbers(tmp_path):
    import papermill

    found = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        given = {"steps": 4, "n_scenes": 4, "seed": seed, "out_dir": str(tmp_path / place)}
        page = tmp_path / f"{place}.ipynb"
        papermill.execute_notebook(toys.NOTEBOOK, page, given, progress_bar=False)
        numbers = json.loads((tmp_path / place / "result.json").read_text("utf-8"))
        assert numbers.pop("cpu_s") > 0
        found.append(numbers)
    assert found[0] == found[1] != found[2]
