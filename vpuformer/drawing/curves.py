"""Sheets of paper for figures, and what a training run leaves: its curves."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vpuformer.drawing import palette

WIDTH, DPI = 6.4, 110  # inches, dots per inch
_INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
_PLAIN = dict.fromkeys(("axes.spines.top", "axes.spines.right"), False) | {"axes.axisbelow": True}
_COLOURS = dict.fromkeys(_INKED, palette.INK) | {"grid.color": palette.RULE}
_COLOURS |= dict.fromkeys(("axes.facecolor", "figure.facecolor"), palette.PAPER)
# labels and ticks follow font.size
_STYLE = {"font.size": 9.0, "axes.titlesize": 9.5, **_PLAIN, **_COLOURS}


def style() -> AbstractContextManager[None]:
    """The rc settings of every figure, for a `with` block."""
    return mpl.rc_context(_STYLE)  # pyright: ignore[reportArgumentType]


def sheet(height: float, title: str = "") -> Figure:
    """An empty figure of our width, `height` inches high, on opaque white; the title a finding."""
    with style():
        figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
        if title:
            figure.suptitle(title, fontsize=10.5, x=0.01, ha="left", weight="bold")
    return figure


def learning(log: str | Path | Sequence[Mapping[str, float]], *, title: str = "") -> Figure:
    """The loss over a training run, and the IoU of its first and last round, side by side.

    Args:
        log: a run's `log.jsonl`, or its rows (`FitResult.history`). Thin: as logged; thick: the
            mean of a twentieth of the run.
        title: the finding.
    """
    if isinstance(log, (str, Path)):
        log = [json.loads(line) for line in Path(log).read_text("utf-8").splitlines()]
    rounds = sorted({int(k[3:]) for row in log for k in row if k.startswith("iou")})
    keys = ["loss", *dict.fromkeys(f"iou{k}" for k in rounds[:1] + rounds[-1:])]
    figure = sheet(2.8, title)
    with style():
        left, right = figure.subplots(1, 2)
        for i, key in enumerate(keys):
            rows = [(row["step"], row[key]) for row in log if key in row]
            _learnt(right if i else left, i, key.replace("iou", "round "), np.array(rows, float))
        for ax, ylabel, top in ((left, "loss", None), (right, "IoU of the crops (0 to 1)", 1)):
            ax.set(xlabel="step", ylabel=ylabel, xlim=(0, None), ylim=(0, top))
            ax.grid(axis="y", lw=0.5)
    return figure


def _learnt(ax: Axes, i: int, name: str, rows: np.ndarray) -> None:
    (colour, dash, _), span = palette.curve(i), max(1, len(rows) // 20)
    steps, values = rows.T
    middle, smooth = (np.convolve(part, np.ones(span) / span, "valid") for part in (steps, values))
    ax.plot(steps, values, color=colour, lw=0.5, alpha=0.5)
    ax.plot(middle, smooth, color=colour, ls=dash, lw=1.8)
    at = {"xytext": (-2, -14 if i == 1 else 5), "textcoords": "offset points", "ha": "right"}
    # of two lines the first is named below
    ax.annotate(name, (middle[-1], smooth[-1]), color=colour, weight="bold", **at)
