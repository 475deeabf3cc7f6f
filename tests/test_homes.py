"""Each numbered thing of the paper has one home in the course, the one that was planned."""

import itertools
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")

LESSONS = sorted((Path(__file__).resolve().parents[1] / "notebooks" / "src").glob("*.py"))
EQUATIONS = {"02": [1, 2, 3, 4], "03": [5, 6], "05": [7, 8, 9, 10], "06": list(range(11, 19))}
FIGURES = {
    "00": [3],
    "02": [5],
    "03": [4],
    "05": [2],
    "08": [6, 7],
    "09": [1],
    "10": [9],
    "12": [8],
}
TABLES = {"08": ["I", "II"], "09": ["IV", "V", "VI", "VII"], "12": ["III"]}
PLAN = {
    "equations": EQUATIONS,
    "algorithms": {"03": [1]},
    "figures": FIGURES,
    "tables": TABLES,
}


def houses(source):
    return jupytext.read(source).metadata["vpuformer"]["houses"]


def test_the_plan_houses_everything_once():
    everything = {"equations": 18, "algorithms": 1, "figures": 9, "tables": 7}
    for kind, count in everything.items():
        things = list(itertools.chain.from_iterable(PLAN[kind].values()))
        assert len(things) == len(set(things)) == count


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_houses_what_was_planned(source):
    number = source.name[:2]
    planned = {kind: homes.get(number, []) for kind, homes in PLAN.items()}
    said = houses(source)
    assert {kind: said[kind] for kind in PLAN} == planned


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_an_equation_is_typeset_at_home_and_nowhere_else(source):
    text = source.read_text(encoding="utf-8")
    boxed = [n for n in range(1, 19) if f"\\qquad ({n})" in text]
    assert boxed == houses(source)["equations"]
