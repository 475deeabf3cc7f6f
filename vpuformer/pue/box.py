"""Boxes on one axis: a bell that fills the box and is exactly zero outside (Eq. 5)."""

import torch
from jaxtyping import Float
from torch import Tensor

from vpuformer.config import PueConfig
from vpuformer.pue.gaussian import quasi_gaussian, spatial_distance


def box_axis(
    cx: Float[Tensor, " K"], w: Float[Tensor, " K"], length: int, config: PueConfig
) -> Float[Tensor, "K L"]:
    """One axis of K box vectors, by centre and side in cells.

    Eq. (5): the distance is |x_i - x_0| inside the box and infinite outside. Reading R5: inside
    means |x_i - x_0| <= max(w/2, 1/2); "sixth" has sigma = max(w/6, 1) and so reads as 0.011 at
    the edges, "plateau" is 1 inside, "fixed" is the letter of the paper, range [0, w) included.
    """
    d_s = spatial_distance(cx, length)
    if config.box == "fixed":
        cells = torch.arange(length, device=cx.device, dtype=cx.dtype)
        inside = cells < w[:, None]
        q = quasi_gaussian(d_s, config.sigma, config.cut)
    else:
        inside = d_s <= (w / 2).clamp(min=0.5)[:, None]
        if config.box == "plateau":
            q = torch.ones_like(d_s)
        else:
            q = quasi_gaussian(d_s, (w / 6).clamp(min=1.0)[:, None])
    return torch.where(inside, q, torch.zeros_like(q))
