"""Notebook 04: an encoder's maps in false colours and as squares, and what a look costs here."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from vpucourse.curves import sheet, style
from vpuformer.drawing import palette
from vpuformer.model import Features, VPUFormer
from vpuformer.pue import PromptBatch

LINE = 0.58  # inches, height of one encoder's line
LARGEST = 0.52  # inches, side of the largest square


def ladder(rows: Mapping[str, Sequence[tuple[int, int, int]]], title: str = "") -> Figure:
    """One line an encoder, one square a map, as large as the map; beside it channels and side.

    Args:
        rows: name, of one or two lines → (channels, height, width) of each map.
        title: the finding.
    """
    figure = sheet(0.3 + LINE * len(rows), title)
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1 - 0.3 / figure.get_figheight()))
    ax.set(xlim=(0, 6.4), ylim=(-len(rows), 0))
    ax.axis("off")
    look = {"color": palette.PARTS["encoder"], "edgecolor": palette.INK, "lw": 0.6}
    largest = max(h for sizes in rows.values() for _, h, _ in sizes)
    for y, (name, sizes) in enumerate(rows.items()):
        first, *second = name.split("\n")
        ax.text(0.08, -y - 0.5 + 0.14 * len(second), first, va="center", weight="bold", size=9)
        ax.text(0.08, -y - 0.64, "".join(second), va="center", size=9)
        for i, (channels, h, _) in enumerate(sizes):
            place = i if len(sizes) > 1 else 2  # a single map is the one at 1/16
            left, wide = 1.14 + 1.36 * place, LARGEST * h / largest
            ax.bar(left, wide / LINE, wide, -y - 0.5 - wide / LINE / 2, align="edge", **look)
            ax.text(left + wide + 0.05, -y - 0.5, f"{channels} × {h}²", va="center", size=9)
    return figure


def by_weights(weights: Sequence[float], names: Sequence[str], title: str, **up: Any) -> Figure:
    """Points over millions of weights, one panel a quantity, both axes logarithmic.

    Args:
        weights: millions, one for each of `names`.
        names: written beside the points.
        title: the finding.
        up: values for each name, by what the axis says ("_" stands for a space).
    """
    figure = sheet(3.0, title)
    with style():
        panels = figure.subplots(1, len(up))
        for ax, (label, values) in zip(panels, up.items(), strict=True):
            ax.set(
                xlabel="weights (millions)", ylabel=label.replace("_", " "), xlim=(0.12, 900)
            )
            for i, (x, y, name) in enumerate(zip(weights, values, names, strict=True)):
                ax.loglog(x, y, palette.MARKERS[i % 5], ms=7, color=palette.CURVES[i % 5])
                ax.annotate(name, (x, y), (7, -9 if i == 1 else 2), textcoords="offset points")
            ax.margins(y=0.12)
    return figure


def seconds(
    *calls: Callable[[], Any], repeats: int = 3, threads: int | None = None
) -> list[float]:
    """The shortest time of each call, taken in turns so that a busy moment hits all of them.

    Args:
        calls: what to time.
        repeats: how often each is called.
        threads: how many of torch's threads may work; as many as elsewhere by default.
    """
    best, usual = [float("inf")] * len(calls), torch.get_num_threads()
    torch.set_num_threads(threads or usual)
    try:
        with torch.inference_mode():
            for _ in range(repeats):
                for i, call in enumerate(calls):
                    start = time.perf_counter()
                    call()
                    best[i] = min(best[i], time.perf_counter() - start)
    finally:
        torch.set_num_threads(usual)
    return best


def work_of(call: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """What a call gives, and its work in billions of products."""
    with torch.inference_mode(), FlopCounterMode(display=False) as count:
        found = call(*given)
    return found, count.get_total_flops() / 2e9


def colours(features: torch.Tensor) -> np.ndarray:
    """Features `[C, h, w]` as an RGB picture uint8 `[h, w, 3]` of their three main directions."""
    flat = features.flatten(1).T - features.flatten(1).mean(1)  # L C
    main = flat @ torch.linalg.svd(flat, full_matrices=False)[2][:3].T
    low, high = main.quantile(0.02, 0), main.quantile(0.98, 0)
    grid = ((main - low) / (high - low)).clamp(0, 1).unflatten(0, features.shape[1:])
    return (255 * grid).byte().numpy()


def share_of(mask: np.ndarray, features: torch.Tensor) -> float:
    """Share of the variance of features `[C, h, w]` that lies between a mask's inside and outside.

    Args:
        mask: bool `[H, W]`, of the whole picture.
        features: of the same picture, on a coarser grid.
    """
    height, width = features.shape[1:]
    on = F.adaptive_avg_pool2d(torch.tensor(mask / 1)[None], (height, width))[0] > 0.5
    mean = features.flatten(1).mean(1)  # C
    gaps = [
        (of.mean(1) - mean).square().sum() * of.shape[1]
        for of in (features[:, on], features[:, ~on])
    ]
    return float(sum(gaps) / (features - mean[:, None, None]).square().sum())


def received(
    model: VPUFormer, features: Features, prompts: PromptBatch, last: torch.Tensor | None
) -> torch.Tensor:
    """What DMA gets of one picture when the last mask is `last`: `[D, h, w]` at 1/16."""
    seen: list[torch.Tensor] = []
    handle = model.dma.register_forward_pre_hook(lambda _, given: seen.append(given[1][0]))
    model.decode(features, prompts, last)
    handle.remove()
    return seen[0].T.unflatten(1, features.x16.shape[-2:])
