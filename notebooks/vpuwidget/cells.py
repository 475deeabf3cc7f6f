"""The notebook cell that is being run, and the widgets that its last run made."""

from typing import Any

from IPython.core.getipython import get_ipython

_of_cell: dict[str, tuple[str, list[Any]]] = {}  # notebook cell -> its last run and its widgets


def running() -> tuple[str, str]:
    """The cell that a page runs now, and which run of it; empty where no page does.

    JupyterLab and Notebook 7 name the cell. Papermill, nbconvert, nbval and a script name none.
    """
    parent = getattr(get_ipython(), "get_parent", dict)()
    cell = parent.get("metadata", {}).get("cellId", "")
    return cell, parent["header"]["msg_id"] if cell else ""


def close_older() -> None:
    """Close what an earlier run of this cell made: running it again leaks nothing."""
    cell, run = running()
    last, widgets = _of_cell.get(cell, ("", []))
    if run != last:
        for old in widgets:
            old.close()
        _of_cell[cell] = run, []


def made(widget: Any) -> None:
    """Take note that this run of the cell made a widget."""
    cell, _ = running()
    if cell:
        _of_cell[cell][1].append(widget)
