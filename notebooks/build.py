"""Build the notebooks: notebooks/src/*.py -> executed notebooks/*.ipynb.

python notebooks/build.py            every notebook and its solutions
python notebooks/build.py 00         those whose name begins with 00
python notebooks/build.py here       none: only what follows

Each time README's table of notebooks is written anew from the mastheads, and their "you are here"
strips are drawn into notebooks/here/.
"""

import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
import papermill

from vpucourse import here

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TABLE = r"(?m)^\| notebook \|.*\n(?:\|.*\n)+"  # in README
WIDGET = "application/vnd.jupyter.widget-view+json"


def sources(prefix: str = "") -> list[Path]:
    """The percent-format files, solutions included."""
    return sorted(p for p in (HERE / "src").rglob("*.py") if p.name.startswith(prefix))


def product(source: Path) -> Path:
    """Where the executed notebook of a source lies."""
    return HERE / source.relative_to(HERE / "src").with_suffix(".ipynb")


def source_hash(source: Path) -> str:
    """sha256 of the source's text."""
    return hashlib.sha256(source.read_text(encoding="utf-8").encode()).hexdigest()


def read(source: Path) -> nbformat.NotebookNode:
    """The source as a notebook without outputs; a cell's id follows from what it says."""
    notebook = jupytext.read(source)
    ours = notebook.metadata.get("vpuformer", {})
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "vpuformer": {**ours, "source_sha256": source_hash(source)},
        }
    )
    seen: set[str] = set()
    for cell in notebook.cells:
        text, n = cell.source, 0
        while (name := hashlib.sha256(f"{n}{text}".encode()).hexdigest()[:8]) in seen:
            n += 1
        seen.add(name)
        cell.id = name
        cell.metadata = _tags(cell)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with its outputs, run from the root of the repository, without times."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.ipynb", Path(folder) / "after.ipynb"
        nbformat.write(notebook, before)
        papermill.execute_notebook(
            before, after, kernel_name="python3", cwd=ROOT, progress_bar=False
        )
        done = nbformat.read(after, as_version=4)
    done.metadata = notebook.metadata
    for cell in done.cells:
        cell.metadata = _tags(cell)
        if cell.cell_type == "code":  # a control without its state would be a blank
            shown = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
            cell.outputs = joined(shown)
    return done


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """What a cell printed in one piece: a busy machine cuts it anywhere, also within a line.

    nbclient's `coalesce_streams` would also move it across the pictures between.
    """
    whole: list[nbformat.NotebookNode] = []
    for out in outputs:
        if whole and out.output_type == "stream" and whole[-1].get("name") == out.name:
            whole[-1].text += out.text
        else:
            whole.append(out)
    return whole


def _tags(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    tags = cell.metadata.get("tags", [])
    return nbformat.from_dict({"tags": list(tags)} if tags else {})


def course_table() -> str:
    """README's table of the notebooks, from their mastheads."""
    rows = ["| notebook | question | minutes, two CPU cores |", "|---|---|---|"]
    for source in sources():
        if source.parent.name == "src":
            notebook = jupytext.read(source)
            title = notebook.cells[0].source.splitlines()[0].split(" · ", 1)[1]
            question = title.split("?")[0] + "?"
            minutes = notebook.metadata["vpuformer"]["minutes_cpu"]
            rows.append(f"| `{source.stem}` | {question} | {minutes:g} |")
    return "\n".join(rows) + "\n"


def draw_strips(folder: Path) -> None:
    """Write the pictures of the mastheads."""
    folder.mkdir(exist_ok=True)
    for number in here.PLACES:
        here.strip(number).save(folder / f"{number}.png", optimize=True)


def main(prefixes: list[str]) -> int:
    """Build what was asked for; the number of notebooks that were not found."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    missing = 0
    draw_strips(HERE / "here")
    for prefix in [prefix for prefix in prefixes or [""] if prefix != "here"]:
        found = sources(prefix)
        missing += not found
        for source in found:
            target = product(source)
            target.parent.mkdir(exist_ok=True)
            nbformat.write(execute(read(source)), target)
            print(f"{target.relative_to(ROOT)}  {target.stat().st_size / 1000:.0f} KB")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(re.sub(TABLE, lambda _: course_table(), text), encoding="utf-8")
    return missing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
