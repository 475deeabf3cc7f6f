"""What a prompt costs: CPU-seconds on one thread, stage by stage, beside published models."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class Reference:
    """CPU-milliseconds of a model that is not ours, at 448 px on one thread unless it says so."""

    name: str
    first_ms: tuple[float, float]
    further_ms: tuple[float, float]


REFERENCES = (  # measured with random weights, process_time, minimum of five, +-5-30 %
    Reference("PVPUFormer ViT-B (the authors' code)", (2200, 2200), (2200, 2200)),
    Reference("SimpleClick ViT-B", (2000, 2150), (2000, 2150)),
    Reference("RITM HRNet18s", (432, 432), (432, 432)),
    Reference("MobileSAM type, 1024 px", (1380, 1510), (80, 110)),
)


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


@dataclass
class _Clock:
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds.setdefault(stage, []).append(time.process_time() - start)

        return run

    def best_ms(self, stage: str) -> float:
        return round(1000 * min(self.seconds[stage]), 2)


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
    clock = _Clock()
    timed = {stage: getattr(model, stage) for stage in ("encode_image", "decode")}
    for stage, function in timed.items():
        object.__setattr__(model, stage, clock.timed(stage, function))
    try:
        with one_thread():
            for _ in range(repeats + 1):
                predictor = Predictor(model, precision=precision, zoom=ZoomConfig(mode="none"))
                clock.timed("first", _first)(predictor, image)
                for prompt in ROUNDS[1:]:
                    clock.timed("further", _answer)(predictor, prompt)
    finally:
        for stage in timed:
            object.__delattr__(model, stage)
    return Cost(
        preset=name,
        precision=precision,
        size=model.config.size,
        first_ms=clock.best_ms("first"),
        further_ms=clock.best_ms("further"),
        encode_ms=clock.best_ms("encode_image"),
        decode_ms=clock.best_ms("decode"),
        encodings=round(len(clock.seconds["encode_image"]) / (repeats + 1)),
    )


def _first(predictor: Predictor, image: np.ndarray) -> None:
    predictor.set_image(image)
    _answer(predictor, ROUNDS[0])


def _answer(predictor: Predictor, prompt: Prompt) -> None:
    prediction = predictor.add(prompt)
    assert prediction is not None
    prediction.mask  # noqa: B018 - computed on first use


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
        times = (c.first_ms, c.further_ms, c.encode_ms, c.decode_ms)
        table.append((f"{c.preset}, {c.size} px", c.precision, *(f"{t:.1f}" for t in times)))
    for r in REFERENCES:
        spans = (
            f"{a:.0f}" if a == b else f"{a:.0f}-{b:.0f}" for a, b in (r.first_ms, r.further_ms)
        )
        table.append((r.name, "float32", *spans, "", ""))
    return table


def to_json(costs: Sequence[Cost]) -> dict[str, Any]:
    """A record of costs and references, with the versions and the processor they belong to."""
    return {
        "unit": "CPU-ms, one thread, minimum",
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "image": list(IMAGE),
        "costs": [asdict(cost) for cost in costs],
        "references": [asdict(reference) for reference in REFERENCES],
    }
