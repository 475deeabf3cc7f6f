"""Scribbles on one axis: the curve's distance to its bounding box's top (or left) side."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vpuformer.config import PueConfig
from vpuformer.pue.gaussian import quasi_gaussian


def crossings(
    points: Float[Tensor, "K M 2"], length: int
) -> tuple[Float[Tensor, "K L S"], Bool[Tensor, "K L S"]]:
    """Where each segment of a stroke meets each column: y, and whether it meets it at all.

    Algorithm 1, l. 1-3: the pool of candidate points. A column is asked at its centre, the first
    and last one at the stroke's own end, so that every column the stroke enters has a point.
    A vertex that repeats the one before it adds nothing, unless the whole stroke is one point.
    """
    ends = torch.cat([points, points[:, -1:]], 1)  # a lone vertex becomes a segment
    (xa, ya), (xb, yb) = ends[:, :-1].unbind(-1), ends[:, 1:].unbind(-1)  # K S
    x = points[..., 0]
    low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)  # K 1
    cells = torch.arange(length, device=x.device, dtype=x.dtype)
    at = torch.minimum(torch.maximum(cells[None], low), high)[..., None]  # K L 1
    meets = (at >= torch.minimum(xa, xb)[:, None]) & (at <= torch.maximum(xa, xb)[:, None])
    crossed = (cells >= torch.floor(low + 0.5)) & (cells <= torch.floor(high + 0.5))  # K L
    run = (xb - xa)[:, None]
    flat = run == 0  # the segment runs along the column: take its middle
    still = flat[:, 0] & (ya == yb)  # K S: a repeated vertex, as padding is
    meets &= (~still | still.all(1, keepdim=True))[:, None]
    t = torch.where(flat, 0.5, (at - xa[:, None]) / torch.where(flat, 1.0, run))
    y = ya[:, None] + t * (yb - ya)[:, None]  # K L S
    return y, meets & crossed[..., None]


def scribble_axis(
    points: Float[Tensor, "K M 2"],
    size: tuple[int, int],
    config: PueConfig,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "K L"]:
    """q_h of K scribbles on a grid `size` (H, W); swap x and y (and H, W) to get q_v.

    Eq. (6): d_i = |y_i - y_top|, the distance of the stroke's point in column i to the top of its
    bounding box; Algorithm 1, l. 4-11, picks that point. Columns without a point are 0.
    Reading R6: "bbox" has sigma = max(h_0 / 3, 1) and no cut, so that the stroke can be restored;
    "fixed" is literal. Reading R7: the median point of the column, nothing is removed; "random"
    draws one with the generator.
    """
    height, width = size
    y, meets = crossings(points, width)
    if config.scribble_point == "random":
        noise = torch.rand(y.shape, generator=generator, device=y.device)
        pick = torch.where(meets, noise, -1.0).argmax(-1, keepdim=True)
        y = y.gather(-1, pick)[..., 0]  # K L
    else:
        y = torch.where(meets, y, torch.nan).nanmedian(-1).values  # K L
    found = meets.any(-1) & (y >= -0.5) & (y < height - 0.5)
    lowest, highest = points[..., 1].amin(1), points[..., 1].amax(1)  # K
    top = torch.floor(lowest + 0.5).clamp(0, height - 1)[:, None]
    bottom = torch.floor(highest + 0.5).clamp(0, height - 1)[:, None]
    d = torch.minimum(torch.maximum(y.nan_to_num(), top), bottom) - top
    if config.scribble == "fixed":
        q = quasi_gaussian(d, config.sigma, config.cut)
    else:
        q = quasi_gaussian(d, scribble_sigma(bottom - top + 1))
    return torch.where(found, q, torch.zeros_like(q))


def scribble_sigma(side: Tensor) -> Tensor:
    """Sigma of a scribble whose bounding box has this many cells across: a third, at least 1.

    Reading R6.
    """
    return (side / 3).clamp(min=1.0)
