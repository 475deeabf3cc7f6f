"""The pictures of the course: one photo, one small scene; figures and controls on the page."""

import inspect
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vpucourse import curves
from vpucourse.curves import encoded
from vpuformer.drawing import palette
from vpuformer.errors import ConfigError
from vpuformer.prompts import Box, Click, Prompt, Scribble

# Drawn by hand around the cup of scikit-image's photo "coffee" (CC0), pixel centres, at 5 times
# its size: rim, body, handle and foot; the spoon is not the cup. x,y of each vertex.
CUP = (resources.files("vpucourse") / "cup.txt").read_text("utf-8")


def photo(name: str = "coffee") -> tuple[np.ndarray, np.ndarray]:
    """A public-domain photo that comes with scikit-image, and its reference mask.

    Returns:
        The image uint8 `[H, W, 3]` and the object bool `[H, W]`.
    """
    if name != "coffee":
        raise ConfigError(f'No reference for the photo {name!r}. Expected "coffee".')
    from skimage import data

    image = data.coffee()
    canvas = Image.new("1", (image.shape[1], image.shape[0]))
    corners = [float(number) for number in CUP.replace(",", " ").split()]
    ImageDraw.Draw(canvas).polygon(corners, fill=1)
    return image, np.asarray(canvas, bool)


TOY_SIZE = (96, 128)  # (H, W) of the toy scene
LEAF: dict[str, Prompt] = {
    "click": Click(88, 60),
    "box": Box.from_pixels(65, 45, 114, 75),
    "scribble": Scribble(((70, 67), (82, 62), (94, 56), (108, 50))),
}  # the same three gestures on the toy scene's leaf, in every notebook


def toy() -> tuple[np.ndarray, np.ndarray]:
    """The toy scene, "three coins and a leaf": a picture that the whole course works on.

    Returns:
        uint8 `[96, 128, 3]`, and labels uint8 `[96, 128]`: 0 ground, 1-3 coins, 4 the leaf.
    """
    y, x = np.indices(TOY_SIZE, float)
    rng = np.random.default_rng(4)
    noise = Image.fromarray(rng.normal(0, 7, (7, 9)).astype(np.float32))
    width_height = (TOY_SIZE[1], TOY_SIZE[0])
    cloud = np.asarray(noise.resize(width_height, Image.Resampling.BICUBIC))
    picture = np.array([196.0, 186.0, 170.0]) + cloud[..., None]
    labels = np.zeros(TOY_SIZE, np.uint8)
    coins = ((26, 26, 15, (176, 122, 74)), (50, 70, 17, (150, 150, 158)))
    coins += ((90, 21, 12, (206, 166, 82)),)
    for number, (cx, cy, radius, colour) in enumerate(coins, 1):
        u, v = (x - cx) / radius, (y - cy) / radius
        r = np.hypot(u, v)
        shade = (1 - 0.16 * (u + v)) * np.where((r > 0.74) & (r < 0.86), 0.78, 1.0)
        picture[r < 1] = (shade[..., None] * np.array(colour, float))[r < 1]
        labels[r < 1] = number
    u = ((x - 90) * 0.9 - (y - 59) * 0.44) / 28  # the leaf's axis runs up to the right
    v = ((x - 90) * 0.44 + (y - 59) * 0.9) / 28
    half = 0.5 * (1 - np.minimum(u**2, 1)) * (1 - 0.2 * u)
    leaf = (np.abs(v) < half) & (np.abs(u) < 1)
    shade = np.where(np.abs(v) < 0.05, 0.72, 1 + 0.08 * np.sign(np.sin(10 * (u + np.abs(v)))))
    picture[leaf] = (shade[..., None] * np.array([82.0, 128.0, 66.0]))[leaf]
    labels[leaf] = 4
    picture += rng.normal(0, 3, (*TOY_SIZE, 1))
    return picture.clip(0, 255).astype(np.uint8), labels


def bars(
    panels: dict[str, Sequence[float]], names: list[str], title: str, chosen: str | None = None
) -> Any:
    """A figure of horizontal bars, one panel a quantity, one bar a name; the chosen one in colour.

    Args:
        panels: what an axis says → a value for each of `names`.
        names: from the top.
        title: the finding.
        chosen: one of `names`; None colours all.
    """
    figure = curves.sheet(1.1 + 0.28 * len(names), title)
    colours = [palette.CURVES[0] if chosen in (None, name) else palette.GREY for name in names]
    with curves.style():
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (label, values) in zip(axes, panels.items(), strict=True):
            ax.barh(range(len(names)), values, color=colours)
            ax.set(xlabel=label, yticks=range(len(names)), yticklabels=names)
        axes[0].invert_yaxis()
    return figure


def table(values: Any, rows: list[str], columns: list[str], title: str = "") -> Any:
    """A figure of numbers from 0 to 1 in a table, each on its colour of the course's map.

    Args:
        values: `[rows, columns]`.
        rows: their names, from the top.
        columns: their names, from the left.
        title: the finding.
    """
    figure = curves.sheet(0.8 + 0.3 * len(rows), title)
    with curves.style():
        ax = figure.subplots()
        ax.imshow(values, cmap=palette.MAP, vmin=0, vmax=1, aspect="auto")
        for (y, x), value in np.ndenumerate(np.asarray(values)):
            ink = palette.INK if value > 0.5 else palette.PAPER
            ax.text(x, y, f"{value:.2f}", ha="center", va="center", color=ink)
        ax.set_xticks(range(len(columns)), columns)
        ax.set_yticks(range(len(rows)), rows)
        ax.tick_params(length=0)
        ax.xaxis.tick_top()
        ax.spines[:].set_visible(False)
    return figure


def chart(
    alt: str, runs: dict[str, Sequence[float]], x: Sequence[Any], title: str, **labels: Any
) -> None:
    """Display curves over one axis, and under them in words what they show.

    Args:
        alt: the words.
        runs: name → values at `x`.
        x: numbers, or names that stand at equal distances.
        title: the finding.
        labels: `xlabel` and `ylabel`.
    """
    named = any(isinstance(place, str) for place in x)
    figure = curves.lines(runs, range(len(x)) if named else x, title=title, **labels)
    if named:
        figure.axes[0].set_xticks(range(len(x)), x)
    show(figure, alt)


def on_checkers(rgba: np.ndarray, cell: int = 8) -> np.ndarray:
    """An RGBA cut-out uint8 `[H, W, 4]` on the grey chequered ground that means transparent."""
    rows, columns = np.indices(rgba.shape[:2]) // cell
    pair = np.array([palette.rgb(c) for c in palette.CHECKERS], np.float32)
    ground = pair[(rows + columns) % 2]
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.round(rgba[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)


def show(figure: Any, alt: str, keep: Path | str | None = None) -> None:
    """Display a figure as a small picture, and under it in words what it shows.

    Args:
        figure: of matplotlib.
        alt: the words, also for those who cannot see it.
        keep: a PNG file to write it to as well.
    """
    from IPython.display import Markdown, display

    kind, picture = encoded(figure)
    display({kind: picture, "text/plain": alt}, raw=True, metadata={kind: {"alt": alt}})
    display(Markdown(f"*{alt}*"))
    if keep is not None:
        Path(keep).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(keep)


def promise(what: str) -> None:
    """One line on a printed page: what a live page shows in this place. A live page has it."""
    from IPython.display import Markdown, display

    from vpuwidget.cells import running

    if not any(running()):
        display(Markdown(f"*Run it yourself, and {what} appear here.*"))


def explore(draw: Callable[..., Any], alt: str, **controls: Any) -> None:
    """A figure with controls under a live kernel; a printed page shows one line instead.

    The notebook's text says where the page shows a few of its states.

    Args:
        draw: takes a value for each control and returns a figure.
        alt: what the figure shows, in words.
        controls: as ipywidgets reads them: (1, 40) a slider, True a box to tick, a list a menu;
            and a tuple of more than three values a slider over just these.
    """
    from IPython.display import display
    from ipywidgets import SelectionSlider, interactive

    for name, values in controls.items():
        if isinstance(values, tuple) and len(values) > 3:
            default = inspect.signature(draw).parameters[name].default
            start = default if default in values else values[0]
            controls[name] = SelectionSlider(options=values, value=start)

    names = " and ".join(f"`{name}`" for name in controls)
    promise(f"controls for {names}")
    display(interactive(lambda **values: show(draw(**values), alt), **controls))
