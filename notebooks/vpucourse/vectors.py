"""A prompt's two Gaussians drawn where they live: q_h above the photo, q_v beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vpuformer.drawing import palette
from vpuformer.drawing.curves import WIDTH, sheet, style
from vpuformer.drawing.overlay import overlay
from vpuformer.prompts import Prompt, rescale

BAND = 0.75  # inches for each vector


def beside_photo(
    image: np.ndarray,
    prompts: Sequence[Prompt],
    *,
    q_h: np.ndarray,
    q_v: np.ndarray,
    title: str = "",
) -> Figure:
    """The photo with its prompts, q_h along its top and q_v down its right side.

    Fig. 5's idea: the vector is drawn on the axis it describes.

    Args:
        image: uint8 RGB `[H, W, 3]`.
        prompts: in pixels of `image`.
        q_h: `[N, L]`, one row a prompt; entry i is stretched to the photo's width.
        q_v: `[N, L]`, likewise for the height.
        title: the finding.
    """
    height, width = image.shape[:2]
    photo = (WIDTH - 1.8) * height / width
    figure = sheet(photo + BAND + 0.75, title)
    with style():
        grid = figure.add_gridspec(
            2, 2, width_ratios=(WIDTH - 1.6, BAND), height_ratios=(BAND, photo)
        )
        ax = figure.add_subplot(grid[1, 0])
        fine = overlay(image, prompts=prompts, scale=max(1.0, 600 / width))
        edges = (-0.5, width - 0.5, height - 0.5, -0.5)
        ax.imshow(fine, aspect="auto", extent=edges)
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")
        top = figure.add_subplot(grid[0, 0], sharex=ax)
        side = figure.add_subplot(grid[1, 1], sharey=ax)
        for i, prompt in enumerate(prompts):
            line: Any = {"color": palette.of_sign(prompt.positive), "ls": palette.curve(i)[1]}
            top.plot(_axis(q_h[i], width), q_h[i], **line, lw=1.5)
            side.plot(q_v[i], _axis(q_v[i], height), **line, lw=1.5)
        top.set(ylim=(0, 1.08), yticks=(0, 1), ylabel="q_h")
        side.set(xlim=(0, 1.08), xticks=(0, 1), xlabel="q_v")
        top.tick_params(labelbottom=False)
        side.tick_params(labelleft=False)
    return figure


def _axis(q: np.ndarray, length: int) -> np.ndarray:
    """Where the vector's entries lie on the photo."""
    return rescale(np.arange(len(q)), len(q), length)


def stacked(
    columns: Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str = "",
    marks: float | None = None,
    xlabel: str = "x (pixels)",
) -> Figure:
    """Curves along one line of pixels, a step a pixel, stacked; one column a case.

    Args:
        columns: case → quantity → values along the line; all cases have the same quantities.
        title: the finding.
        marks: where the prompt lies, a thin line through all panels.
        xlabel: what runs to the right.
    """
    rows = list(next(iter(columns.values())))
    figure = sheet(0.75 + 0.72 * len(rows), title)
    with style():
        shape = (len(rows), len(columns))
        grid = figure.subplots(*shape, sharex=True, sharey="row", squeeze=False)
        for j, (case, values) in enumerate(columns.items()):
            for i, row in enumerate(rows):
                ax, line, colour = grid[i, j], values[row], palette.curve(i)[0]
                pale = palette.tint(colour, 0.25)
                if marks is not None:
                    ax.axvline(marks, color=palette.GREY, lw=0.8, ls=":")
                ax.fill_between(range(len(line)), line, color=pale, step="mid")
                ax.plot(line, color=colour, lw=1.4, drawstyle="steps-mid")
                ax.set(xlim=(0, len(line) - 1), ylabel=row if j == 0 else "")
                ax.margins(y=0.12)
            grid[0, j].set_title(case, loc="left")
            grid[-1, j].set_xlabel(xlabel)
        figure.align_ylabels(grid[:, 0])
    return figure


def bars(parts: Mapping[str, Mapping[str, np.ndarray]], *, title: str = "") -> Figure:
    """Whole prompt vectors as rows of coloured cells, dark where an entry is 1; Fig. 5's picture.

    Args:
        parts: name of the prompt → part of the vector ("q_h", "q_v", "q_b") → its entries.
        title: the finding.
    """
    first = next(iter(parts.values()))
    widths = [max(len(v), 0.11 * sum(map(len, first.values()))) for v in first.values()]
    figure = sheet(0.45 + 0.5 * len(parts) + 0.25 * bool(title), title)
    colours = [palette.PARTS["encoder"], palette.PARTS["dma"], palette.PARTS["decoder"]]
    with style():
        grid = figure.subplots(len(parts), len(first), width_ratios=widths, squeeze=False)
        for i, (name, vector) in enumerate(parts.items()):
            for j, (part, q) in enumerate(vector.items()):
                ax, ramp = grid[i, j], np.array(palette.rgb(colours[j]))
                cells = 255 + (0.72 * ramp - 255) * np.asarray(q, float)[None, :, None]
                ax.imshow(np.round(cells).astype(np.uint8), aspect="auto", interpolation="none")
                ticks = [0, len(q) - 1] if i == len(parts) - 1 else []
                ax.set(yticks=[], xticks=ticks, xticklabels=ticks)
                ax.spines[:].set_visible(True)
                if i == 0:
                    ax.set_title(f"{part}, {len(q)}", loc="left")
                if j == 0:
                    ax.set_ylabel(name, rotation=0, ha="right", va="center")
    return figure
