"""Grids of papermill runs, here or on a Dask cluster: finished cells stay, failed ones are told."""

import csv
import hashlib
import io
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from vpuformer.errors import ConfigError, DataError, written_whole

log = logging.getLogger("vpuformer.experiments")
RECORD, RESULT, QUIET = "cell.json", "result.json", ["--IPKernelApp.log_level=ERROR"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a notebook.

    Attributes:
        parameters: what papermill injected, without `out_dir`.
        notebook: sha256 of the notebook that ran.
        numbers: the `result.json` that the notebook wrote into its `out_dir`.
        error: why it failed; empty when it did not.
    """

    parameters: dict[str, Any]
    notebook: str
    numbers: dict[str, Any]
    error: str = ""


def grid(**axes: Sequence[Any]) -> list[dict[str, Any]]:
    """Every combination: `grid(form=["code", "literal"], seed=[0, 1, 2])` has six."""
    import numpy as np

    lists = (v.tolist() if isinstance(v, np.ndarray) else v for v in axes.values())
    return [dict(zip(axes, values, strict=True)) for values in product(*lists)]


def run(
    notebook: str | Path,
    cells: Sequence[Mapping[str, Any]],
    out_dir: str | Path,
    *,
    workers: int = 1,
    address: str | None = None,
) -> list[Cell]:
    """Run a notebook once for each set of parameters; `collect` gathers what came of it.

    A cell has a folder of its own: `run.ipynb`, or `failed.ipynb` with the error in it, and what
    the notebook wrote. A grid that is started again keeps the cells that the same notebook has
    finished and runs the others, the failed ones included.

    Args:
        notebook: takes `out_dir` and the parameters, and writes numbers to `out_dir/result.json`.
        cells: sets of parameters, as `grid` makes them.
        out_dir: the grid's folder.
        workers: cells at a time, when it runs here.
        address: a Dask scheduler whose workers see the same files; a LocalCluster when None.

    Raises:
        ConfigError: no cell, two of one name, no worker, or a parameter that is not the notebook's.
        DataError: there is no such notebook.
    """
    from papermill import inspect_notebook

    notebook, out = Path(notebook).resolve(), Path(out_dir).resolve()
    if not notebook.is_file():
        raise DataError(f"There is no notebook {notebook}. Check the path.")
    folders = {out / _name(parameters): dict(parameters) for parameters in cells}
    if not folders or len(folders) < len(cells) or workers < 1:
        raise ConfigError(
            f"{len(cells)} cells with {len(folders)} names for {workers} workers: expected at "
            "least one of each, no two cells alike."
        )
    known = inspect_notebook(notebook)
    if unknown := sorted({name for cell in cells for name in cell} - {*known}):
        raise ConfigError(f"{notebook.name} takes {', '.join(known)}, not {', '.join(unknown)}.")
    digest = hashlib.sha256(notebook.read_bytes()).hexdigest()
    found = {f: _read(f) for f in folders}
    due = [f for f, c in found.items() if c is None or c.error or c.notebook != digest]
    log.info("%d of %d cells are finished", len(folders) - len(due), len(folders))
    if due:
        from distributed import Client, as_completed

        # no process of its own, and no web page that others on the network could open
        page = {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": "127.0.0.1:0"}
        here = {"n_workers": workers, "threads_per_worker": 1, "processes": False, **page}
        with Client(address, **({} if address else here)) as client:
            jobs = [(str(notebook), digest, folders[f], str(f)) for f in due]
            futures = client.map(_execute, *zip(*jobs, strict=True), pure=False, retries=0)
            for count, future in enumerate(as_completed(futures), 1):
                log.info("%d of %d: %s", count, len(due), future.result())
    return [cell for f in folders if (cell := _read(f)) is not None]


def collect(out_dir: str | Path) -> list[dict[str, Any]]:
    """The rows of a grid, also as `results.csv` and as a page, `report.ipynb`.

    A row holds a cell's parameters, its numbers and its error (empty when it has none).
    """
    import nbformat

    out = Path(out_dir)
    folders = sorted(record.parent for record in out.glob(f"*/{RECORD}"))
    cells = {folder: cell for folder in folders if (cell := _read(folder))}
    rows = [{**c.parameters, **c.numbers, "error": c.error} for c in cells.values()]
    if not rows:
        raise DataError(f"{out} holds no cell of a grid. Run one into it first.")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(out / "results.csv", text.getvalue())
    table = [columns, ["---"] * len(columns), *([row.get(c, "") for c in columns] for row in rows)]
    lines = ["| " + " | ".join(str(v).replace("|", "\\|") for v in row) + " |" for row in table]
    lost = [f"- [{f.name}]({f.name}/failed.ipynb): {c.error}" for f, c in cells.items() if c.error]
    title = f"# {out.name}: {len(rows) - len(lost)} of {len(rows)} cells finished"
    words = "\n\n".join((title, "\n".join(lines), "\n".join(lost)))
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(words)])
    _write(out / "report.ipynb", nbformat.writes(page) + "\n")
    return rows


def _name(parameters: Mapping[str, Any]) -> str:
    """A folder's name that tells a cell from the others and can be read."""
    own = dict(sorted(parameters.items()))
    words = "_".join(f"{k}-{v}" for k, v in own.items())
    told = "".join(c if c.isalnum() or c in "._-" else "-" for c in words)[:80]
    return f"{told}_{hashlib.sha256(json.dumps(own).encode()).hexdigest()[:6]}"


def _write(path: Path, text: str) -> None:
    with written_whole(path, DataError, "Make room and run the grid again.") as temporary:
        temporary.write_text(text, "utf-8")


def _read(folder: Path) -> Cell | None:
    """The cell whose record a folder holds; None when it has not come to an end."""
    record = folder / RECORD
    return Cell(**json.loads(record.read_text("utf-8"))) if record.is_file() else None


def _execute(notebook: str, digest: str, parameters: dict[str, Any], place: str) -> str:
    """Run one cell and write its record; one line about it. A cell that fails raises nothing."""
    from papermill import execute_notebook

    folder, numbers, error = Path(place), {}, ""
    folder.mkdir(parents=True, exist_ok=True)
    for old in (RECORD, RESULT, "run.ipynb", "failed.ipynb"):
        (folder / old).unlink(missing_ok=True)
    given, running = {**parameters, "out_dir": place}, folder / "running.ipynb"
    try:
        execute_notebook(notebook, running, given, progress_bar=False, extra_arguments=QUIET)
        numbers = json.loads((folder / RESULT).read_text("utf-8"))
    except Exception as cause:  # noqa: BLE001 - the other cells go on
        error = f"{type(cause).__name__}: {cause}".strip().splitlines()[-1]
    if running.exists():
        os.replace(running, folder / ("failed.ipynb" if error else "run.ipynb"))
    _write(folder / RECORD, json.dumps(asdict(Cell(parameters, digest, numbers, error))) + "\n")
    return f"{folder.name} {error or 'finished'}"
