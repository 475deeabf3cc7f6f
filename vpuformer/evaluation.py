"""Robot x segmenter x data set: runs of prompts, a results file that resumes, and its summary."""

import json
import math
import os
import platform
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vpuformer import metrics
from vpuformer.config import to_json
from vpuformer.data.public import samples_of
from vpuformer.data.samples import Sample
from vpuformer.errors import CheckpointError, ConfigError, written_whole
from vpuformer.prompts import Segmenter, kind_of
from vpuformer.robot.policy import Policy, Turn

SCHEMA = 1
THRESHOLDS = (0.85, 0.90)
ROUNDS = (1, 3, 5)
FREE = {"command", "threads"}  # entries of the header that may differ when a run goes on
PACKAGES = ("vpuformer", "numpy", "torch", "opencv-python-headless", "pillow")


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationConfig:
    """How the robot prompts, and when a run ends (Sec. IV-A, IV-B, by the protocol of RITM)."""

    policy: Policy = field(default_factory=Policy)
    max_rounds: int = 20
    target: float = 0.90  # a run ends when its IoU reaches this; above 1: never early
    threshold: float = 0.49  # a pixel is the object when its probability is above this
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_rounds < 1 or self.seed < 0:
            raise ConfigError(f"{self.max_rounds} rounds, seed {self.seed}: give at least 1 and 0.")


def evaluate(
    segmenter: Segmenter,
    samples: Iterable[Sample],
    *,
    out: str | Path,
    config: EvaluationConfig | None = None,
    header: dict[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """The summary of a robot prompting a segmenter on each sample; every run goes to a file.

    Sec. IV-B. The file is JSON Lines: a header, then a line per sample, on disk before the next
    run begins. When it exists already, the runs in it are kept and the others added.

    Args:
        segmenter: what answers; prompts and masks are in coordinates of the sample's image.
        samples: objects of one photo should follow each other: its image is then set once.
        out: the results file.
        config: the protocol.
        header: entries of the header that `describe` cannot know, or should say otherwise.

    Raises:
        CheckpointError: `out` holds results of something else.
    """
    config, path = config or EvaluationConfig(), Path(out)
    done = _open(path, {**describe(segmenter, config), **(header or {})})
    left = (sample for sample in samples if sample.key not in done)
    with path.open("a", encoding="utf-8") as file:
        for row in run_samples(segmenter, left, config):
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return summary(path)


def evaluate_folders(
    segmenter: Segmenter,
    folders: Sequence[str | Path],
    *,
    out: str | Path,
    config: EvaluationConfig | None = None,
    limit: int | None = None,
) -> dict[str, dict[str, Any]]:
    """`evaluate` on folder data sets (images/NAME.*, masks/NAME.png), each named by its folder.

    Args:
        segmenter: what answers.
        folders: the data sets, or published ones as NAME:FOLDER; all runs go to one file.
        out: the results file.
        config: the protocol.
        limit: at most so many objects of each set.

    Raises:
        ConfigError: two folders have one name, by which a results file tells sets apart.
    """
    names = [Path(folder).resolve().name for folder in folders if Path(folder).exists()]
    if len(set(names)) < len(names):
        raise ConfigError(f"{', '.join(names)}: two folders of one name. Rename one of them.")
    if limit is not None and limit < 1:
        raise ConfigError(f"limit is {limit}, expected at least 1, or None for all objects.")
    samples = chain.from_iterable([samples_of(folder, limit) for folder in folders])
    return evaluate(segmenter, samples, out=out, config=config)


def run_samples(
    segmenter: Segmenter, samples: Iterable[Sample], config: EvaluationConfig
) -> Iterator[dict[str, Any]]:
    """`run_sample` on one sample after the other; a photo is set once for objects in a row."""
    for _, objects in groupby(samples, key=lambda sample: sample.key[:2]):
        for i, sample in enumerate(objects):
            yield run_sample(segmenter, sample, config, is_new=i == 0)


def run_sample(
    segmenter: Segmenter, sample: Sample, config: EvaluationConfig, *, is_new: bool = True
) -> dict[str, Any]:
    """One run as a line of the results file: prompts until the target, the limit or no error.

    Args:
        segmenter: what answers.
        sample: the object to reach.
        config: the protocol.
        is_new: whether the segmenter holds another image and must be given this one.
    """
    rng = np.random.default_rng([config.seed, zlib.crc32(repr(sample.key).encode())])
    pred, history = np.zeros_like(sample.gt), []
    boundary, start = [], time.process_time()
    segmenter.set_image(sample.image) if is_new else segmenter.reset()
    spent = time.process_time() - start
    while len(history) < config.max_rounds:
        prompt = config.policy(sample.gt, pred, history, rng, ignore=sample.ignore)
        if prompt is None:
            break
        start = time.process_time()
        answer = segmenter.add(prompt)
        pred = np.zeros_like(pred) if answer is None else answer.prob > config.threshold
        spent += time.process_time() - start
        value = _float32(metrics.iou(sample.gt, pred, sample.ignore))
        history.append(Turn(prompt, value))
        boundary.append(_float32(metrics.boundary_iou(sample.gt, pred, sample.ignore)))
        if value >= config.target:
            break
    of = {"set": sample.set, "image": sample.image_name, "instance": sample.instance}
    found = {"ious": [turn.iou for turn in history], "boundary_ious": boundary}
    said = {"kinds": [kind_of(turn.prompt) for turn in history]}
    said |= {"prompts": [turn.prompt.to_json() for turn in history]}
    return {**of, **found, **said, "cpu_s": round(spent, 4)}


def _float32(value: float) -> float:
    """The shortest number that reads back to the same float32; an empty union counts as 1."""
    return 1.0 if math.isnan(value) else float(str(np.float32(value)))


def describe(segmenter: Segmenter, config: EvaluationConfig) -> dict[str, Any]:
    """The header of a results file: what was measured, how, with what.

    The segmenter's `settings` (a dict) and `model` (with `weights_hash` and `config`) are
    recorded where it has them.
    """
    model = getattr(segmenter, "model", None)
    own = {} if model is None else {"model": to_json(model.config)}
    settings = {**getattr(segmenter, "settings", {}), **own}
    what = {"schema": SCHEMA, "method": type(segmenter).__name__}
    what |= {"weights_hash": getattr(model, "weights_hash", None), "config": settings}
    how = {"protocol": to_json(config), "seed": config.seed, "versions": versions()}
    how |= {} if type(config.policy) is Policy else {"policy": str(type(config.policy))}
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    device = f"{getattr(segmenter, 'device', 'cpu')}, {platform.machine()}"
    return {**what, **how, "command": command, "device": device, "threads": torch.get_num_threads()}


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide numbers, where they are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _open(path: Path, header: dict[str, Any]) -> set[tuple[str, str, int]]:
    """The samples whose runs a results file holds, begun or without its torn last line."""
    texts = json.dumps(header, default=lambda x: getattr(x, "__qualname__", str(type(x))))
    header = json.loads(texts)
    found, rows = read_results(path) if path.exists() else (None, [])
    found = found or header
    names = sorted((found.keys() | header.keys()) - FREE)
    if wrong := [n for n in names if found.get(n) != header.get(n)]:
        raise CheckpointError(
            f"{path} holds results of something else: its header differs in {', '.join(wrong)}, "
            f"first {found.get(wrong[0])!r}, expected {header.get(wrong[0])!r}. "
            "Give another file, or delete this one."
        )
    with written_whole(path, CheckpointError, "Give another file.") as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in (found, *rows)), "utf-8")
    return {(row["set"], row["image"], row["instance"]) for row in rows}


def read_results(path: str | Path) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The header and the runs of a results file; a torn last line is left out.

    The header is None when not even its line is whole.

    Raises:
        CheckpointError: the file cannot be read, or is no results file.
    """
    try:
        *whole, last = Path(path).read_bytes().splitlines() or [b""]
        lines = [json.loads(line) for line in whole]
        with suppress(ValueError):
            lines.append(json.loads(last))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} holds no results of `evaluate`: {error}.") from None
    if not lines and b'{"schema"'.startswith(last[:9]):
        return None, []
    header, *rows = lines or [last]
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{path} does not begin with a results header of schema {SCHEMA}, got "
            f"{str(header)[:80]}. Expected a file that `evaluate` wrote."
        )
    return header, rows


def summary(
    results: str | Path | Sequence[dict[str, Any]], *, max_rounds: int = 20, target: float = 0.90
) -> dict[str, dict[str, Any]]:
    """The numbers of each data set, derived from runs.

    Means stand as [mean, low, high] with 95 % bootstrap intervals, objects of one photo drawn
    together. A threshold above the target, at which runs end, is left out; IoU@k of a run that
    ended earlier is its last one. Runs that needed no prompt are counted apart.

    Args:
        results: a results file (whose header then gives the next two), or its runs.
        max_rounds: the limit of the runs.
        target: the IoU at which runs ended.
    """
    if isinstance(results, (str, Path)):
        header, rows = read_results(results)
        protocol = header["protocol"] if header else {}
        max_rounds = protocol.get("max_rounds", max_rounds)
        target = protocol.get("target", target)
    else:
        rows = list(results)
    sets = dict.fromkeys(row["set"] for row in rows)
    return {s: _set_summary([r for r in rows if r["set"] == s], max_rounds, target) for s in sets}


def _set_summary(rows: list[dict[str, Any]], max_rounds: int, target: float) -> dict[str, Any]:
    runs = [row for row in rows if row["ious"]]
    photos = [row["image"] for row in runs]
    numbers: dict[str, Any] = {"samples": len(runs), "images": len(set(photos))}
    numbers["without_prompt"] = len(rows) - len(runs)
    if not runs:
        return numbers

    def mean(values: Sequence[float]) -> list[float]:
        return [round(v, 4) for v in metrics.bootstrap(values, photos)]

    ious = [run["ious"] for run in runs]
    name = "NoC" if all(k == "click" for r in runs for k in r["kinds"]) else "NoI"
    for t in (t for t in THRESHOLDS if np.float32(t) <= np.float32(target)):
        percent = round(100 * t)
        numbers[f"{name}@{percent}"] = mean([metrics.noc(i, t, max_rounds) for i in ious])
        numbers[f"NoF{max_rounds}@{percent}"] = metrics.nof(ious, t, max_rounds)._asdict()
    for k in (k for k in ROUNDS if k <= max_rounds):
        numbers[f"IoU@{k}"] = mean([metrics.iou_at(i, k) for i in ious])
        numbers[f"boundary IoU@{k}"] = mean([metrics.iou_at(r["boundary_ious"], k) for r in runs])
    numbers["cpu_s_per_round"] = round(sum(r["cpu_s"] for r in runs) / sum(map(len, ious)), 4)
    return numbers
