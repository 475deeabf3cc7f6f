"""Crops cut, tinted and mixed on the device that trains on them."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from vpuformer.data.augmentation import Sample
from vpuformer.training.recipes import Recipe

NEAR = 1000  # positions among which another sample to mix with lies
Planes = UInt8[Tensor, "B 5 S S"]  # red, green, blue, the object asked for, void (0 or 255)
Mask = Float[Tensor, "B 1 S S"]


@runtime_checkable
class TrainingData(Protocol):
    """Samples by position: the same (seed, position, crop) always gives the same sample.

    Where there is a `choice`, a recipe's own takes its place.
    """

    def sample(self, seed: int, position: int, crop: int) -> Sample:
        """The sample at a position of the endless, seeded order."""
        ...


def cut(samples: Sequence[Sample], side: int, device: torch.device | str = "cpu") -> Planes:
    """The crops of samples, `side` pixels a side; black and nothing past a photo's edges.

    Bilinear. Photos differ in size, so each is laid out alone; all else is done to all at once.
    """
    centres = torch.arange(side, device=device) + 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    squares = torch.stack([x, y, torch.ones_like(x)])  # 3 S S
    laid = torch.stack([_laid_out(sample, squares) for sample in samples])
    looks = torch.from_numpy(np.stack([s.look for s in samples])).to(device)[..., None, None]
    saturation, contrast, gain, level = looks.split([1, 1, 3, 3], 1)
    grey = laid[:, :3].mean(1, keepdim=True)
    colours = grey + saturation * (laid[:, :3] - grey)
    middle = colours.mean((2, 3), keepdim=True).mean(1, keepdim=True)
    colours = (middle + contrast * (colours - middle)) * gain + level
    masks = 255 * (laid[:, 3:] > 127.5)
    return torch.cat([colours.round().clamp(0, 255).byte(), masks.byte()], 1)


def _laid_out(sample: Sample, squares: Tensor) -> Tensor:
    """The planes of a sample where its crop's pixels lie, `[5, S, S]`."""
    planes, place = (torch.from_numpy(a).to(squares.device) for a in (sample.planes, sample.place))
    size = torch.tensor(planes.shape[1::-1], device=squares.device)  # w h
    at = torch.einsum("ij,jyx->yxi", place, squares)
    inside = ((at >= 0) & (at <= size)).all(-1)
    how = {"padding_mode": "border", "align_corners": False}
    stacked, grid = planes.permute(2, 0, 1).float(), 2 * at / size - 1
    return F.grid_sample(stacked[None], grid[None], **how)[0] * inside


def cut_batch(
    data: TrainingData, recipe: Recipe, step: int, positions: list[int], device: torch.device | str
) -> tuple[UInt8[Tensor, "B 3 S S"], Mask, Mask]:
    """Pictures, objects asked for and pixels that count (0 or 1), of a step at some positions.

    Each is changed by samples behind it in three ways, each as often as `Choice.mixing` says (the
    authors' code has them from CFR-ICL). Its object alone is laid on another photo. Another one's
    object is laid on it, and hides a part of its object, joins it, or shines through. Another photo
    shines through all of it.
    """
    side, changes = recipe.crop_at(step), []
    for i, position in enumerate(positions):
        draws = np.random.default_rng([recipe.seed, position, 1]).random((3, 4))
        for way, (chance, near, alpha, how) in enumerate(draws.tolist()):
            if chance < recipe.choice.mixing:
                at = position + 1 + int(NEAR * near)
                changes.append((at, (i, way, (1 + alpha) / 2, int(3 * how))))
    asked = [*positions, *(position for position, _ in changes)]
    planes = cut([data.sample(recipe.seed, at, side) for at in asked], side, device)
    for (_, (i, *change)), other in zip(changes, planes[len(positions) :], strict=True):
        planes[i] = _mixed(planes[i], other, *change)
    images, target, void = planes[: len(positions)].split([3, 1, 1], 1)
    return images, (target > 0).float(), (void == 0).float()


def _mixed(one: Tensor, other: Tensor, way: int, alpha: float, how: int) -> Tensor:
    (image, asked, void), (back, rival, _) = (p.split([3, 1, 1]) for p in (one, other))
    if way != 1:  # of the other photo all is behind
        where = asked if way == 0 else torch.ones_like(asked)
        return torch.cat([_over(back, image, where, alpha), asked, void * (way > 0)])
    left = asked & ~rival
    if left.count_nonzero() <= 20:  # nothing of its object would be seen
        return one
    image = _over(image, back, rival, alpha if how == 2 else 1.0)
    return torch.cat([image, (left, asked | rival, asked)[how], void & ~rival])


def _over(below: Tensor, above: Tensor, where: Tensor, alpha: float) -> Tensor:
    """One picture on another where a mask says so."""
    return torch.where(where > 0, (alpha * above + (1 - alpha) * below).round().byte(), below)
