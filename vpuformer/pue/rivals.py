"""Table IV's rivals of PuE: the distance map as a vector, and vectors that are learned."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

Kinds = Int[Tensor, "B N"]
Boxes = Float[Tensor, "B N 4"]
Strokes = Float[Tensor, "B N M 2"]
Vectors = Float[Tensor, "B N P"]
CLICK, BOX = 0, 1  # as in PromptBatch; 2 is a scribble
STEP = 16  # cells of the prompt grid per cell of a distance map's side
SAMPLES = 64  # points of a stroke that a learned vector looks up


def distances(
    kind: Kinds, xywh: Boxes, points: Strokes, at: Float[Tensor, "h w 2"]
) -> Float[Tensor, "B N h w"]:
    """How far every place (x, y) is from a prompt: a click, a box's outline or a stroke."""
    offset = (at - xywh[:, :, None, None, :2]).abs()  # B N h w 2
    over = offset - xywh[:, :, None, None, 2:] / 2
    outline = over.clamp(min=0).norm(dim=-1) + over.amax(-1).clamp(max=0).abs()
    a, b = points[:, :, :-1], points[:, :, 1:]  # B N S 2
    run = (b - a)[:, :, None, None]
    t = ((at[None, None, :, :, None] - a[:, :, None, None]) * run).sum(-1)
    t = (t / run.square().sum(-1).clamp(min=1e-6)).clamp(0, 1)
    gap = at[None, None, :, :, None] - a[:, :, None, None] - t[..., None] * run
    click = offset.norm(dim=-1)
    line = gap.norm(dim=-1).amin(-1) if a.shape[2] else click
    what = kind[..., None, None]
    return torch.where(what == CLICK, click, torch.where(what == BOX, outline, line))


def cell_centres(grid: tuple[int, int], step: tuple[float, float]) -> Float[Tensor, "h w 2"]:
    """(x, y) of the centres of a grid (H, W) whose cells are `step` (y, x) pixels wide."""
    y = (torch.arange(grid[0]) + 0.5) * step[0] - 0.5
    x = (torch.arange(grid[1]) + 0.5) * step[1] - 0.5
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)


def distance_vector(kind: Kinds, xywh: Boxes, points: Strokes, length: int) -> Vectors:
    """The prompt's distance map at 1/16 of the prompt grid, row by row, as one vector.

    Table IV, "distance map". In units of the grid's side, cut at 1. Paper: how the map becomes a
    vector is not said.
    """
    at = cell_centres((length // STEP, length // STEP), (STEP, STEP)).to(xywh)
    return (distances(kind, xywh, points, at) / length).clamp(max=1).flatten(2)


def learned_vector(kind: Kinds, xywh: Boxes, points: Strokes, length: int) -> Vectors:
    """Which rows of learnable tables a prompt takes, as weights: columns, rows, then its kind.

    Table IV, "learned vector": the linear layer behind it holds one free embedding for every
    column, row and kind. A click takes its own column and row, a box those of its four sides, a
    stroke the mean over its points. Paper: the form of the embedding is not said.
    """
    half, centre = xywh[:, :, None, 2:] / 2, xywh[:, :, None, :2]
    corners = torch.cat([centre - half, centre + half], 2)  # B N 2 2
    b, n, m, _ = points.shape
    flat = points.reshape(b * n, m, 2).transpose(1, 2)
    stroke = F.interpolate(flat, SAMPLES, mode="linear", align_corners=True)
    stroke = stroke.transpose(1, 2).reshape(b, n, SAMPLES, 2)
    what, tables = kind[..., None], []
    for axis in (0, 1):
        click, box, line = (_share(spots[..., axis], length) for spots in (centre, corners, stroke))
        tables.append(torch.where(what == CLICK, click, torch.where(what == BOX, box, line)))
    return torch.cat([*tables, F.one_hot(kind, 3).to(xywh.dtype)], -1)


def _share(spots: Float[Tensor, "B N S"], length: int) -> Float[Tensor, "B N L"]:
    """How much of the spots lies in each cell of an axis; sums to 1."""
    cells = torch.floor(spots + 0.5).long().clamp(0, length - 1)
    empty = torch.zeros(*cells.shape[:2], length, device=spots.device, dtype=spots.dtype)
    return empty.scatter_add(-1, cells, torch.full_like(spots, 1 / spots.shape[-1]))
