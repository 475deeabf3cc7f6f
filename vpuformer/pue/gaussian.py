"""Clicks on one axis: distances and the Quasi-Gaussian (Eq. 1-3)."""

from math import log

import torch
from jaxtyping import Float
from torch import Tensor

from vpuformer.config import PueConfig


def spatial_distance(x0: Float[Tensor, " K"], length: int) -> Float[Tensor, "K L"]:
    """Distance of every cell of an axis to the prompt's coordinate, in cells.

    Eq. (1): d_s = |x_i - x_0|.
    """
    return (torch.arange(length, device=x0.device, dtype=x0.dtype) - x0[:, None]).abs_()  # K L


def visual_distance(line: Float[Tensor, "K L C"], at: Float[Tensor, " K"]) -> Float[Tensor, "K L"]:
    """Difference of every pixel on a row (or column) to the prompt's pixel, in grey levels.

    Eq. (2): d_v = |p_i - p_0|. Reading R1: L2 over the channels, values 0-255.
    """
    index = at.round().long().clamp(0, line.shape[1] - 1)
    own = line[torch.arange(len(index), device=line.device), index]  # K C
    return (line - own[:, None]).norm(dim=-1)


def quasi_gaussian(d: Tensor, sigma: Tensor | float, cut: float | None = None) -> Tensor:
    """A Gaussian of a distance, cut to zero beyond `cut` sigmas (None: never cut).

    Eq. (3): q = exp(-d^2 / 2 sigma^2) where d <= cut * sigma, else 0; the paper's cut is 1
    (Reading R3).
    """
    near = d if cut is None else d.clamp(max=cut * sigma)  # far away it would underflow: slow
    q = (near * near).mul_(-0.5 / log(2) / sigma**2).exp2_()  # twice as fast as exp
    return q if cut is None else q.where(d <= cut * sigma, 0.0)


def click_axis(
    x0: Float[Tensor, " K"],
    length: int,
    config: PueConfig,
    line: Float[Tensor, "K L C"] | None = None,
) -> Float[Tensor, "K L"]:
    """One axis of K click vectors: 1 at the click's own cell, falling off on both sides.

    Sec. III-B, click encoding. `x0` is rounded to its cell. `line` holds the pixels (0-255) of the
    row or column through the click, needed when `config.visual` is not "none".
    """
    x0 = torch.floor(x0 + 0.5).clamp(0, length - 1)
    every = spatial_distance(x0.new_tensor([length - 1]), 2 * length - 1)[0]
    bell = quasi_gaussian(every, config.sigma, config.cut)  # of which each click sees a part
    near = bell.unfold(0, length, 1).index_select(0, length - 1 - x0.long())
    if config.visual == "none" or line is None:
        return near
    d_v = visual_distance(line, x0)
    if config.visual == "product":  # Reading R2: literal, near or similar
        return quasi_gaussian(spatial_distance(x0, length) * d_v, config.sigma, config.cut)
    return near * quasi_gaussian(d_v, config.visual_sigma)  # Reading R2: near and similar
