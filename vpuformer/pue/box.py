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
        return quasi_gaussian(d_s, config.sigma, config.cut).where(cells < w[:, None], 0.0)
    reach = (w / 2).clamp(min=0.5)[:, None]
    near = d_s.clamp(max=reach)  # farther away exp would underflow, ten times slower
    inside = d_s.eq_(near)  # 0 or 1
    if config.box == "plateau":
        return inside
    return quasi_gaussian(near, (w / 6).clamp(min=1.0)[:, None]).mul_(inside)
