"""Notebook 06: prompts among their pixels in a plane, and a loss over steps and λ."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn import functional as F

from vpucourse.curves import sheet, style
from vpuformer.drawing import palette
from vpuformer.model import VPUFormer


def between_prompts(net: VPUFormer, ask: Callable[[VPUFormer], Any]) -> torch.Tensor:
    """ρ between the prompts themselves, `[B, N, N]` in 0..1, while `ask` asks the model."""
    seen: list[Any] = []
    handle = net.alignment.prompt.register_forward_hook(lambda _, __, out: seen.append(out))
    with torch.inference_mode():
        ask(net)
    handle.remove()
    z_q = F.normalize(seen[0].float(), dim=-1)  # B N C
    return (z_q @ z_q.transpose(1, 2) + 1) / 2


def plane(
    panels: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
    inside: torch.Tensor,
    title: str = "",
) -> Figure:
    """Pixels as points at (ρ to the first prompt, ρ to the second), the two prompts as stars.

    Args:
        panels: name → (ρ `[2, h, w]` of the pixels, ρ between the two prompts).
        inside: the object, bool `[h, w]`: discs; other pixels are crosses.
        title: the finding.
    """
    figure = sheet(2.5 if len(panels) > 2 else 3.1, title)
    with style():
        row = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for ax, (name, (rho, between)) in zip(row, panels.items(), strict=True):
            for where, colour, mark in (
                (~inside, palette.GREY, "x"),
                (inside, palette.CURVES[2], "o"),
            ):
                ax.scatter(*rho[:, where].numpy(), s=10, c=colour, marker=mark, lw=0.7)
            look = {"marker": "*", "s": 190, "edgecolor": palette.INK, "zorder": 3}
            ax.scatter(1, float(between), c=palette.POSITIVE, **look)
            ax.scatter(float(between), 1, c=palette.NEGATIVE, **look)
            ax.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1.1), xlabel="ρ, positive click")
            ax.set(aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
            ax.set_title(name, loc="left")
        row[0].set_ylabel("ρ, negative click")
    return figure


def surface(rows: Mapping[float, Sequence[float]], title: str, label: str) -> Figure:
    """Heights over training steps (to the right) and λ (upwards), between the runs by lines.

    Args:
        rows: λ → the height after each step.
        title: the finding.
        label: what the colours say.
    """
    lams, heights = sorted(rows), np.array([rows[lam] for lam in sorted(rows)])
    figure = sheet(2.9, title)
    with style():
        ax = figure.subplots()
        steps = np.arange(heights.shape[1])
        filled = ax.contourf(steps, lams, heights, levels=14, cmap=palette.MAP)
        ax.contour(steps, lams, heights, levels=7, colors=palette.PAPER, linewidths=0.5)
        ax.set(xlabel="training step", ylabel="λ of the run", yticks=lams)
        figure.colorbar(filled, label=label)
    return figure
