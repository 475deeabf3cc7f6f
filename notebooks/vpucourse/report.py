"""Sizes, scores, times and versions of a run."""

import json
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

import numpy as np
import torch
from torch import nn

from vpuformer.imaging import Frame
from vpuformer.metrics import iou
from vpuformer.model import Decoded, Features, VPUFormer
from vpuformer.predictor import Predictor
from vpuformer.prompts import Prompt
from vpuformer.pue import PromptBatch


def scores(predictor: Predictor, prompts: Iterable[Prompt], truth: np.ndarray) -> list[float]:
    """IoU with the reference after each prompt, one a round, from a fresh start."""
    predictor.reset()
    found = []
    for prompt in prompts:
        answer = predictor.add(prompt)
        assert answer is not None
        found.append(float(iou(truth, answer.mask)))
    return found


def run(
    model: VPUFormer, image: np.ndarray, prompts: Sequence[Prompt], watched: nn.Module
) -> tuple[Features, Decoded, tuple[Any, ...], Any]:
    """Features and answer of one pass over a photo, and what a module took and gave on the way.

    Args:
        model: on any device.
        image: uint8 `[H, W, 3]`; there is no previous mask.
        prompts: in pixels of `image`.
        watched: a module of the model.
    """
    frame, device = Frame(image.shape[:2], model.config.size), next(model.parameters()).device
    pixels = torch.from_numpy(np.array(frame.picture(image))).to(device)
    batch = PromptBatch.of([frame.prompts(list(prompts))], device)
    seen: list[tuple[tuple[Any, ...], Any]] = []
    handle = watched.register_forward_hook(lambda _, given, found: seen.append((given, found)))
    with torch.inference_mode():
        features = model.encode_image(pixels.permute(2, 0, 1)[None].float() / 255)
        answer = model.decode(features, batch)
    handle.remove()
    return features, answer, *seen[0]


def shapes(
    model: VPUFormer, image: np.ndarray, prompts: Sequence[Prompt]
) -> dict[str, tuple[int, ...]]:
    """The size of every tensor on the way from a photo and prompts to logits, by running it.

    Keys: "image", "x4", "x8", "x16", "vectors" (N, P), "tokens" (N, D), "places" (L,), "logits".
    """
    features, answer, given, tokens = run(model, image, prompts, model.prompt_embedding)
    parts = {"vectors": given[0], "tokens": tokens, "logits": answer.logits}
    parts |= {name: getattr(features, name) for name in ("x4", "x8", "x16")}
    found = {name: tuple(part.shape[1:]) for name, part in parts.items() if part is not None}
    return found | {"image": (3, *features.size), "places": (features.x16[0, 0].numel(),)}


def means(rows: Sequence[dict[str, float]], key: str, pieces: int = 15) -> list[float]:
    """A logged number over a run, as means over so many pieces of it of equal length."""
    parts = np.array_split(np.array([row[key] for row in rows]), min(pieces, len(rows)))
    return [float(part.mean()) for part in parts]


def logged(folder: str | Path) -> list[dict[str, float]]:
    """What a training run wrote down on its way, a row for each line of its log."""
    lines = Path(folder, "log.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def stored(name: str) -> dict[str, Any]:
    """What a JSON file of results/ holds; nothing where the repository is not."""
    homes = [Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parents[2]]
    paths = [home / "results" / name for home in homes]
    found = next((path for path in paths if path.is_file()), None)
    return json.loads(found.read_text("utf-8")) if found else {}


def folded(text: str, most: int | None = None) -> str:
    """A long line as several that a page can show, broken between words; at most so many."""
    how = {"break_long_words": False, "break_on_hyphens": False, "max_lines": most}
    return TextWrapper(width=96, placeholder=" ...", **how).fill(text)


@dataclass(slots=True)
class Clock:
    """Wall time of a notebook's sections: call it with a name where a section ends."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def __call__(self, section: str) -> None:
        now = time.perf_counter()
        self.laps[section] = self.laps.get(section, 0.0) + now - self._last
        self._last = now

    def __repr__(self) -> str:
        rows = [f"{name:<24}{seconds:6.1f} s" for name, seconds in self.laps.items()]
        return "\n".join([*rows, f"{'all':<24}{sum(self.laps.values()):6.1f} s"])


def versions(model: VPUFormer | None = None) -> str:
    """What these results were made with, as lines of text."""
    rows = [("python", platform.python_version())]
    rows += [(name, _version(name)) for name in ("vpuformer", "torch", "numpy", "pillow")]
    rows.append(("threads", str(torch.get_num_threads())))
    if model is not None:
        rows.append(("device", next(model.parameters()).device.type))
        rows.append(("weights", str(getattr(model, "weights_hash", "none"))[:12]))
    return "\n".join(f"{name:<12}{value}" for name, value in rows)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed, used from its folder"
