"""The "you are here" strips of the mastheads: the road of Fig. 3, small, a lesson's part lit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, Ellipse, FancyBboxPatch, Polygon, Rectangle
from PIL import Image

from vpuformer.drawing import palette
from vpuformer.drawing.curves import style

WIDE, HIGH, DENSITY = 600, 96, 2  # px of a page; pixels of the file for each
COLOURS = 64  # in the file
Place = tuple[float, float, float, float]  # left, bottom, width, height
PHOTO, MASK, SCORE = (70, 51, 48, 36), (450, 29, 60, 46), (534, 29, 56, 46)
BOXES: dict[str, tuple[str, Place]] = {
    "encoder": ("encoder", (144, 55, 88, 28)),
    "pue": ("PuE", (144, 10, 88, 28)),
    "dma": ("DMA", (258, 32, 60, 30)),
    "decoder": ("decoder", (344, 32, 80, 30)),
}
ARROWS = (
    [(125, 69), (142, 69)],
    [(125, 24), (142, 24)],
    [(233, 69), (245, 69), (245, 54), (257, 54)],
    [(233, 24), (245, 24), (245, 40), (257, 40)],
    [(319, 47), (342, 47)],
    [(425, 47), (448, 47)],
    [(511, 47), (532, 47)],
)
WAY_BACK = [(562, 76), (562, 86), (384, 86), (384, 64)]
CELLS = ((8, 8, 20, 13), (29, 12, 15, 19), (10, 26, 17, 14), (33, 29, 18, 9))
NETWORK, MARKS = tuple(BOXES), ("click", "box", "scribble")


@dataclass(frozen=True, kw_only=True)
class Here:
    """Where a lesson stands: the parts that are lit, and the same in words."""

    lit: tuple[str, ...]
    words: str
    scene: str = "cup"  # in the photo: "cup" | "folder" | "slice"


PLACES = {
    "00": Here(
        lit=("photo", *MARKS, *NETWORK, "mask"), words="the whole road, from photo to mask"
    ),
    "01": Here(lit=(*MARKS, "score"), words="both ends, the prompts and the score"),
    "02": Here(lit=("click", "pue"), words="PuE, where a click becomes a vector"),
    "03": Here(lit=("box", "scribble", "pue"), words="PuE again, with a box and a scribble"),
    "04": Here(lit=("photo", "encoder"), words="the encoder, where the photo is read"),
    "05": Here(lit=("dma",), words="DMA, where the two branches meet"),
    "06": Here(lit=("decoder", "mask", "score"), words="the decoder, its mask, and its score"),
    "07": Here(
        lit=(*NETWORK, "score", "training"), words="the four parts, the score and the training"
    ),
    "08": Here(
        lit=("photo", *MARKS, *NETWORK, "mask", "score", "training"),
        words="the whole road, its score and its training, on real photos",
    ),
    "09": Here(
        lit=("pue", "dma", "score", "training"), words="PuE, DMA, the score and training"
    ),
    "10": Here(lit=("photo", *MARKS, "mask"), words="photo, prompts and mask, in your hands"),
    "11": Here(
        lit=("photo", *NETWORK, "training"),
        words="photos of yours, the four parts, and training",
        scene="folder",
    ),
    "12": Here(
        lit=("photo", "mask", "score"), words="foreign photos, mask and score", scene="slice"
    ),
}


def line(number: str) -> str:
    """The line of a masthead that shows the strip of a lesson."""
    return f"![You are here: {PLACES[number].words}.](here/{number}.png)"


def strip(number: str) -> Image.Image:
    """The strip of a lesson in few colours on opaque white, HIGH x WIDE times DENSITY pixels."""
    here = PLACES[number]
    figure = Figure(figsize=(WIDE / 100, HIGH / 100), dpi=100 * DENSITY)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDE), ylim=(0, HIGH))
    ax.axis("off")
    with style(), mpl.rc_context({"font.size": 8.6}):
        ax.add_patch(Rectangle((0, 0), WIDE, HIGH, fc=palette.PAPER, ec=palette.RULE, lw=1.4))
        for path in ARROWS:
            _arrow(ax, path, lit=False)
        _training(ax, lit="training" in here.lit)
        _photo(ax, here)
        _prompts(ax, here)
        for part in BOXES:
            _part(ax, part, lit=part in here.lit)
        _key(ax)
        _mask(ax, lit="mask" in here.lit)
        _score(ax, lit="score" in here.lit)
        canvas.draw()
    pixels = Image.fromarray(np.array(canvas.buffer_rgba())[..., :3])
    return pixels.quantize(COLOURS, dither=Image.Dither.NONE)


def _edge(lit: bool) -> str:
    return palette.INK if lit else palette.tint(palette.GREY, 0.55)


def _words(lit: bool, ha: str = "center") -> dict[str, Any]:
    ink, weight = (palette.INK, "bold") if lit else (palette.GREY, "normal")
    return {"va": "center_baseline", "ha": ha, "color": ink, "weight": weight}


def _arrow(ax: Axes, path: Sequence[tuple[float, float]], *, lit: bool) -> None:
    xs, ys = zip(*path, strict=True)
    look = {"color": _edge(lit), "lw": 1.3 if lit else 1.0}
    ax.plot(xs[:-1], ys[:-1], solid_capstyle="projecting", solid_joinstyle="miter", **look)
    head = {"arrowstyle": "-|>,head_width=0.16,head_length=0.32", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", path[-1], path[-2], arrowprops=head | look)


def _key(ax: Axes) -> None:
    """What the lit parts mean."""
    ax.text(305, 15.5, "bold", **_words(lit=True, ha="right"))
    ax.text(306, 15.5, ": you are here", **_words(lit=False, ha="left"))


def _training(ax: Axes, *, lit: bool) -> None:
    """What the score teaches goes back into the network."""
    _arrow(ax, WAY_BACK, lit=lit)
    gap = {"facecolor": palette.PAPER, "edgecolor": "none", "pad": 1.5}
    ax.text(473, 85.5, "training", bbox=gap, **_words(lit))


def _part(ax: Axes, part: str, *, lit: bool) -> None:
    name, (left, bottom, width, height) = BOXES[part]
    colour = palette.PARTS[part]
    box = FancyBboxPatch((left, bottom), width, height, "round,pad=0,rounding_size=5")
    box.set_facecolor(palette.tint(colour, 0.45) if lit else palette.PAPER)
    box.set(edgecolor=colour if lit else _edge(lit), linewidth=1.8 if lit else 0.9)
    ax.add_patch(box)
    ax.text(left + width / 2, bottom + height / 2 - 0.5, name, **_words(lit))


def _picture(ax: Axes, place: Place, *, lit: bool) -> None:
    left, bottom, width, height = place
    ground = palette.tint(palette.PARTS["encoder"], 0.2) if lit else palette.PAPER
    ax.add_patch(Rectangle((left, bottom), width, height, fc=ground, ec=_edge(lit), lw=1.0))


def _cup(ax: Axes, at: tuple[float, float], size: float, fill: str, edge: str) -> None:
    """A cup seen from the side, `size` px wide without its handle, around a point."""
    (x, y), k = at, size / 30
    for width, colour in ((4.4, edge), (2.2, fill)):
        ring = Arc((x + 12 * k, y + 1 * k), 17 * k, 15 * k, theta1=-100, theta2=95)
        ring.set(edgecolor=colour, linewidth=width * k)
        ax.add_patch(ring)
    side = [(-15, 10), (-13, -5), (-7, -14), (7, -14), (13, -5), (15, 10)]
    body = [(x + i * k, y + j * k) for i, j in side]
    ax.add_patch(Polygon(body, fc=fill, ec=edge, lw=1.0, joinstyle="round"))
    ax.add_patch(Ellipse((x, y + 10 * k), 30 * k, 8 * k, fc=palette.PAPER, ec=edge, lw=1.0))


def _photo(ax: Axes, here: Here) -> None:
    lit = "photo" in here.lit
    left, bottom, width, height = PHOTO
    if here.scene == "folder":  # more of them, behind
        for step in (5, 2.5):
            _picture(ax, (left + step, bottom + step, width, height), lit=lit)
    _picture(ax, PHOTO, lit=lit)
    if here.scene == "slice":
        for x, y, wide, high in CELLS:
            cell = Ellipse((left + x + 3, bottom + y - 2), wide, high, ec=_edge(lit), lw=1.0)
            cell.set_facecolor(palette.tint(palette.GREY, 0.5))
            ax.add_patch(cell)
    else:
        _cup(ax, (left + width / 2 - 2, bottom + height / 2), 23, palette.PAPER, _edge(lit))
    ax.text(34, bottom + height / 2 - 0.5, "photo", **_words(lit))


def _prompts(ax: Axes, here: Here) -> None:
    """A click, a box and a scribble."""
    lit = [mark in here.lit for mark in MARKS]
    click, box, scribble = (palette.POSITIVE if on else _edge(on) for on in lit)
    ax.add_patch(Circle((77, 24), 6.5, fc=click, ec="none"))
    plus = {"color": palette.PAPER, "lw": 1.3}
    ax.plot([73.5, 80.5], [24, 24], **plus)
    ax.plot([77, 77], [20.5, 27.5], **plus)
    ax.add_patch(Rectangle((88.5, 17.5), 13, 13, fc="none", ec=box, lw=1.5))
    x = np.linspace(0, 1, 40)
    wave = {"color": scribble, "lw": 1.7, "solid_capstyle": "round"}
    ax.plot(106.5 + 11 * x, 24 + 5.5 * np.sin(9.4 * x) * (1 - 0.2 * x), **wave)
    ax.text(34, 23.5, "prompts", **_words(any(lit)))


def _mask(ax: Axes, *, lit: bool) -> None:
    left, bottom, width, height = MASK
    _picture(ax, MASK, lit=False)
    fill = palette.MASK if lit else palette.PAPER
    _cup(ax, (left + width / 2 - 2, bottom + height / 2), 28, fill, _edge(lit))
    ax.text(left + width / 2, 16.5, "mask", **_words(lit))


def _score(ax: Axes, *, lit: bool) -> None:
    """Truth and mask, and what they share."""
    left, bottom, width, height = SCORE
    _picture(ax, SCORE, lit=False)
    x, y = left + width / 2, bottom + height / 2
    fill = palette.tint(palette.MASK, 0.8) if lit else palette.PAPER
    ax.add_patch(Circle((x + 5, y), 15, fc=fill, ec=_edge(lit), lw=1.0))
    ax.add_patch(Circle((x - 5, y), 15, fc="none", ec=_edge(lit), lw=1.2, ls=(0, (2.5, 1.5))))
    ax.text(x, 16.5, "score", **_words(lit))
