"""Notebook 05: what DMA saw on the way, pictures of it, and the checks."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from vpucourse.checking import checks
from vpucourse.curves import sheet, style
from vpucourse.report import run
from vpuformer.drawing import palette
from vpuformer.model import VPUFormer
from vpuformer.network.dma import DmaState
from vpuformer.prompts import Prompt


def states(model: VPUFormer, image: np.ndarray, prompts: Sequence[Prompt]) -> list[DmaState]:
    """The state of each DMA layer for one photo and its prompts, without a previous mask."""
    *_, found = run(model, image, prompts, model.dma)
    return found


def owners(share: np.ndarray) -> np.ndarray:
    """A picture uint8 `[H, W, 3]` of shares 0..1: blue at 1, white at one half, vermillion at 0."""
    sides = [np.array(palette.rgb(c), float) for c in (palette.NEGATIVE, palette.POSITIVE)]
    colour = np.where(share[..., None] > 0.5, sides[1], sides[0])
    strength = np.abs(2 * share[..., None] - 1)
    return np.round(255 + (colour - 255) * strength).astype(np.uint8)


def histograms(columns: Mapping[str, Mapping[str, np.ndarray]], title: str) -> Figure:
    """How values in 0..1 are spread, in fortieths: one column a case, one row a quantity.

    Args:
        columns: case → quantity → its values; all cases have the same quantities.
        title: the finding.
    """
    rows = list(next(iter(columns.values())))
    figure = sheet(0.9 + 1.05 * len(rows), title)
    with style():
        grid = figure.subplots(
            len(rows), len(columns), sharex=True, sharey="row", squeeze=False
        )
        for j, (case, values) in enumerate(columns.items()):
            for i, row in enumerate(rows):
                weights = np.full(values[row].size, 100 / values[row].size)
                bins, colour = np.linspace(0, 1, 41), palette.CURVES[i]
                grid[i, j].hist(values[row].ravel(), bins, weights=weights, color=colour)
                grid[i, j].set(xlim=(0, 1), ylabel=f"% of {row}s" if j == 0 else "")
            grid[0, j].set_title(case, loc="left")
            grid[-1, j].set_xlabel("value of the gate (0 to 1)")
    return figure


@checks.add("05.P")
def _identical_rows(answer: str) -> str:
    wrong = "Equal queries give equal scores, whatever the keys are."
    return "" if answer == "equal" else wrong


@checks.add("05.B")
def _attention(by_hand: Callable[..., torch.Tensor]) -> str:
    generator = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(n, 8, generator=generator) for n in (3, 20, 20))
    whole = torch.nn.MultiheadAttention(8, 1, bias=False, batch_first=True)
    with torch.no_grad():
        whole.in_proj_weight.copy_(torch.eye(8).repeat(3, 1))
        whole.out_proj.weight.copy_(torch.eye(8))
        wanted = whole(q[None], k[None], v[None])[0][0]
    ours = by_hand(q, k, v)
    if ours.shape != wanted.shape:
        return f"Expected the shape {tuple(wanted.shape)}, got {tuple(ours.shape)}."
    gap = float((ours - wanted).abs().max())
    return "" if gap < 1e-5 else f"Off by up to {gap:.3f}. Is the scale 1 / sqrt(8)?"


@checks.add("05.E")
def _other_phi(
    phi: Callable[[torch.Tensor], torch.Tensor],
    *,
    tokens: torch.Tensor,
    trial: Callable[..., float],
    beat: float,
) -> str:
    found = phi(tokens)
    if found.shape != tokens.shape[:2] or not bool(((found >= 0) & (found <= 1)).all()):
        return f"Give {tokens.shape[1]} values in 0..1 for each picture, one a place."
    if found.shape[1] > 1 and float(found.std(1).max()) < 1e-6:
        return "A gate of one value for all places weighs none. Let it depend on the tokens."
    noc = trial(phi)
    return "" if noc < beat else f"NoC@90 {noc:.2f}, to beat: {beat:.2f}."
