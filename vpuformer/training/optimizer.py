"""The optimiser, its rate over a run, and the moving average of the weights."""

import math

import torch
from torch import Tensor, nn

from vpuformer.model import VPUFormer
from vpuformer.training.recipes import Recipe


def make_optimizer(model: VPUFormer, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over four groups: encoder or head, decayed (matrices) or not (norms and biases)."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            scale = recipe.encoder_lr_scale if name.startswith("encoder.") else 1.0
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((scale, decay), []).append(parameter)
    told = [{"params": p, "scale": s, "weight_decay": d} for (s, d), p in groups.items()]
    return torch.optim.AdamW(told, lr=recipe.lr, betas=recipe.betas)


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate of the head at a step: a linear warm-up, then `recipe.schedule`.

    "cosine" falls from `lr` to a hundredth of it; "step" is `lr`, tenfold lower after each share
    of the run in `recipe.drops`.
    """
    if step < recipe.warmup:
        return recipe.lr * (step + 1) / recipe.warmup
    if recipe.schedule == "step":
        return recipe.lr * 0.1 ** sum(step >= share * recipe.steps for share in recipe.drops)
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """ema <- d ema + (1 - d) model, with d rising to `decay` over the first steps."""
    d = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_([*ema.parameters()], [*model.parameters()], 1 - d)  # pyright: ignore
    for own, new in zip(ema.buffers(), model.buffers(), strict=True):  # statistics, counts
        own.copy_(new)
