"""Grids of notebook runs: what is asked, what stays, what failed, and what a kill leaves."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from vpuformer import experiments
from vpuformer.errors import ConfigError, DataError

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("papermill")
pytest.importorskip("distributed")
CODE = """
import json, pathlib, time
assert n != 2, "two is not allowed"
time.sleep(pause)
folder = pathlib.Path(out_dir)
folder.joinpath("result.json").write_text(json.dumps({"square": n * n}))
"""


@pytest.fixture
def notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell("n = 0\npause = 0.0\nout_dir = 'out'")]
    cells[0].metadata["tags"] = ["parameters"]
    cells.append(nbformat.v4.new_code_cell(CODE))
    page = nbformat.v4.new_notebook(cells=cells)
    page.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    path = tmp_path / "square.ipynb"
    nbformat.write(page, path)
    return path


def start(notebook, out, workers=1, **axes):
    """A grid run as a script would, in a process of its own; it prints its cells."""
    code = (
        "import json, dataclasses; from vpuformer import experiments as e\n"
        f"cells = e.run({str(notebook)!r}, e.grid(**{axes!r}), {str(out)!r}, workers={workers})\n"
        "print(json.dumps([dataclasses.asdict(cell) for cell in cells]))"
    )
    words = [sys.executable, "-c", code]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)


def run(*args, **axes):
    process = start(*args, **axes)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(said.splitlines()[-1])


def test_a_grid_has_every_combination():
    cells = experiments.grid(form=["code", "literal"], seed=[0, 1, 2])
    assert len(cells) == 6 and cells[0] == {"form": "code", "seed": 0}
    assert cells[-1] == {"form": "literal", "seed": 2}
    assert experiments.grid() == [{}]
    json.dumps(experiments.grid(seed=np.arange(2), share=np.linspace(0, 1, 3)))


def test_what_cannot_run_says_so_before_anything_is_written(notebook, tmp_path):
    with pytest.raises(DataError, match="There is no notebook"):
        experiments.run(tmp_path / "none.ipynb", [{"n": 1}], tmp_path / "out")
    for cells, workers in (([], 1), ([{"n": 1}, {"n": 1}], 1), ([{"n": 1}], 0)):
        with pytest.raises(ConfigError, match="no two cells alike"):
            experiments.run(notebook, cells, tmp_path / "out", workers=workers)
    with pytest.raises(DataError, match="holds no cell of a grid"):
        experiments.collect(tmp_path)
    with pytest.raises(ConfigError, match=r"takes .*n.*, not m"):
        experiments.run(notebook, [{"n": 1}, {"m": 2}], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_tell_cells_apart_and_can_be_read():
    cells = experiments.grid(sigma=[3.0, 30.0], form=["a/b", "a b"], words=["x" * 200])
    names = [experiments._name(cell) for cell in cells]
    assert len(set(names)) == 4 and all(len(name) < 100 and "/" not in name for name in names)
    assert names[0].startswith("form-a-b_sigma-3.0_words-xxx")
    assert experiments._name({"b": 1, "a": 2}) == experiments._name({"a": 2, "b": 1})


@pytest.mark.slow
def test_finished_cells_stay_and_a_failed_one_is_told(notebook, tmp_path):
    out = tmp_path / "squares"
    cells = run(notebook, out, 2, n=[1, 2, 3])
    assert [cell["numbers"].get("square") for cell in cells] == [1, None, 9]
    assert [cell["error"] for cell in cells] == ["", "AssertionError: two is not allowed", ""]
    (failed,) = out.glob("*/failed.ipynb")
    outputs = [o for c in nbformat.read(failed, 4).cells for o in c.get("outputs", [])]
    assert any(o.output_type == "error" for o in outputs)
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*/run.ipynb")}
    again = run(notebook, out, n=[1, 2, 3, 4])
    assert [cell["numbers"].get("square") for cell in again] == [1, None, 9, 16]
    assert len(kept) == 2 and all(p.stat().st_mtime_ns == t for p, t in kept.items())

    rows = experiments.collect(out)
    with open(out / "results.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert {(r["n"], r["square"]) for r in read} == {
        ("1", "1"),
        ("2", ""),
        ("3", "9"),
        ("4", "16"),
    }
    assert len(rows) == 4
    page = nbformat.read(out / "report.ipynb", 4).cells[0].source
    assert page.startswith("# squares: 3 of 4 cells finished")
    assert f"({failed.parent.name}/failed.ipynb): AssertionError: two is not allowed" in page

    changed = nbformat.read(notebook, 4)
    changed.cells[1].source = changed.cells[1].source.replace("n * n", "-n")
    nbformat.write(changed, notebook)
    (cell,) = run(notebook, out, n=[3])
    assert cell["numbers"] == {"square": -3}


@pytest.mark.slow
def test_a_killed_grid_goes_on(notebook, tmp_path):
    out = tmp_path / "killed"
    process = start(notebook, out, n=[1, 3], pause=[0.0, 60.0])
    try:
        end = time.monotonic() + 120
        while not list(out.glob("*/cell.json")) and time.monotonic() < end:
            assert process.poll() is None
            time.sleep(0.2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    (record,) = out.glob("*/cell.json")
    before = record.stat().st_mtime_ns
    assert json.loads(record.read_text())["numbers"] == {"square": 1}
    cells = run(notebook, out, 2, n=[1, 3], pause=[0.0])
    assert [cell["numbers"]["square"] for cell in cells] == [1, 9]
    assert record.stat().st_mtime_ns == before
