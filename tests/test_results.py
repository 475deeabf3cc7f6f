"""The tables of docs/training.md are those that results/ gives."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "training.md").read_text("utf-8")


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "results_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLES = {"against_grabcut": 6, "policies": 6, "human_scribbles": 6, "medical": 4, "variants": 6}


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_what_was_measured(tables, name):
    lines = getattr(tables, name)()
    assert len(lines) >= TABLES[name]
    assert "\n".join(lines) in PAGE, "run: python docs/results_table.py, and put it into the page"
