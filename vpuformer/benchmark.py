"""What a prompt costs: CPU-seconds on one thread, stage by stage, beside published models."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from vpuformer.config import ZoomConfig
from vpuformer.model import VPUFormer, build, preset
from vpuformer.predictor import Predictor
from vpuformer.prompts import Box, Click, Prompt, Scribble
from vpuformer.weights import Precision

IMAGE = (480, 640)  # H, W
ROUNDS: tuple[Prompt, ...] = (
    Click(320, 240),
    Click(100, 400, positive=False),
    Box.from_corners(200, 100, 450, 380),
    Scribble(((220, 200), (320, 240), (430, 220))),
)


# CPU-ms, from and to, of a first and a further prompt of models that are not ours, at 448 px on
# one thread: random weights, process_time, minimum of five, +-5-30 %
REFERENCES = {
    "PVPUFormer ViT-B (the authors' code)": ((2200, 2200), (2200, 2200)),
    "SimpleClick ViT-B": ((2000, 2150), (2000, 2150)),
    "RITM HRNet18s": ((432, 432), (432, 432)),
    "MobileSAM type, 1024 px": ((1380, 1510), (80, 110)),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU-milliseconds of one preset in one precision, the smallest of several runs.

    `first_ms` is `set_image` and the first prompt up to the mask, `further_ms` a later prompt up to
    the mask; `encode_ms` and `decode_ms` are the network's share of them.
    """

    preset: str
    precision: str
    size: int
    first_ms: float
    further_ms: float
    encode_ms: float
    decode_ms: float
    encodings: int  # per conversation: 1 says that prompts never re-encode


def _timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """The same function, noting the CPU time of each call."""

    def run(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        answer = function(*args, **kwargs)
        seconds.append(time.process_time() - start)
        return answer

    return run


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measure(model: VPUFormer, name: str, precision: Precision, *, repeats: int = 5) -> Cost:
    """The cost of conversations of four rounds (click, click, box, scribble) without zoom."""
    image = np.random.default_rng(0).integers(0, 256, (*IMAGE, 3), dtype=np.uint8)
    seconds: dict[str, list[float]] = defaultdict(list)
    stages = ("encode_image", "decode")
    for stage in stages:
        object.__setattr__(model, stage, _timed(getattr(model, stage), seconds[stage]))
    try:
        with one_thread():
            for _ in range(repeats + 1):
                predictor = Predictor(model, precision=precision, zoom=ZoomConfig(mode="none"))
                _timed(_first, seconds["first"])(predictor, image)
                for prompt in ROUNDS[1:]:
                    _timed(_answer, seconds["further"])(predictor, prompt)
    finally:
        for stage in stages:
            object.__delattr__(model, stage)
    first, further, encode, decode = (
        round(1000 * min(seconds[key]), 2) for key in ("first", "further", *stages)
    )
    encodings = round(len(seconds["encode_image"]) / (repeats + 1))
    return Cost(name, precision, model.config.size, first, further, encode, decode, encodings)


def _first(predictor: Predictor, image: np.ndarray) -> None:
    predictor.set_image(image)
    _answer(predictor, ROUNDS[0])


def _answer(predictor: Predictor, prompt: Prompt) -> np.ndarray:
    return predictor.add(prompt).mask


def benchmark(
    presets: Sequence[str] = ("lite0", "tiny"),
    precisions: Sequence[Precision] = ("float32", "bfloat16"),
    *,
    size: int = 448,
    repeats: int = 5,
) -> list[Cost]:
    """CPU time per prompt of presets with random weights; the cost does not depend on them."""
    costs = []
    for name in presets:
        model = build(replace(preset(name), size=size)).eval()
        costs += [measure(model, name, p, repeats=repeats) for p in precisions]
    return costs


def rows(costs: Sequence[Cost]) -> list[tuple[str, ...]]:
    """Costs, then the references, as text: model, precision, first, further, encode, decode."""
    table: list[tuple[str, ...]] = []
    for c in costs:
        times = (f"{t:.1f}" for t in (c.first_ms, c.further_ms, c.encode_ms, c.decode_ms))
        table.append((f"{c.preset}, {c.size} px", c.precision, *times))
    for name, spans in REFERENCES.items():
        times = (f"{low}" if low == high else f"{low}-{high}" for low, high in spans)
        table.append((name, "float32", *times, "", ""))
    return table


def to_json(costs: Sequence[Cost]) -> dict[str, Any]:
    """A record of costs and references, with the versions and the processor they belong to."""
    return {
        "unit": "CPU-ms, one thread, minimum",
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "image": list(IMAGE),
        "costs": [asdict(cost) for cost in costs],
        "references": [
            {"name": name, "first_ms": first, "further_ms": further}
            for name, (first, further) in REFERENCES.items()
        ],
    }
