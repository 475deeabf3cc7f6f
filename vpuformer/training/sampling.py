"""Prompts simulated in batch on the device: error regions, distances, clicks, boxes, strokes.

Everything works on a grid of a quarter of the picture. Chance enters as uniform numbers drawn per
sample, so it depends on (seed, step, sample index) alone.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from vpuformer.pue import BOX, CLICK, SCRIBBLE, PromptBatch

STRIDE = 4
THRESHOLD = 0.49  # a probability above this is the object, as in evaluation
STROKE = 10  # vertices of a simulated stroke
DRAWS = 16 + 2 * STROKE  # uniform numbers one simulated prompt may use
Shares = tuple[float, float, float]  # relative frequency of clicks, boxes and scribbles


def uniforms(seed: int, step: int, indices: list[int], rounds: int, device) -> Tensor:
    """Uniform numbers for each sample and round, `[B, rounds, DRAWS]`, from (seed, step, index)."""
    keys = ((seed * 1_000_003 + step) * 1_000_003 + index for index in indices)
    chances = (torch.Generator().manual_seed(key % (2**63)) for key in keys)
    return torch.stack([torch.rand(rounds, DRAWS, generator=g) for g in chances]).to(device)


def distance_transform(mask: Bool[Tensor, "B h w"]) -> Float[Tensor, "B h w"]:
    """Exact Euclidean distance of each cell to the nearest cell outside the mask.

    The border counts as outside, as in RITM. Two passes of min-plus: down the columns by running
    maxima, then over all pairs of columns.
    """
    _, height, width = mask.shape
    rows = torch.arange(height, device=mask.device)[:, None]
    above = torch.where(mask, -1, rows).cummax(1).values  # last row outside; -1: the border
    flipped = torch.where(mask.flip(1), -1, rows).cummax(1).values
    below = height - 1 - flipped.flip(1)  # next row outside; height: the border
    gap = torch.minimum(rows - above, below - rows).float()  # B h w
    padded = F.pad(gap, (1, 1)) ** 2  # virtual columns outside
    x = torch.arange(width, device=mask.device, dtype=torch.float32)
    shift = (x[:, None] - (torch.arange(width + 2, device=mask.device) - 1.0)) ** 2  # w w+2
    return (padded[:, :, None] + shift).amin(-1).sqrt()


def choose(weights: Float[Tensor, "B L"], u: Float[Tensor, " B"]) -> Int[Tensor, " B"]:
    """One index per row, drawn in proportion to its weight (the last if all are 0)."""
    total = weights.double().cumsum(-1)
    at = torch.searchsorted(total, (u.double() * total[:, -1])[:, None], right=True)[:, 0]
    return at.clamp(max=weights.shape[1] - 1)


def flood(mask: Bool[Tensor, "B h w"], start: Int[Tensor, " B"]) -> Bool[Tensor, "B h w"]:
    """The 8-connected part of the mask that holds the start cell (given as a flat index).

    Each turn fills the runs along rows, then along columns, that it reaches, and grows by a cell.
    """
    inside, runs = mask.float()[:, None], (_runs(mask).flatten(), _runs(mask.mT).mT.flatten())
    region = torch.zeros_like(inside).flatten(1).scatter(1, start[:, None], 1.0)
    region, blank = region.view_as(inside) * inside, inside.new_zeros(mask.numel() + 1)
    for _ in range(mask[0].numel()):  # more turns than any part needs
        grown = region
        for run in runs:
            reached = blank.scatter_reduce(0, run, grown.flatten(), "amax")
            grown = reached[run].view_as(inside) * inside
        grown = F.max_pool2d(grown, 3, 1, 1) * inside
        if torch.equal(grown, region):
            break
        region = grown
    return region[:, 0] > 0


def _runs(mask: Bool[Tensor, "B h w"]) -> Int[Tensor, "B h w"]:
    """Cells next to each other in a row of the mask have one number, other runs others."""
    begins = mask & ~F.pad(mask, (1, 0))[..., :-1]
    return begins.flatten().cumsum(0).view_as(mask)


def _pooled(error: Tensor) -> tuple[Tensor, Tensor]:
    """Cells that are mostly error (the worst one if none is), and whether there is any at all."""
    share = F.avg_pool2d(error.float(), STRIDE)[:, 0]  # B h w
    cells, worst = share >= 0.5, (share == share.amax((1, 2), keepdim=True)) & (share > 0)
    cells = torch.where(cells.any((1, 2), keepdim=True), cells, worst)
    return cells, (share > 0).any((1, 2))


@dataclass(frozen=True)
class Error:
    """The error a prompt is to mend: its sign, its pixels, its cells and their depth."""

    positive: Bool[Tensor, " B"]
    exists: Bool[Tensor, " B"]
    pixels: Bool[Tensor, "B 1 H W"]
    cells: Bool[Tensor, "B h w"]
    depth: Float[Tensor, "B h w"]


def find_error(target: Tensor, prob: Tensor, valid: Tensor) -> Error:
    """The deeper of the missed and the surplus regions (ties: surplus), as the robot chooses."""
    pred, truth, counted = prob > THRESHOLD, target > 0.5, valid > 0.5
    return deeper(truth & ~pred & counted, ~truth & pred & counted)


def deeper(missed: Tensor, surplus: Tensor) -> Error:
    """The error with the larger maximum distance to its own edge."""
    (fn, any_fn), (fp, any_fp) = _pooled(missed), _pooled(surplus)
    depth = distance_transform(torch.cat([fn, fp]))
    d_fn, d_fp = depth.chunk(2)
    positive = torch.where(any_fn & any_fp, d_fn.amax((1, 2)) > d_fp.amax((1, 2)), any_fn)
    side = positive[:, None, None]
    pixels = torch.where(side[:, None], missed, surplus)
    cells, depth = torch.where(side, fn, fp), torch.where(side, d_fn, d_fp)
    return Error(positive, any_fn | any_fp, pixels, cells, depth)


def simulate(error: Error, u: Float[Tensor, "B U"], shares: Shares) -> PromptBatch:
    """One prompt per sample that points at its error; invalid where there is no error.

    Args:
        u: uniform numbers, at least `DRAWS` columns.
        shares: relative frequency of clicks, boxes and scribbles.
    """
    drawn = u[:, 0] * sum(shares)
    kind = (drawn >= shares[0]).long() + (drawn >= shares[0] + shares[1]).long()
    deep = error.depth * (error.depth > error.depth.amax((1, 2), keepdim=True) / 2)
    cell = choose((deep > 0).float().flatten(1), u[:, 1])
    xy = _pixel_in(error.pixels, cell, u[:, 2])  # B 2
    xywh, points = F.pad(xy, (0, 2)), xy[:, None].expand(-1, STROKE, -1)
    if (kind != CLICK).any():
        region = flood(error.cells, cell)
        box = _box(error.pixels, region, u[:, 3:7])
        stroke = _walk(region, error.depth, cell, u[:, 7:])
        low, high = stroke.amin(1), stroke.amax(1)
        bounds = torch.cat([(low + high) / 2, high - low], -1)
        is_box, is_stroke = (kind == BOX)[:, None], (kind == SCRIBBLE)[:, None]
        xywh = torch.where(is_box, box, torch.where(is_stroke, bounds, xywh))
        points = torch.where(is_stroke[..., None], stroke, xywh[:, None, :2].expand_as(stroke))
    columns = (kind, error.positive, error.exists, xywh, points)
    return PromptBatch(*(column[:, None] for column in columns))


def _pixel_in(pixels: Tensor, cell: Tensor, u: Tensor) -> Tensor:
    """A random error pixel of each chosen cell, as (x, y)."""
    blocks = F.pixel_unshuffle(pixels.float(), STRIDE).flatten(2)  # B 16 L
    width = pixels.shape[-1] // STRIDE
    inside = blocks.gather(2, cell[:, None, None].expand(-1, blocks.shape[1], 1))[..., 0]
    at = choose(inside, u)
    x, y = (cell % width) * STRIDE + at % STRIDE, (cell // width) * STRIDE + at // STRIDE
    return torch.stack([x, y], -1).float()


def _box(pixels: Tensor, region: Tensor, u: Tensor) -> Tensor:
    """The tight box of the region's error pixels, sides moved -2 % to 6 % outward."""
    near = F.max_pool2d(region.float()[:, None], 3, 1, 1)
    kept = ((F.interpolate(near, scale_factor=STRIDE) > 0) & pixels)[:, 0]  # B H W
    edges = []
    for dim, size in ((1, kept.shape[2]), (2, kept.shape[1])):
        used, at = kept.any(dim), torch.arange(size, device=kept.device).float()
        edges.append(torch.where(used, at, torch.inf).amin(1) - 0.5)
        edges.append(torch.where(used, at, -torch.inf).amax(1) + 0.5)
    x0, x1, y0, y1 = (e.nan_to_num(0, 1, 0) for e in edges)
    w, h = (x1 - x0).clamp(min=1), (y1 - y0).clamp(min=1)
    moved = u * 0.08 - 0.02
    x0, x1 = x0 - moved[:, 0] * w, x1 + moved[:, 1] * w
    y0, y1 = y0 - moved[:, 2] * h, y1 + moved[:, 3] * h
    w, h = (x1 - x0).clamp(min=1), (y1 - y0).clamp(min=1)
    return torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, w, h], -1)


def _walk(region: Tensor, depth: Tensor, start: Tensor, u: Tensor) -> Tensor:
    """A stroke `[B, S, 2]`: a walk with inertia that stays in the region, near its middle."""
    longest, width = 8, region.shape[-1]
    at = torch.stack([start % width, start // width], -1).float()
    stride = (region.flatten(1).sum(1).float().sqrt() * (0.06 + 0.16 * u[:, 0])).clamp(1, longest)
    worth = torch.where(region, depth.sqrt(), -torch.inf)
    around = longest + 1  # cells that no stroke enters
    worth = F.pad(worth, (around,) * 4, value=-torch.inf).flatten(1)  # B L
    row = torch.tensor([1, width + 2 * around], device=at.device)
    turns = torch.tensor([0.0, 0.6, -0.6, 1.3, -1.3], device=at.device)
    toll, sway = 0.3 * turns.abs(), u[:, 2 : 1 + STROKE, None] - 0.5
    path, heading = [at], u[:, 1:2] * 2 * torch.pi
    for each in sway.unbind(1):
        angle = heading + turns + each
        # five ways to go on, B 5 2
        there = at[:, None] + torch.stack([angle.cos(), angle.sin()], -1) * stride[:, None, None]
        cell = ((there.round().long() + around) * row).sum(-1)
        best, pick = (worth.gather(1, cell) - toll).max(1, keepdim=True)
        moved = best > -torch.inf
        at = torch.where(moved, torch.take_along_dim(there, pick[..., None], 1)[:, 0], at)
        heading = torch.where(moved, angle.gather(1, pick), heading + 2.0)
        path.append(at)
    return torch.stack(path, 1) * STRIDE + (STRIDE - 1) / 2


def first_prompts(
    target: Tensor, valid: Tensor, u: Float[Tensor, "B R U"], shares: Shares
) -> PromptBatch:
    """The prompts of round one: one, and in a fifth of the samples up to two more of either sign.

    Extra positives lie on the object, negatives on a ring around it, where RITM draws half of its.
    """
    error = find_error(target, torch.zeros_like(target), valid)
    batch, has_more = simulate(error, u[:, 0], shares), u[:, 0, -1] < 0.2
    if not has_more.any():
        return batch
    cells = F.max_pool2d(target, STRIDE)
    ring = F.max_pool2d(cells, 9, 1, 4) - F.max_pool2d(cells, 3, 1, 1)
    ring = F.interpolate(ring, scale_factor=STRIDE) > 0.5
    around = deeper(torch.zeros_like(ring), ring & (valid > 0.5))
    for r, extra in ((1, error), (2, around)):
        more = simulate(extra, u[:, r], (1.0, 0.0, 0.0))
        wanted = has_more & (u[:, r, -1] < 0.6)
        batch = batch.append(replace(more, valid=more.valid & wanted[:, None]))
    return batch
