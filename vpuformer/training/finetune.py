"""Fine-tuning on somebody's own photos: check, split, train, stop in time, before and after."""

import copy
import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from vpuformer.config import ModelConfig, to_json
from vpuformer.data.folders import FolderSamples, check_folders, split_pairs
from vpuformer.data.samples import Photo, Sample
from vpuformer.errors import CheckpointError, ConfigError, written_whole
from vpuformer.evaluation import EvaluationConfig, run_samples, summary
from vpuformer.model import VPUFormer
from vpuformer.predictor import Predictor
from vpuformer.training import recipes
from vpuformer.training.checkpoint import claim
from vpuformer.training.loop import fit
from vpuformer.training.recipes import Recipe
from vpuformer.weights import load, save, weights_hash

log = logging.getLogger("vpuformer.training")
SET = "held out"
Numbers = dict[str, Any]  # one set's numbers of `evaluation.summary`


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneConfig:
    """What is held out, and when to stop."""

    val_share: float = 0.25  # of the photos
    max_val_objects: int = 40
    patience: int = 3  # checkpoints in a row that may pass without a better NoC@90
    seed: int = 0  # of the split

    def __post_init__(self) -> None:
        if self.patience < 1 or self.max_val_objects < 1:
            raise ConfigError(
                f"patience is {self.patience} and max_val_objects {self.max_val_objects}, "
                "expected at least 1."
            )


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """What came of it.

    Attributes:
        model: the best model by held-out NoC@90; the one given when nothing was better.
        path: its weights.
        before: numbers of the model given on the held-out photos (means with intervals).
        after: the same of the best. These photos chose the moment to stop, so it is a little
            flattering; photos that took no part say more.
        validations: step -> numbers.
        skipped: files that broke while training went on -> how often each was skipped.
    """

    model: VPUFormer
    path: Path
    before: Numbers
    after: Numbers
    validations: dict[int, Numbers]
    skipped: dict[str, int]


def usual(config: ModelConfig) -> Recipe:
    """`recipes.finetune` at 256 px, or at the nearest smaller side that a model takes."""
    step = config.image_sides
    return recipes.finetune(side=max(step, min(256, config.size) // step * step))


def finetune(
    model: VPUFormer,
    images_dir: str | Path,
    masks_dir: str | Path,
    out_dir: str | Path = "runs/finetune",
    recipe: Recipe | None = None,
    config: FinetuneConfig | None = None,
) -> FinetuneResult:
    """Train a copy of a model on photos with masks; the best state by held-out NoC@90 is kept.

    The same call goes on where a killed one stopped.

    Args:
        model: from `load` or `build`; it stays as it is.
        images_dir: photos, NAME.jpg or another picture.
        masks_dir: NAME.png: 0 and 255 (the object), or 0, objects 1..254, and 255 void.
        out_dir: checkpoints, log and the weights `best.safetensors`.
        recipe: `usual` of the model by default.
        config: split and stopping.

    Raises:
        DataError: the folders are not as they should be; each bad file is named.
        CheckpointError: `out_dir` holds another run.
        ConfigError: several ranks; `fit` trains on those.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise ConfigError("finetune runs in one process. Under torchrun use fit.")
    config, out = config or FinetuneConfig(), Path(out_dir)
    recipe = recipe or usual(model.config)
    train, val = split_pairs(check_folders(images_dir, masks_dir), config.val_share, config.seed)
    start = {"hash": model.weights_hash, "card": model.card}
    names = {k: [p.image.name for p in pairs] for k, pairs in (("train", train), ("val", val))}
    about = {"start": start, "recipe": to_json(recipe), **names}
    who = {"start": weights_hash(model.state_dict()), "files": _digest((*train, *val))}
    claim(out, {**about, "config": to_json(config), **who})
    held = Validation(out, _objects(val, config), config.patience, about)
    data, student = FolderSamples(train), copy.deepcopy(model).train()
    if 0 not in held.rows:
        held(0, model)
    if not held.is_over:
        fit(student, data, recipe, out, watch=held)
    best = load(held.path, device=str(next(model.parameters()).device))
    after = measure(best, held.samples)
    return FinetuneResult(best, held.path, held.rows[0], after, held.rows, dict(data.broken))


def measure(model: VPUFormer, samples: Sequence[Sample]) -> Numbers:
    """The click robot's numbers on objects: NoC@85, NoC@90, NoF20, IoU@1, 3 and 5."""
    predictor: Any = Predictor(model, precision="float32")
    numbers = summary(list(run_samples(predictor, samples, EvaluationConfig())))[SET]
    return {k: v for k, v in numbers.items() if k != "cpu_s_per_round"}


class Validation:
    """Measures each checkpoint on the held-out objects, keeps the best, says when to stop.

    `validation.jsonl` holds a line for each measured step; a step measured again replaces its line.
    """

    def __init__(
        self, out: Path, samples: list[Sample], patience: int, about: dict[str, Any]
    ) -> None:
        self.log, self.path = out / "validation.jsonl", out / "best.safetensors"
        self.samples, self.patience, self.about = samples, patience, about
        self.rows: dict[int, Numbers] = {}
        if self.log.exists():
            lines = self.log.read_text("utf-8").splitlines()
            self.rows = {row.pop("step"): row for row in map(json.loads, lines)}

    @property
    def best(self) -> int:
        """The step with the lowest NoC@90; of equal ones the highest IoU@3, then the first."""
        return min((n["NoC@90"][0], -n["IoU@3"][0], step) for step, n in self.rows.items())[-1]

    @property
    def is_over(self) -> bool:
        """Whether `patience` measurements have passed since the best."""
        return sum(step > self.best for step in self.rows) >= self.patience

    def __call__(self, step: int, model: VPUFormer) -> bool:
        """Measure the model of a step; whether to stop."""
        self.rows[step] = measure(model, self.samples)
        log.info("step %d: held-out NoC@90 %.2f", step, self.rows[step]["NoC@90"][0])
        if step == self.best:
            found = {"before": self.rows.get(0), "held_out": self.rows[step]}
            save(model, self.path, {**self.about, "step": step, **found})
        lines = [json.dumps({"step": s, **n}) for s, n in sorted(self.rows.items())]
        with written_whole(self.log, CheckpointError, "Make room and run again.") as temporary:
            temporary.write_text("\n".join(lines) + "\n", "utf-8")
        return self.is_over


def _objects(val: Sequence[Photo], config: FinetuneConfig) -> list[Sample]:
    """The held-out objects, at most so many, drawn from the seed and in the order of the photos."""
    owners = [(pair, i) for pair in val for i in range(len(pair.objects(SET)))]  # none is kept
    chosen = np.random.default_rng(config.seed).permutation(len(owners))[: config.max_val_objects]
    pairs = groupby((owners[i] for i in sorted(chosen)), key=itemgetter(0))
    return [found[i] for pair, its in pairs for found in [pair.objects(SET)] for _, i in its]


def _digest(pairs: Iterable[Photo]) -> str:
    """sha256 over that of each photo and mask, in order."""
    files = (sha256(path.read_bytes()) for p in pairs for path in (p.image, p.truth))
    return sha256(b"".join(file.digest() for file in files)).hexdigest()
