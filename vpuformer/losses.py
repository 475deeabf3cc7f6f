"""What is trained: normalised focal loss, Dice and the prompt-to-pixel contrast (Eq. 16-18).

Every loss is a mean per sample; the mean over samples is the caller's.
"""

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from vpuformer.config import LossConfig
from vpuformer.pue import PromptBatch

Mask = Float[Tensor, "B 1 H W"]
Regions = Float[Tensor, "B N H W"]
Loss = Float[Tensor, " B"]  # one value per sample
FLOOR = 1e-12  # of a probability inside a logarithm


@runtime_checkable
class Answer(Protocol):
    """What a model's decoder returns, as far as losses look: logits, and rho or None."""

    logits: Tensor
    rho: Tensor | None


def normalized_focal_loss(
    logits: Mask,
    target: Mask,
    valid: Mask | None = None,
    alpha: float = 0.5,
    gamma: float = 2.0,
    scale: Float[Tensor, "B 1 1 1"] | None = None,
) -> Loss:
    """Focal loss whose weights are normalised to a mean of one over the picture.

    Sec. III-E (NFL). With p the probability of the right class and b = (1 - p)^gamma:
    sum(s alpha b m (-log p)) / sum(s), m = sum(s) / sum(s b) held constant (a stop-gradient);
    `scale` gives m from outside. `target` is 0 or 1, `valid` (s) 1 where a pixel counts. A sample
    without a pixel that counts gives 0.
    """
    signed = _precise(torch.where(target > 0.5, logits, -logits))
    s = torch.ones_like(signed) if valid is None else valid.to(signed.dtype)
    log_p = F.logsigmoid(signed).clamp(min=math.log(FLOOR))
    b = s * (-signed).sigmoid() ** gamma  # ignored pixels have p = 1
    count = s.sum((1, 2, 3), keepdim=True)
    if scale is None:
        scale = (count / (b.sum((1, 2, 3), keepdim=True) + FLOOR)).detach()
    return -(alpha * b * scale * log_p).sum((1, 2, 3)) / count.flatten().clamp(min=1.0)


def _precise(x: Tensor) -> Tensor:
    """Half precision widened to float32; float64 stays, so that gradients can be checked."""
    return x if x.dtype == torch.float64 else x.float()


def dice_loss(logits: Mask, target: Mask, valid: Mask | None = None) -> Loss:
    """1 - (2 sum(p y) + e) / (sum(p) + sum(y) + e) over the pixels that count, e = 0.001.

    Sec. III-E (Dice).
    """
    p = _precise(logits).sigmoid()
    y = target.to(p.dtype)
    if valid is not None:
        p, y = p * valid, y * valid
    both, total = (p * y).sum((1, 2, 3)), (p + y).sum((1, 2, 3))
    return 1 - (2 * both + 1e-3) / (total + 1e-3)


def pair_bce(rho: Tensor, Y: Tensor) -> Tensor:
    """Cross-entropy of each prompt-pixel pair.

    Eq. (16): -Y log rho - (1 - Y) log(1 - rho), rho kept in [1e-6, 1 - 1e-6].
    """
    rho = _precise(rho).clamp(1e-6, 1 - 1e-6)
    return -(Y * rho.log() + (1 - Y) * (1 - rho).log())


def p2cl(
    rho: Float[Tensor, "B N h w"],
    prompts: PromptBatch,
    target: Mask,
    valid: Mask | None = None,
    regions: Regions | None = None,
) -> Loss:
    """Pulls pixels of the object toward positive prompts, all others toward negative ones.

    Eq. (17): the mean of Eq. 16 over prompts and pixels. Reading R14: Y is the true mask for a
    positive prompt and its complement for a negative one; `regions` puts each prompt's own error
    region in its place. Labels are the share of a cell of rho's grid, of its pixels that count;
    padded prompts do not count, and without prompts the loss is 0.
    """
    size = (rho.shape[-2], rho.shape[-1])
    counted = torch.ones_like(target) if valid is None else valid.to(target.dtype)
    weight = F.adaptive_avg_pool2d(counted, size)  # B 1 h w
    marked = (target if regions is None else regions) * counted
    Y = F.adaptive_avg_pool2d(marked, size) / weight.clamp(min=1e-6)
    if regions is None:
        Y = torch.where(prompts.positive[..., None, None], Y, 1 - Y)
    weight = weight * prompts.valid[..., None, None]  # B N h w
    return (pair_bce(rho, Y) * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp(min=1e-6)


def total_loss(
    decoded: Answer,
    prompts: PromptBatch,
    target: Mask,
    valid: Mask | None = None,
    *,
    config: LossConfig,
    regions: Regions | None = None,
) -> tuple[Loss, dict[str, Loss]]:
    """The training loss of each sample, and its parts ("nfl", "dice", "p2cl").

    Eq. (18): NFL + Dice + lambda P2CL.
    """
    nfl = normalized_focal_loss(decoded.logits, target, valid, config.alpha, config.gamma)
    dice = dice_loss(decoded.logits, target, valid)
    loss, parts = nfl + config.dice * dice, {"nfl": nfl, "dice": dice}
    if config.p2cl and decoded.rho is not None:
        regions = regions if config.p2cl_target == "error" else None
        parts["p2cl"] = p2cl(decoded.rho, prompts, target, valid, regions)
        loss = loss + config.p2cl * parts["p2cl"]
    return loss, parts
