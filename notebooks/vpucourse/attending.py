"""Notebook 05: what DMA saw on the way, and the checks."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from vpucourse.checking import checks
from vpucourse.report import run
from vpuformer.model import VPUFormer
from vpuformer.network.dma import DmaState
from vpuformer.prompts import Prompt


def states(model: VPUFormer, image: np.ndarray, prompts: Sequence[Prompt]) -> list[DmaState]:
    """The state of each DMA layer for one photo and its prompts, without a previous mask."""
    *_, found = run(model, image, prompts, model.dma)
    return found


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
def _other_phi(phi: Callable[[torch.Tensor], torch.Tensor], *, tokens: torch.Tensor) -> str:
    ours, yours = tokens.amax(-1).sigmoid(), phi(tokens)
    if yours.shape != ours.shape or not bool(((yours >= 0) & (yours <= 1)).all()):
        return f"Give {len(ours)} values in 0..1, one a pixel."
    spread = [float(g.quantile(0.95) - g.quantile(0.05)) for g in (ours, yours)]
    return "" if spread[1] > spread[0] else f"Spread {spread[1]:.4f}, to beat: {spread[0]:.4f}."
