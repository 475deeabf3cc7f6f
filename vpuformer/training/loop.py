"""The training loop: encode once, prompt three times, learn from each answer."""

import copy
import json
import logging
import math
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from vpuformer.config import from_json, to_json
from vpuformer.data.augmentation import Sample
from vpuformer.errors import CheckpointError, ConfigError
from vpuformer.model import VPUFormer
from vpuformer.training.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from vpuformer.training.recipes import Recipe
from vpuformer.training.rounds import Rounds, round_weights
from vpuformer.training.sampling import uniforms

log = logging.getLogger("vpuformer.training")


@runtime_checkable
class TrainingData(Protocol):
    """Samples by position: the same (seed, position, crop) always gives the same sample."""

    def sample(self, seed: int, position: int, crop: int) -> Sample:
        """The sample at a position of the endless, seeded order."""
        ...


@dataclass(frozen=True, slots=True)
class FitResult:
    """The trained model (EMA weights, eval mode) and one record per logged step."""

    model: VPUFormer
    history: list[dict[str, Any]]


def fit(
    model: VPUFormer,
    data: TrainingData,
    recipe: Recipe,
    out_dir: str | Path,
    resume: bool = True,
) -> FitResult:
    """Train a model, writing `log.jsonl` and resumable checkpoints into `out_dir`.

    The same (model, data, recipe) gives the same losses on the CPU, killed and resumed or not.
    Under `torchrun` the ranks share each batch: the same samples, the same mean gradient.

    Raises:
        ConfigError: rounds and their weights disagree, or ranks cannot share a batch evenly.
        CheckpointError: `out_dir` holds a run of another model or recipe.
    """
    _check_rounds(recipe)
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    fabric = _fabric(recipe)
    model.encoder.freeze_stages(recipe.frozen_stages)  # pyright: ignore[reportCallIssue]
    optimizer = make_optimizer(model, recipe)
    ema = copy.deepcopy(model).requires_grad_(False).eval()
    header = {"recipe": to_json(recipe), "config": to_json(model.config)}
    start, history = 0, []
    if resume and (found := load_checkpoint(out)) is not None:
        start, history = _restore(found, header, model, ema, optimizer)
        log.info("resumed at step %d", start)
    rounds, wrapped = fabric.setup(Rounds(model, recipe), optimizer)
    fabric.to_device(ema)
    batches = _batches(data, recipe, start, (fabric.global_rank, fabric.world_size))
    skipped, began = 0, time.perf_counter()
    for step, batch in zip(range(start, recipe.steps), batches, strict=False):
        loss, parts, is_good = _step(fabric, rounds, wrapped, batch, step)
        skipped += not is_good
        if is_good:
            update_ema(ema, model, recipe.ema, step)
        done = step + 1
        if done % recipe.log_every == 0 or done == recipe.steps:
            rate = (done - start) * recipe.batch_size / (time.perf_counter() - began)
            record = {"step": done, "loss": loss, "skipped": skipped, "images_per_s": rate}
            history.append(record | {k: round(_mean(fabric, v), 5) for k, v in parts.items()})
            if fabric.is_global_zero:
                with open(out / "log.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps(history[-1]) + "\n")
        if (done % recipe.save_every == 0 or done == recipe.steps) and fabric.is_global_zero:
            _save(out, done, model, ema, optimizer, {**header, "history": history})
    fabric.barrier()
    return FitResult(ema, history)


def _check_rounds(recipe: Recipe) -> None:
    if recipe.rounds != len(recipe.round_weights):
        raise ConfigError(
            f"Recipe.rounds is {recipe.rounds}, but round_weights has "
            f"{len(recipe.round_weights)} entries. Give one weight per round."
        )
    if not 1 <= recipe.graded <= recipe.rounds:
        raise ConfigError(
            f"Recipe.graded is {recipe.graded}, expected 1 to rounds ({recipe.rounds})."
        )


def _step(
    fabric: Fabric, rounds: Any, optimizer: Any, batch: tuple[Tensor, ...], step: int
) -> tuple[float, dict[str, Tensor], bool]:
    """One update; a step whose loss or gradient is not finite changes nothing (the last value)."""
    recipe = rounds.module.recipe
    for group in optimizer.param_groups:
        group["lr"] = group["scale"] * learning_rate(recipe, step)
    loss, parts = rounds(*(fabric.to_device(t) for t in batch))
    fabric.backward(loss)
    norm = fabric.clip_gradients(
        rounds, optimizer, max_norm=recipe.clip, error_if_nonfinite=False
    )
    value = _mean(fabric, loss.detach())
    # every rank sees the same loss and norm, so all skip or none
    is_good = math.isfinite(value) and norm is not None and bool(torch.isfinite(norm))
    if is_good:
        optimizer.step()
    else:
        log.warning("step %d skipped: loss %s, gradient norm %s", step, value, norm)
    optimizer.zero_grad()
    return value, parts, is_good


def _fabric(recipe: Recipe) -> Fabric:
    """One device, or under `torchrun` one per rank."""
    world, local = (int(os.environ.get(n, 1)) for n in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if recipe.batch_size % world:
        raise ConfigError(
            f"Recipe.batch_size is {recipe.batch_size}, but {world} ranks share each batch. Give "
            f"a multiple of {world}."
        )
    strategy = DDPStrategy(find_unused_parameters=not recipe.loss.p2cl) if world > 1 else "auto"
    fabric = Fabric(
        accelerator="auto",
        strategy=strategy,
        devices=local,
        num_nodes=world // local,
        precision=recipe.precision,  # pyright: ignore[reportArgumentType]
    )
    fabric.launch()
    return fabric


def _mean(fabric: Fabric, value: Tensor) -> float:
    """The mean over ranks of a number."""
    mean = fabric.all_reduce(value)
    assert isinstance(mean, Tensor)
    return mean.item()


def make_optimizer(model: VPUFormer, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over four groups: encoder or head, decayed (matrices) or not (norms and biases)."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            scale = recipe.encoder_lr_scale if name.startswith("encoder.") else 1.0
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((scale, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": params, "scale": scale, "weight_decay": decay}
            for (scale, decay), params in groups.items()
        ],
        lr=recipe.lr,
        betas=recipe.betas,
    )


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine from `lr` to a hundredth of it."""
    if step < recipe.warmup:
        return recipe.lr * (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """ema <- d ema + (1 - d) model, with d rising to `decay` over the first steps."""
    d = min(decay, (1 + step) / (10 + step))
    for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast.detach(), 1 - d)


def _batches(data: TrainingData, recipe: Recipe, start: int, share: tuple[int, int] = (0, 1)):
    """This rank's share of each batch, the next one made by a thread while one is being used."""
    rank, world = share

    def make(step: int) -> tuple[Tensor, ...]:
        first = step * recipe.batch_size
        positions = list(range(first + rank, first + recipe.batch_size, world))
        samples = [data.sample(recipe.seed, p, recipe.crop_at(step)) for p in positions]
        images = torch.from_numpy(np.stack([s.image for s in samples])).permute(0, 3, 1, 2)
        target, valid = (
            torch.from_numpy(np.stack([getattr(s, n) for s in samples])).float()[:, None]
            for n in ("target", "valid")
        )
        draws = uniforms(recipe.seed, step, positions, recipe.rounds + 2, "cpu")
        return images, target, valid, draws, round_weights(recipe, step)

    with ThreadPoolExecutor(1) as pool:
        upcoming: Future = pool.submit(make, start)
        for step in range(start + 1, recipe.steps + 1):
            batch = upcoming.result()
            if step < recipe.steps:
                upcoming = pool.submit(make, step)
            yield batch


def _save(out: Path, step: int, model, ema, optimizer, meta: dict) -> None:
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"ema.{k}": v for k, v in ema.state_dict().items()}
    save_checkpoint(out, step, tensors | optimizer_tensors(optimizer), meta)


def _restore(found, header: dict, model, ema, optimizer) -> tuple[int, list[dict[str, Any]]]:
    tensors, meta = found
    if from_json(Recipe, meta["recipe"]) != from_json(Recipe, header["recipe"]) or (
        json.dumps(meta["config"]) != json.dumps(header["config"])
    ):
        raise CheckpointError(
            "The checkpoints in this folder belong to another model or recipe. Use a new folder, "
            "or pass the recipe they were made with."
        )
    for prefix, module in (("model.", model), ("ema.", ema)):
        own = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
        module.load_state_dict(own)
    restore_optimizer(optimizer, tensors)
    return meta["step"], meta["history"]
