"""A prompt's two Gaussians drawn where they live: q_h above the photo, q_v beside it."""

from collections.abc import Sequence

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
        ax.imshow(overlay(image, prompts=prompts), aspect="auto")
        ax.set(xlabel="x (pixels)", ylabel="y (pixels)")
        top = figure.add_subplot(grid[0, 0], sharex=ax)
        side = figure.add_subplot(grid[1, 1], sharey=ax)
        for i, prompt in enumerate(prompts):
            line = {
                "color": palette.of_sign(prompt.positive),
                "ls": palette.DASHES[i % len(palette.DASHES)],
                "lw": 1.5,
            }
            top.plot(_axis(q_h[i], width), q_h[i], **line)
            side.plot(q_v[i], _axis(q_v[i], height), **line)
        top.set(ylim=(0, 1.08), yticks=(0, 1), ylabel="q_h")
        side.set(xlim=(0, 1.08), xticks=(0, 1), xlabel="q_v")
        top.tick_params(labelbottom=False)
        side.tick_params(labelleft=False)
    return figure


def _axis(q: np.ndarray, length: int) -> np.ndarray:
    """Where the vector's entries lie on the photo."""
    return rescale(np.arange(len(q)), len(q), length)
