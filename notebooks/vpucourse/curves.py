"""Rows of pictures, and curves over rounds or any other axis."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from vpuformer.drawing import palette
from vpuformer.drawing.curves import DPI, WIDTH, sheet, style

GAP = 0.07  # inches between pictures


def encoded(figure: Figure) -> tuple[str, bytes]:
    """The figure as ("image/png" or "image/jpeg", bytes), whichever is smaller.

    Lines and letters stay a PNG, photos become a JPEG; neither holds a time stamp.
    """
    raw = io.BytesIO()
    with style():
        figure.savefig(raw, format="png", dpi=DPI)
    picture = Image.open(raw).convert("RGB")
    exact, lossy = io.BytesIO(), io.BytesIO()
    picture.save(exact, "PNG", optimize=True)
    picture.save(lossy, "JPEG", quality=78, subsampling=0, optimize=True)
    if exact.tell() <= lossy.tell():
        return "image/png", exact.getvalue()
    return "image/jpeg", lossy.getvalue()


def strip(
    images: Sequence[np.ndarray],
    captions: Sequence[str],
    *,
    title: str = "",
    columns: int | None = None,
) -> Figure:
    """Pictures side by side, each with a caption above.

    Args:
        images: uint8 RGB `[H, W, 3]`, or a map `[H, W]` in 0..1 drawn in cividis with its scale.
        captions: one for each picture.
        title: the finding.
        columns: pictures in a row; by default all in one.
    """
    columns = columns or len(images)
    picture = (WIDTH - GAP) / columns - GAP  # inches
    tall = picture * images[0].shape[0] / images[0].shape[1]
    above = 0.19 * max(caption.count("\n") + 1 for caption in captions) + 0.03
    pairs = list(zip(images, captions, strict=True))
    rows = [pairs[i : i + columns] for i in range(0, len(pairs), columns)]
    below = [0.34 if any(image.ndim == 2 for image, _ in row) else GAP for row in rows]
    y = sum(above + tall + space for space in below)
    figure = sheet(y + 0.27 * bool(title), title)
    figure.set_layout_engine("none")
    for row, space in zip(rows, below, strict=True):
        y -= above + tall
        for column, (image, caption) in enumerate(row):
            _picture(figure, (GAP + column * (picture + GAP), y, picture, tall), image, caption)
        y -= space
    return figure


def _picture(
    figure: Figure, place: tuple[float, float, float, float], image: np.ndarray, caption: str
) -> None:
    """One picture at (left, bottom, width, height) in inches; a map brings its scale."""
    tall, share = place[3], np.array(place) / np.tile(figure.get_size_inches(), 2)
    with style():
        ax = figure.add_axes(tuple(share), xticks=[], yticks=[])
        shown = ax.imshow(image, cmap=palette.MAP, vmin=0, vmax=1, aspect="auto")
        ax.set_title(caption, loc="left", pad=3)
        ax.spines[:].set_visible(False)
        if image.ndim == 2:
            bar = ax.inset_axes((0, -0.13 / tall, 1, 0.09 / tall))
            figure.colorbar(shown, cax=bar, orientation="horizontal", ticks=[0, 0.5, 1])
            bar.tick_params(length=2, pad=1)
            sides = ("left", "center", "right")
            for label, side in zip(bar.get_xticklabels(), sides, strict=True):
                label.set_horizontalalignment(side)


def iou_per_round(
    runs: Mapping[str, Sequence[float]],
    *,
    title: str = "",
    targets: Sequence[float] = (),
    notes: Sequence[str] = (),
) -> Figure:
    """IoU after each round as staircases, one a run, named at the line's end.

    A run that stops before the longest is named above its end, out of the others' way.

    Args:
        runs: name → IoU after round 1, 2, …
        title: the finding.
        targets: IoU values drawn as thin lines, for reading NoC off.
        notes: what was said in round 1, 2, …, written under the axis.
    """
    figure = sheet(3.0, title)
    with style():
        ax = figure.subplots()
        last = max(len(values) for values in runs.values())
        for i, target in enumerate(sorted(targets)):
            ax.axhline(target, color=palette.GREY, lw=0.8, ls=":")
            side = "bottom" if i else "top"  # two close targets: one label below, one above
            ax.text(0.53, target, f"{target:.0%}", va=side, color=palette.GREY)
        for name, (colour, dash, marker), y in _ends(runs, gap=0.09):
            values, end = runs[name], len(runs[name])
            x = [*range(1, end + 1), end + 0.5]
            ax.step(x, [*values, values[-1]], where="post", color=colour, ls=dash, lw=1.8)
            ax.plot(x[:-1], values, marker, color=colour)
            at = (end + 0.56, y) if end == last else (end + 0.12, y + 0.075)
            ax.text(*at, name, color=colour, va="center", weight="bold")
        rounds = range(1, last + 1)
        labels = [f"{k}\n{notes[k - 1]}" if k <= len(notes) else str(k) for k in rounds]
        ax.set_xticks(rounds, labels)
        ax.set(xlim=(0.5, last + 1.4), ylim=(0, 1.12), xlabel="round", ylabel="IoU (0 to 1)")
        ax.grid(axis="y", lw=0.5)
    return figure


def _ends(
    runs: Mapping[str, Sequence[float]], gap: float
) -> Iterator[tuple[str, tuple[str, Any, str], float]]:
    """Name, look and height of each curve's end from the top down, `gap` apart at equal length."""
    ceiling: dict[int, float] = {}
    for i, name in sorted(enumerate(runs), key=lambda item: -runs[item[1]][-1]):
        end = len(runs[name])
        ceiling[end] = min(runs[name][-1], ceiling.get(end, np.inf) - gap)
        yield name, palette.curve(i), ceiling[end]


def lines(
    runs: Mapping[str, Sequence[float]],
    x: Sequence[float],
    *,
    title: str = "",
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Curves over one axis, each with its own dash and marker, named at the line's end.

    Args:
        runs: name → values at `x`.
        x: where they lie.
        title: the finding.
        xlabel: what runs to the right, with its unit.
        ylabel: what runs up, with its unit.
    """
    figure = sheet(2.6, title)
    with style():
        ax = figure.subplots()
        low, high = (f(map(f, runs.values())) for f in (min, max))
        at = {"xytext": (7, 0), "textcoords": "offset points", "va": "center"}
        for name, (colour, dash, marker), y in _ends(runs, gap=0.09 * (high - low)):
            ax.plot(x, runs[name], color=colour, ls=dash, lw=1.7, marker=marker, ms=4)
            ax.annotate(name, (x[-1], y), color=colour, weight="bold", **at)
        # of few points the axis says where each one lies
        ax.set(xlabel=xlabel, ylabel=ylabel, **({"xticks": x} if len(x) < 8 else {}))
        ax.margins(x=0.03)
        ax.grid(axis="y", lw=0.5)
    return figure
