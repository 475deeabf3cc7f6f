"""From a prompt vector back to the plane it came from (Fig. 4, "restoration")."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vpuformer.prompts import Size
from vpuformer.pue.scribble import scribble_sigma

Kind = Literal["click", "box", "scribble"]


def restore(vector: Float[Tensor, "*N P"], size: Size, kind: Kind) -> Float[Tensor, "*N H W"]:
    """What a vector still says about the plane, 0..1, on its own grid `size` (H, W).

    Fig. 4. Clicks and boxes: the outer product q_v q_h^T, so a box keeps its extent. Scribbles:
    the curve won back by inverting Eq. 3, drawn one cell wide; exact for those encoded as "bbox"
    (Reading R6), of "fixed" ones the curve is another.
    """
    height, width = size
    q_h, q_v = vector[..., :width], vector[..., width : width + height]
    if kind == "scribble":
        return curve_map(q_h, q_v, size)
    return q_v[..., :, None] * q_h[..., None, :]  # *N H W


def invert_axis(q_h: Float[Tensor, "*N W"], q_v: Float[Tensor, "*N H"]) -> Float[Tensor, "*N W"]:
    """The y at which a scribble meets each column; nan where it meets none.

    Eq. 3 inverted: d = sigma sqrt(-2 ln q), y = top + d, where top and sigma (a third of the
    height, Reading R6) are read off the non-zero rows of q_v. Swap the arguments for rows.
    """
    rows, used = torch.arange(q_v.shape[-1], device=q_v.device, dtype=q_v.dtype), q_v > 0
    top = torch.where(used, rows, torch.inf).amin(-1, keepdim=True)
    bottom = torch.where(used, rows, -torch.inf).amax(-1, keepdim=True)
    d = scribble_sigma(bottom - top + 1) * (-2 * q_h.clamp(min=1e-30).log()).clamp(min=0).sqrt()
    return torch.where((q_h > 0) & used.any(-1, keepdim=True), top + d, torch.nan)


def restore_points(
    vector: Float[Tensor, " P"], size: tuple[int, int]
) -> tuple[Float[Tensor, "K 2"], Float[Tensor, "R 2"]]:
    """The points (x, y) of a scribble: one for each column, then one for each row it crosses.

    Fig. 4, scribble: the encoding read backwards.
    """
    height, width = size
    q_h, q_v = vector[:width], vector[width : width + height]
    y, x = invert_axis(q_h, q_v), invert_axis(q_v, q_h)
    columns, rows = (~y.isnan()).nonzero()[:, 0], (~x.isnan()).nonzero()[:, 0]
    down = torch.stack([columns.to(y.dtype), y[columns]], -1)
    return down, torch.stack([x[rows], rows.to(x.dtype)], -1)


def curve_map(
    q_h: Float[Tensor, "*N W"], q_v: Float[Tensor, "*N H"], size: tuple[int, int]
) -> Float[Tensor, "*N h w"]:
    """The restored curve of a scribble on a grid `size` that may be coarser than the vector's.

    Each point is a Gaussian one grid cell wide across its column (or row); the larger one wins.
    """
    across = _ridges(invert_axis(q_h, q_v), q_v.shape[-1], size[0], size[1])  # *N w h
    along = _ridges(invert_axis(q_v, q_h), q_h.shape[-1], size[1], size[0])  # *N h w
    return torch.maximum(across.transpose(-1, -2), along)


def _ridges(y: Tensor, span: int, cells: int, bins: int) -> Tensor:
    """For each of `bins` groups of columns: the ridge of their points over `cells` cells."""
    at = (torch.arange(cells, device=y.device, dtype=y.dtype) + 0.5) * (span / cells) - 0.5
    d = (at - y[..., :, None]) * (cells / span)  # *N W cells
    ridge = torch.exp(-(d.nan_to_num(nan=torch.inf) ** 2) / 2)
    flat = ridge.reshape(-1, *ridge.shape[-2:]).transpose(1, 2)  # K cells W
    pooled = torch.nn.functional.adaptive_max_pool1d(flat, bins).transpose(1, 2)
    return pooled.reshape(*y.shape[:-1], bins, cells)
