"""The training loop: encode once, prompt three times, learn from each answer."""

import copy
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from vpuformer.config import ModelConfig, from_json, to_json
from vpuformer.data.augmentation import Choice
from vpuformer.errors import CheckpointError, ConfigError
from vpuformer.model import VPUFormer
from vpuformer.training import checkpoint, pictures
from vpuformer.training.crops import TrainingData, cut_batch
from vpuformer.training.optimizer import learning_rate, make_optimizer, update_ema
from vpuformer.training.recipes import Recipe
from vpuformer.training.rounds import Rounds, round_weights
from vpuformer.training.runlog import RunLog
from vpuformer.training.sampling import uniforms

log = logging.getLogger("vpuformer.training")
Batch = tuple[Tensor, ...]  # images, target, valid, draws, weights of the rounds
Watch = Callable[[int, VPUFormer], bool]


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
    watch: Watch | None = None,
) -> FitResult:
    """Train a model; `log.jsonl`, resumable checkpoints, samples as pictures go into `out_dir`.

    The same (model, data, recipe) gives the same losses on the CPU, killed and resumed or not.
    Under `torchrun` the ranks share each batch: the same samples, the same mean gradient.

    Args:
        model: trained in place; the result holds its moving average.
        data: samples by position.
        recipe: the numbers of the run.
        out_dir: one folder per run.
        resume: go on from the newest checkpoint in `out_dir`.
        watch: called before each checkpoint with (step, EMA model); True ends the run there.

    Raises:
        ConfigError: rounds and their weights disagree, or ranks cannot share a batch evenly.
        CheckpointError: `out_dir` holds a run of another model or recipe, or the disk refuses.
    """
    _check_rounds(recipe)
    if recipe.choice != Choice() and hasattr(data, "choice"):
        data = copy.copy(data)
        data.choice = recipe.choice  # pyright: ignore[reportAttributeAccessIssue]
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    fabric = _fabric(recipe)
    model.encoder.freeze_stages(recipe.frozen_stages)  # pyright: ignore[reportCallIssue]
    optimizer = make_optimizer(model, recipe)
    model.card, model.weights_hash = {}, None  # of what it was
    ema = copy.deepcopy(model).requires_grad_(False).eval()
    header = {"recipe": to_json(recipe), "config": to_json(model.config)}
    run = RunLog(out, recipe, is_writer=fabric.is_global_zero)
    weights = nn.ModuleDict({"model": model, "ema": ema})
    if resume and (found := checkpoint.load_checkpoint(out)) is not None:
        run.resume(_restore(found, header, weights, optimizer))
    rounds, wrapped = fabric.setup(Rounds(model, recipe), optimizer)
    fabric.to_device(ema)
    batches = _batches(data, recipe, run.step, fabric)
    with run:
        for step, batch in zip(range(run.step, recipe.steps), batches, strict=False):
            loss, parts, is_good = _step(fabric, rounds, wrapped, batch, step)
            if is_good:
                update_ema(ema, model, recipe.ema, step)
            if run.advance(loss, is_good):
                run.write({k: round(_mean(fabric, v), 5) for k, v in parts.items()})
            if run.is_save_due:
                is_over = watch is not None and watch(run.step, ema)
                if fabric.is_global_zero:
                    tensors = weights.state_dict() | checkpoint.optimizer_tensors(optimizer)
                    checkpoint.save_checkpoint(out, run.step, tensors, header | run.state)
                    path = out / "samples" / f"step-{run.step:07d}.png"
                    pictures.paint(path, batch[-1], *rounds.module.last)
                if is_over:
                    break
    fabric.barrier()
    return FitResult(ema, run.history)


def _check_rounds(recipe: Recipe) -> None:
    count, weights = recipe.rounds, recipe.round_weights
    if count != len(weights) or not any(weights[: recipe.fewest or None]):
        raise ConfigError(f"{count} rounds, weights {weights}: give one each, not 0 throughout.")
    for name, value, least in (("fewest", recipe.fewest, 0), ("graded", recipe.graded, 1)):
        if not least <= value <= recipe.rounds:
            raise ConfigError(f"Recipe.{name} is {value}, expected {least} to {recipe.rounds}.")


def _step(
    fabric: Fabric, rounds: Any, optimizer: Any, batch: list[Batch], step: int
) -> tuple[float, dict[str, Tensor], bool]:
    """One update; a step whose loss or gradient is not finite changes nothing (the last value)."""
    recipe = rounds.module.recipe
    for group in optimizer.param_groups:
        group["lr"] = group["scale"] * learning_rate(recipe, step)
    count, sums = len(batch), {}
    for i, part in enumerate(batch):
        with fabric.no_backward_sync(rounds, enabled=i < count - 1):
            loss, named = rounds(*part)
            fabric.backward(loss / count)
        for name, value in {"loss": loss.detach(), **named}.items():
            sums[name] = sums.get(name, 0.0) + value / count
    norm = fabric.clip_gradients(rounds, optimizer, max_norm=recipe.clip, error_if_nonfinite=False)
    mean = _mean(fabric, sums.pop("loss"))
    # every rank sees the same loss and norm, so all skip or none
    is_good = math.isfinite(mean) and norm is not None and bool(torch.isfinite(norm))
    if is_good:
        optimizer.step()
    else:
        log.warning("step %d skipped: loss %s, gradient norm %s", step, mean, norm)
    optimizer.zero_grad()
    return mean, sums, is_good


def _fabric(recipe: Recipe) -> Fabric:
    """One device, or under `torchrun` one per rank."""
    world, local = (int(os.environ.get(n, 1)) for n in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    parts = max(1, recipe.accumulate)
    if recipe.accumulate < 1 or recipe.batch_size % (world * parts):
        raise ConfigError(
            f"Recipe.batch_size is {recipe.batch_size}, but {world} ranks share each batch and "
            f"take it in {recipe.accumulate} parts. Give a multiple of {world * parts}."
        )
    strategy = DDPStrategy(find_unused_parameters=not recipe.loss.p2cl) if world > 1 else "auto"
    auto = "bf16-mixed" if torch.cuda.is_available() else "32-true"
    nodes, precision = world // local, auto if recipe.precision == "auto" else recipe.precision
    how: Any = {"accelerator": "cuda" if torch.cuda.is_available() else "cpu", "devices": local}
    fabric = Fabric(**how, strategy=strategy, num_nodes=nodes, precision=precision)  # pyright: ignore[reportArgumentType]
    fabric.launch()
    return fabric


def _mean(fabric: Fabric, value: Tensor) -> float:
    """The mean over ranks of a number."""
    return fabric.all_reduce(value).item()  # pyright: ignore[reportAttributeAccessIssue]


def _batches(
    data: TrainingData, recipe: Recipe, start: int, fabric: Fabric
) -> Iterator[list[Batch]]:
    """This rank's share of each batch, later ones made by threads while one is being used.

    A batch is `recipe.accumulate` parts of equal size. A core stays with the network. Threads
    read; crops are cut on the device.
    """
    rank, world = fabric.global_rank, fabric.world_size

    def make(step: int) -> list[Batch]:
        first = step * recipe.batch_size
        positions = list(range(first + rank, first + recipe.batch_size, world))
        size = len(positions) // recipe.accumulate
        parts = [positions[i : i + size] for i in range(0, len(positions), size)]
        return [batch(step, part) for part in parts]

    def batch(step: int, positions: list[int]) -> Batch:
        crops = cut_batch(data, recipe, step, positions, fabric.device)
        draws = uniforms(recipe.seed, step, positions, recipe.rounds + 2, fabric.device)
        return *crops, draws, round_weights(recipe, step)

    ahead = max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", 1)) - 1)
    with ThreadPoolExecutor(ahead) as pool:
        first = range(start, min(start + ahead, recipe.steps))
        upcoming = deque(pool.submit(make, step) for step in first)
        for step in range(start + ahead, recipe.steps + ahead):
            if step < recipe.steps:
                upcoming.append(pool.submit(make, step))
            yield upcoming.popleft().result()


def _restore(found, header: dict, weights: nn.Module, optimizer) -> dict[str, Any]:
    tensors, meta = found
    kinds = {"recipe": Recipe, "config": ModelConfig}  # through them, so that new fields count
    if any(from_json(c, meta[k]) != from_json(c, header[k]) for k, c in kinds.items()):
        raise CheckpointError("The checkpoints are of another model or recipe. Use a new folder.")
    weights.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("optimizer.")})
    checkpoint.restore_optimizer(optimizer, tensors)
    return meta
