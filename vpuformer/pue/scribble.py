"""Scribbles on one axis: the curve's distance to its bounding box's top (or left) side."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vpuformer.config import PueConfig
from vpuformer.pue.gaussian import quasi_gaussian


def crossings(
    points: Float[Tensor, "K M 2"], length: int
) -> tuple[Int[Tensor, " T"], Float[Tensor, " T"]]:
    """Where the segments of strokes meet columns: k * length + column of each meeting, and its y.

    Algorithm 1, l. 1-3: the pool of candidate points. A column is asked at its centre, the first
    and last one at the stroke's own end, so that every column the stroke enters has a point.
    A vertex that repeats the one before it adds nothing, unless the whole stroke is one point.
    """
    ends = torch.cat([points, points[:, -1:]], 1)  # a lone vertex becomes a segment
    (xa, ya), (xb, yb) = ends[:, :-1].unbind(-1), ends[:, 1:].unbind(-1)  # K S
    left, right = torch.minimum(xa, xb), torch.maximum(xa, xb)
    low, high = left.amin(1, keepdim=True), right.amax(1, keepdim=True)  # K 1
    first = torch.where(left == low, torch.floor(left + 0.5), torch.ceil(left)).clamp(min=0)
    last = torch.where(right == high, torch.floor(right + 0.5), torch.floor(right))
    still = (xa == xb) & (ya == yb)  # a repeated vertex, as padding is
    counts = (last.clamp(max=length - 1) - first + 1).clamp(min=0).long()
    counts = (counts * (~still | still.all(1, keepdim=True))).flatten()
    owner = torch.arange(len(counts), device=xa.device).repeat_interleave(counts)  # T
    nth = torch.arange(len(owner), device=xa.device) - (counts.cumsum(0) - counts)[owner]
    column, stroke = first.flatten()[owner] + nth, owner // xa.shape[1]
    at = torch.minimum(torch.maximum(column, low[stroke, 0]), high[stroke, 0])
    xa, ya, xb, yb = (t.flatten()[owner] for t in (xa, ya, xb, yb))
    # a segment that runs along the column: its middle
    t = torch.where(xa == xb, 0.5, (at - xa) / torch.where(xa == xb, 1.0, xb - xa))
    return stroke * length + column.long(), ya + t * (yb - ya)


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
    where, y = crossings(points, width)
    is_on = (y >= -0.5) & (y < height - 0.5)  # what lies outside the picture says nothing
    where, y = where[is_on], y[is_on]
    count = where.bincount(minlength=len(points) * width)
    is_random = config.scribble_point == "random"
    rank = torch.rand(y.shape, generator=generator, device=y.device) if is_random else y
    drawn = y.new_full(count.shape, torch.inf).scatter_reduce(0, where, y, "amin")
    many = count >= (1 if is_random else 3)  # of one or two points the lower is the median
    crowd = many[where].nonzero()[:, 0]
    crowd = crowd[rank[crowd].argsort()]
    crowd, count = crowd[where[crowd].argsort(stable=True)], count[many]
    drawn[many] = y[crowd][count.cumsum(0) - count + (count - 1) // 2]
    y = drawn.unflatten(0, (-1, width))  # K L
    lowest, highest = points[..., 1].amin(1), points[..., 1].amax(1)  # K
    top = torch.floor(lowest + 0.5).clamp(0, height - 1)[:, None]
    bottom = torch.floor(highest + 0.5).clamp(0, height - 1)[:, None]
    d = torch.minimum(torch.maximum(y, top), bottom) - top
    fixed, own = (config.sigma, config.cut), (scribble_sigma(bottom - top + 1), None)
    return quasi_gaussian(d, *(fixed if config.scribble == "fixed" else own)).where(y.isfinite(), 0)


def scribble_sigma(side: Tensor) -> Tensor:
    """Sigma of a scribble whose bounding box has this many cells across: a third, at least 1.

    Reading R6.
    """
    return (side / 3).clamp(min=1.0)
