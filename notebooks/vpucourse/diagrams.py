"""Diagrams drawn by code, so that the sizes they show are those of a run."""

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from vpuformer.drawing import palette
from vpuformer.drawing.curves import WIDTH, sheet, style

HEIGHT = 3.55
Place = tuple[float, float, float, float]  # left, bottom, width, height
_PARTS = {  # name; left, bottom, width, height in inches
    "encoder": ("Image encoder", (1.42, 2.02, 1.32, 1.08)),
    "pue": ("PuE", (1.42, 0.3, 1.32, 1.08)),
    "dma": ("DMA", (3.08, 0.98, 1.25, 1.3)),
    "decoder": ("Decoder", (4.72, 1.12, 1.08, 1.52)),
}
_NOTE = """\
From round 2 on the last mask
joins the features. In training
P2CL pulls pixels to prompts."""


def pipeline(
    shapes: Mapping[str, str],
    photo: np.ndarray,
    answer: np.ndarray,
    *,
    title: str = "",
    here: Collection[str] = tuple(_PARTS),
) -> Figure:
    """The whole model from left to right, four coloured parts with the tensors' sizes.

    Fig. 3; the parts not named in `here` are paled.

    Args:
        shapes: what stands in each part, lines of text under the keys of `palette.PARTS`; also
            "image", "prompts" and "mask" under the pictures.
        photo: uint8 RGB `[H, W, 3]` with the prompts.
        answer: uint8 RGB, the photo with the mask.
        title: the finding.
        here: the parts this lesson is about.
    """
    figure, ax = _page(HEIGHT, title)
    with style():
        for part in _PARTS:
            _part(ax, part, shapes.get(part, ""), pale=part not in here)
        _picture(ax, photo, (0.08, 1.42), shapes.get("image", ""))
        ax.text(0.08, 0.84, shapes.get("prompts", ""), va="center", linespacing=1.4)
        _picture(ax, answer, (5.32, 0.12), shapes.get("mask", ""))
        for path in (
            [(1.1, 2.06), (1.24, 2.06), (1.24, 2.56), (1.4, 2.56)],
            [(1.1, 0.84), (1.4, 0.84)],
            [(2.76, 2.3), (2.9, 2.3), (2.9, 1.95), (3.06, 1.95)],
            [(2.76, 0.84), (2.9, 0.84), (2.9, 1.25), (3.06, 1.25)],
            [(2.76, 2.86), (4.52, 2.86), (4.52, 2.35), (4.7, 2.35)],
            [(4.35, 1.6), (4.7, 1.6)],
            [(5.82, 1.88), (6.0, 1.88), (6.0, 1.06)],
        ):
            _arrow(ax, path)
        ax.text(2.86, 2.92, "fine maps go round DMA", color=palette.GREY)
        ax.text(2.98, 0.36, _NOTE, color=palette.GREY, va="center", linespacing=1.35)
    return figure


def _page(height: float, title: str) -> tuple[Figure, Axes]:
    """An empty figure to draw on in inches."""
    figure = sheet(height, title)
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, height))
    ax.axis("off")
    return figure, ax


def _box(ax: Axes, place: Place, part: str, *, pale: bool = False, large: bool = False) -> None:
    """A box with round corners in the colour of one of the four parts."""
    left, bottom, width, height = place
    colour = palette.PARTS[part]
    fill, edge = (0.1, 0.4) if pale else (0.3, 1.0)
    shape = f"round,pad=0,rounding_size={0.08 if large else 0.06}"
    box = FancyBboxPatch((left, bottom), width, height, shape, lw=1.8 if large else 1.0)
    box.set(facecolor=palette.tint(colour, fill), edgecolor=palette.tint(colour, edge))
    ax.add_patch(box)


def _part(ax: Axes, part: str, text: str, *, pale: bool) -> None:
    name, place = _PARTS[part]
    _box(ax, place, part, pale=pale, large=True)
    left, bottom, width, height = place
    ink = palette.GREY if pale else palette.INK
    top, middle = bottom + height - 0.08, left + width / 2
    centre = bottom + (height - 0.26) / 2
    ax.text(middle, top, name, ha="center", va="top", weight="bold", color=ink)
    ax.text(middle, centre, text, ha="center", va="center", color=ink, linespacing=1.35)


def _picture(ax: Axes, image: np.ndarray, corner: tuple[float, float], text: str) -> None:
    """A picture one inch wide with a line of text above it."""
    x, y = corner
    tall = image.shape[0] / image.shape[1]
    ax.imshow(image, extent=(x, x + 1, y, y + tall), aspect="auto", interpolation="antialiased")
    ax.text(x, y + tall + 0.06, text, va="bottom", linespacing=1.3)
    ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))


def _arrow(ax: Axes, path: list[tuple[float, float]]) -> None:
    xs, ys = zip(*path, strict=True)
    ax.plot(xs[:-1], ys[:-1], color=palette.INK, lw=1.1, solid_capstyle="butt")
    head = {"arrowstyle": "-|>", "color": palette.INK, "lw": 1.1, "shrinkA": 0}
    ax.annotate("", path[-1], path[-2], arrowprops=head)


def two_ways(title: str = "") -> Figure:
    """Prompts painted into the picture, beside prompts that talk to it; Fig. 2's comparison.

    Args:
        title: the finding.
    """
    figure, ax = _page(2.1, title)
    with style():
        for left, name in ((0.1, "as maps: one stack"), (3.3, "as vectors: a conversation")):
            ax.text(left, 1.62, name, weight="bold", va="center")
        for left, low, wide, text, part in (
            (0.1, 0.95, 1.0, "image", "encoder"),
            (0.1, 0.3, 1.0, "prompt maps", "pue"),
            (1.6, 0.55, 1.2, "network", "encoder"),
            (3.3, 0.95, 1.0, "features", "encoder"),
            (3.3, 0.3, 1.0, "vectors", "pue"),
            (4.9, 0.55, 1.35, "both, changed\nby each other", "dma"),
        ):
            _box(ax, (left, low, wide, 0.42), part)
            ax.text(left + wide / 2, low + 0.21, text, ha="center", va="center")
        for path in (
            [(1.1, 1.16), (1.6, 0.86)],
            [(1.1, 0.51), (1.6, 0.68)],
            [(4.3, 1.16), (4.9, 0.86)],
            [(4.3, 0.51), (4.9, 0.68)],
            [(3.65, 0.95), (3.65, 0.72)],
            [(3.95, 0.72), (3.95, 0.95)],
        ):
            _arrow(ax, path)
    return figure
