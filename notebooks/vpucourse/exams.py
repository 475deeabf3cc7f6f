"""A small trained model, scenes that no training run meets, and the robot's games on them."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from vpucourse.scenes import scene
from vpuformer.data.samples import Sample
from vpuformer.evaluation import EvaluationConfig, Policy, run_sample
from vpuformer.metrics import iou_at, noc
from vpuformer.model import VPUFormer
from vpuformer.prompts import Click, Segmenter
from vpuformer.robot.next_prompt import next_click
from vpuformer.robot.policy import PolicyName
from vpuformer.weights import load

# The model `tiny` as notebook 07 leaves it: 600 steps on drawn scenes, seed 0, no photo seen.
TOY = Path(str(resources.files("vpucourse"))) / "toy.safetensors"


def toy_model() -> VPUFormer:
    """The course's small model, trained by notebook 07's own run, on the CPU; anew each time."""
    return load(TOY, device="cpu")


def examination(count: int, first: int = 1_000_000) -> list[Sample]:
    """The largest object of each of `count` drawn scenes that no training run ever meets.

    Training draws its scenes by a hash of (seed, position), the examination by these numbers.
    """
    found = []
    for i in range(count):
        picture, labels = scene(first + i)
        largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
        found.append(Sample("scenes", f"{i:03d}", 1, picture, largest))
    return found


def games(
    segmenter: Segmenter,
    samples: Sequence[Sample],
    rounds: int = 20,
    kind: PolicyName = "click",
) -> list[list[float]]:
    """IoU after each of the robot's prompts, a list for each sample; a game ends at IoU 90 %.

    Args:
        segmenter: a `Predictor`, or anything that speaks its protocol.
        samples: one game each.
        rounds: prompts in a game, at most.
        kind: the robot's policy.
    """
    rule = EvaluationConfig(policy=Policy(kind), max_rounds=rounds)
    return [run_sample(segmenter, sample, rule)["ious"] for sample in samples]


def examine(
    segmenter: Segmenter,
    samples: Sequence[Sample],
    kind: PolicyName = "click",
    rounds: int = 20,
) -> dict[str, float]:
    """Mean NoC@85 and @90 and IoU@1 to @5 of the robot's games, to three digits; as `games`."""
    played = games(segmenter, samples, rounds, kind)
    found = {f"NoC@{t}": np.mean([noc(game, t / 100) for game in played]) for t in (85, 90)}
    found |= {f"IoU@{k}": np.mean([iou_at(game, k) for game in played]) for k in range(1, 6)}
    return {name: round(float(value), 3) for name, value in found.items()}


def play(
    segmenter: Segmenter, picture: np.ndarray, truth: np.ndarray, rounds: int = 3
) -> tuple[list[Click], list[np.ndarray]]:
    """The robot's clicks on one picture, and the probability `[H, W]` after each round.

    When nothing is wrong any more it clicks no further, and the last answer is given again.

    Args:
        segmenter: a `Predictor`, or anything that speaks its protocol.
        picture: uint8 `[H, W, 3]`.
        truth: the object, bool `[H, W]`.
        rounds: clicks, at most.
    """
    segmenter.set_image(picture)
    clicks, probs = [], [np.zeros(truth.shape)]
    for _ in range(rounds):
        mask, prob = probs[-1] > 0.49, probs[-1]
        if (mask != truth).any():
            clicks.append(next_click(truth, mask, clicks))
            answer = segmenter.add(clicks[-1])
            assert answer is not None
            prob = answer.prob
        probs.append(prob)
    return clicks, probs[1:]
