"""A training conversation: encode once, prompt several times, learn from the answers."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from vpuformer.losses import total_loss
from vpuformer.model import VPUFormer
from vpuformer.pue import PromptBatch
from vpuformer.training.recipes import Recipe
from vpuformer.training.sampling import find_error, first_prompts, simulate


class Rounds(nn.Module):
    """Several rounds of prompting on one batch, as the robot would do it, with losses on some.

    Sec. IV-B, iterative sampling. Each round's prompt points at the error that is left; the
    previous mask is detached and now and then withheld.
    """

    def __init__(self, model: VPUFormer, recipe: Recipe) -> None:
        super().__init__()
        self.model, self.recipe = model, recipe
        self.last: tuple[PromptBatch, Tensor] | None = None  # prompts and answers of the last batch

    def forward(
        self,
        images: UInt8[Tensor, "B 3 H W"],
        target: Float[Tensor, "B 1 H W"],
        valid: Float[Tensor, "B 1 H W"],
        u: Float[Tensor, "B R U"],
        weights: Float[Tensor, " N"],
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted loss over rounds, its mean over samples; its parts per round (detached).

        A round of weight 0 only carries the conversation on and costs no gradient.
        """
        recipe, model = self.recipe, self.model
        early = model.config.fusion == "early"
        pictures = (images.float() / 255).contiguous(memory_format=torch.channels_last)
        features = None if early else model.encode_image(pictures)
        prev, parts, loss = torch.zeros_like(target), {}, 0.0
        prompts = first_prompts(target, valid, u, recipe.shares)
        regions = torch.where(prompts.positive[..., None, None], target, 1 - target)  # B N H W
        for r, weight in enumerate(weights.tolist()):
            if r:
                draws = _same_kind(u[:, 2 + r], u[:, 0], recipe.same_kind)
                error = find_error(target, prev, valid)
                prompts = prompts.append(simulate(error, draws, recipe.shares))
                regions = torch.cat([regions, error.pixels], 1)  # Reading R14, "error"
            shown = prev * (u[:, 2 + r, -2] >= recipe.drop_prev)[:, None, None, None]
            with torch.set_grad_enabled(weight > 0):
                if early:
                    features = model.encode_image(pictures, shown, prompts)
                answer = model.decode(features, prompts, shown, details=recipe.loss.p2cl > 0)
            if weight:
                how = {"config": recipe.loss, "regions": regions}
                losses, named = total_loss(answer, prompts, target, valid, **how)
                loss = loss + weight * losses.mean()
                parts |= {f"{k}{r + 1}": v.detach().mean() for k, v in named.items()}
            prev = answer.logits.detach().sigmoid()
            parts[f"iou{r + 1}"] = _iou(prev, target, valid)
        self.last = prompts, prev
        return loss, parts  # pyright: ignore[reportReturnType]


def _same_kind(u: Tensor, first: Tensor, share: float) -> Tensor:
    """Draws whose prompt is, this often, of the kind that the sample began with."""
    return torch.cat([torch.where(u[:, -3:-2] < share, first[:, :1], u[:, :1]), u[:, 1:]], 1)


def _iou(prob: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    pred, truth = (prob > 0.49) & (valid > 0), (target > 0) & (valid > 0)
    both, union = (pred & truth).sum((1, 2, 3)), (pred | truth).sum((1, 2, 3))
    return torch.where(union > 0, both / union.clamp(min=1), 1.0).mean()


def round_weights(recipe: Recipe, step: int) -> Float[Tensor, " N"]:
    """What each round of a step counts, summing to 1; 0 for rounds without a loss.

    How many rounds there are (from `recipe.fewest` on) and which `recipe.graded` of them have a
    loss is drawn from (seed, step), the same on every rank.
    """
    rng = np.random.default_rng((recipe.seed, step))
    drawn, count = rng.permutation(recipe.rounds), recipe.rounds
    if recipe.fewest:
        count = int(rng.integers(recipe.fewest, recipe.rounds + 1))
    own, weights = np.asarray(recipe.round_weights), np.zeros(count, np.float32)
    drawn = drawn[(drawn < count) & (own[drawn] > 0)][: recipe.graded]
    weights[drawn] = own[drawn]
    return torch.from_numpy(weights / weights.sum())
