"""What a prompt and a training step cost, stage by stage, beside published models."""

import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop, sdpa_flop

from vpuformer import predictor as talking
from vpuformer.config import PRESETS, LossConfig, ZoomConfig, preset
from vpuformer.imaging import Frame
from vpuformer.losses import total_loss
from vpuformer.model import VPUFormer, build
from vpuformer.network.dma import DMA
from vpuformer.network.embedding import PromptEmbedding
from vpuformer.prompts import Box, Click, Prompt, Scribble
from vpuformer.pue import PromptBatch, encode_batch

Record = dict[str, Any]
Plays = Iterator[tuple[str, Callable[[], Any]]]  # what is done, by name, to be done in turn
# What the counter leaves out on the processor; it unpacks the shapes itself.
_FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_BACK = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
_ATTENTION = {_FLASH: sdpa_flop.__wrapped__, _BACK: sdpa_backward_flop.__wrapped__}

# Where a stage's time is spent; what a nested one takes is not counted twice.
STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "intake": ((talking.Predictor, "set_image"), (Frame, "picture")),
    "encode": ((VPUFormer, "encode_image"),),
    "pue": ((PromptBatch, "of"), (VPUFormer, "_vectors")),
    "dma": ((PromptEmbedding, "forward"), (DMA, "forward")),
    "decoder": ((VPUFormer, "decode"),),
    "upsampling": ((Frame, "spread"),),
    "backward": ((torch.Tensor, "backward"),),
}
PHOTO = (480, 640)  # H, W
STROKE = Scribble(tuple((220.0 + 11 * i, 240 + 40 * float(np.sin(i / 3))) for i in range(20)))
CLICKS: tuple[Prompt, ...] = (Click(320, 240), Click(100, 400, positive=False))
ROUNDS = (*CLICKS, Box.from_corners(200, 100, 450, 380), STROKE)
KINDS = {"click": CLICKS, "box": ROUNDS[2:3], "scribble": ROUNDS[3:], "mixed": ROUNDS}

# CPU-ms, from and to, of a first and a further prompt of models that are not ours, at 448 px on
# one thread: random weights, process_time, minimum of five, +-5-30 %
REFERENCES = {
    "PVPUFormer ViT-B (the authors' code)": ((2200, 2200), (2200, 2200)),
    "SimpleClick ViT-B": ((2000, 2150), (2000, 2150)),
    "RITM HRNet18s": ((432, 432), (432, 432)),
    "MobileSAM type, 1024 px": ((1380, 1510), (80, 110)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is measured: a preset at a frame side on a photo `[H, W]`, and how it is prompted.

    `count` 0 is a conversation of a click, a click, a box and a scribble, each a round; otherwise a
    further round brings that many prompts at once. In training it is the batch, for PuE alone the
    prompts of each of 32 pictures.
    """

    sweep: str = "quick"
    preset: str
    precision: Literal["float32", "bfloat16"] = "float32"
    fusion: Literal["early", "late"] = "late"
    size: int = 448
    photo: tuple[int, int] = PHOTO
    count: int = 0
    kinds: str = "mixed"
    repeats: int = 3


class Clock:
    """Time spent in each stage by one kind of clock; a stage inside another counts for itself."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now, self.spent, self._inner = now, defaultdict[str, float](float), [0.0]

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time noted under `stage`."""

        def run(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            start = self.now()
            answer = function(*args, **kwargs)
            whole = self.now() - start
            self.spent[stage] += whole - self._inner.pop()
            self._inner[-1] += whole
            return answer

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Every stage of `STAGES` timed inside the block."""
        with ExitStack() as stack:
            for stage, places in STAGES.items():
                for owner, name in places:
                    stack.callback(setattr, owner, name, vars(owner)[name])
                    setattr(owner, name, self.timed(stage, getattr(owner, name)))
            yield


def told(case: Case, seed: int = 0) -> list[Prompt]:
    """`count` prompts of the case's kinds in turn, each moved at random, on its photo."""
    rng, kinds = np.random.default_rng(seed), KINDS[case.kinds]
    moved = (kinds[i % len(kinds)].moved(*rng.uniform(-90, 70, 2)) for i in range(case.count))
    return [prompt.rescaled(PHOTO, case.photo) for prompt in moved]


def _prompting(model: VPUFormer, case: Case) -> Plays:
    """The rounds of a conversation without zoom."""
    photo = np.random.default_rng(0).integers(0, 256, (*case.photo, 3), dtype=np.uint8)
    predictor = talking.Predictor(model, precision=case.precision, zoom=ZoomConfig(mode="none"))
    first, *others = (p.rescaled(PHOTO, case.photo) for p in ROUNDS)
    yield "first", lambda: (predictor.set_image(photo), predictor.add(first).mask)
    if case.count:
        predictor.reset()  # the encoding stays
    for prompts in [told(case)] if case.count else [[p] for p in others]:
        yield "further", partial(lambda new: predictor.add(*new).mask, prompts)


def _pue(model: VPUFormer, case: Case) -> Plays:
    """The vectors of `count` prompts on each of 32 pictures."""
    batch = PromptBatch.of([told(case, seed) for seed in range(32)])
    for _ in range(10):
        yield "vectors", lambda: encode_batch(batch, case.photo, model.config.pue)


def _training(model: VPUFormer, case: Case) -> Plays:
    """Forward and backward of one round on `count` crops; no optimizer."""
    images = torch.rand(case.count, 3, case.size, case.size)
    target, prompts = images[:, :1].round(), PromptBatch.of([ROUNDS[:1]] * case.count)

    def step() -> None:
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=case.precision == "bfloat16"):
            features = model.encode_image(images, target, prompts)
            answer: Any = model.decode(features, prompts, target, details=True)
        total_loss(answer, prompts, target, config=LossConfig())[0].mean().backward()

    yield "step", step


def measure(case: Case) -> Record:
    """What a case costs; for a fresh process: its peak is read, torch is left on one thread.

    CPU time is that of one thread, wall time that of all; the smallest of all repeats counts, and
    the stages are its own, "rest" what lies between them. The peak includes Python and torch.
    """
    config = replace(preset(case.preset), size=case.size, fusion=case.fusion)
    model = build(config).train(case.sweep == "training")
    way = {"pue": _pue, "training": _training}.get(case.sweep, _prompting)
    record = asdict(case) | {"gflop": {}, "parameters": sum(p.numel() for p in model.parameters())}
    if case.sweep in ("presets", "prompts", "sides"):
        record["wall_ms"] = _smallest(partial(way, model, case), case.repeats, time.perf_counter)
    torch.set_num_threads(1)
    for name, play in way(model, case):
        with FlopCounterMode(display=False, custom_mapping=_ATTENTION) as counter:
            play()
        record["gflop"][name] = round(counter.get_total_flops() / 1e9, 4)
    record["cpu_ms"] = _smallest(partial(way, model, case), case.repeats, time.process_time)
    return record | {"peak_mb": _peak_mb()}


def _smallest(plays: Callable[[], Plays], repeats: int, now: Callable[[], float]) -> Record:
    """The shortest play of each name, by stages and their sum "all", in ms."""
    found: Record = {}
    for name, play in (pair for _ in range(repeats) for pair in plays()):
        clock = Clock(now)
        with clock.watching():
            clock.timed("rest", play)()
        stages = {stage: round(1000 * spent, 2) for stage, spent in clock.spent.items()}
        stages["all"] = round(sum(stages.values()), 2)
        found[name] = min(stages, found.get(name, stages), key=lambda one: one["all"])
    return found


def _peak_mb() -> int | None:
    """The most memory this process has held; None where the system does not say (Windows)."""
    if sys.platform == "win32":
        return None
    from resource import RUSAGE_SELF, getrusage

    return getrusage(RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)


def cases(sweep: str, presets: Sequence[str] = (), **settings: Any) -> list[Case]:
    """The cases of a sweep, of one preset where it varies something else; `settings` as in Case."""
    usual = {"quick": ("lite0", "tiny"), "presets": PRESETS, "training": PRESETS}
    names = (presets or usual.get(sweep, ("lite0",)))[: None if sweep in usual else 1]
    vary: dict[str, list[dict[str, Any]]] = {
        "presets": [{"fusion": fusion} for fusion in ("early", "late")],
        "prompts": [{"count": count} for count in (1, 2, 5, 10, 20, 50, 100)],
        "sides": [{"photo": (side, side)} for side in (256, 512, 1024, 2048, 4096)],
        "pue": [{"count": 48, "kinds": kinds} for kinds in KINDS],
        "training": [{"count": batch} for batch in (1, 2)],
    }
    kinds: Any = ("float32", "bfloat16")[: 1 if sweep == "pue" else 2]
    pairs = [(n, p) for n in names for p in kinds]
    found = [Case(preset=n, precision=p, fusion=preset(n).fusion, **settings) for n, p in pairs]
    return [replace(c, sweep=sweep, **more) for c in found for more in vary.get(sweep, [{}])]


def run(chosen: Sequence[Case]) -> Iterator[Record]:
    """The record of each case, with random weights: the cost does not depend on them."""
    context = get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload([__name__])  # torch is imported once
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        yield from pool.map(measure, chosen)


def rows(records: Sequence[Record]) -> list[tuple[str, ...]]:
    """Prompting records, then the references, as text: model, precision, times, peak."""
    table: list[tuple[str, ...]] = []
    for r in (r for r in records if "further" in r["cpu_ms"]):
        a, b = r["cpu_ms"]["first"], r["cpu_ms"]["further"]
        times = [f"{t:.1f}" for t in (a["all"], b["all"], a["encode"], b["dma"])]
        label = f"{r['preset']} {r['fusion']}" + f" x{r['count']}" * (r["count"] > 0)
        table.append((label, r["precision"], *times, f"{r['peak_mb']}"))
    for name, spans in REFERENCES.items():
        times = (f"{low}" if low == high else f"{low}-{high}" for low, high in spans)
        table.append((name, "float32", *times, "", "", ""))
    return table


def to_json(records: Sequence[Record]) -> Record:
    """What was measured, with the command, the day and the device."""
    words = (torch.backends.cpu.get_cpu_capability(), platform.machine(), torch.__version__)
    device = "{}, {}, torch {}, {} threads".format(*words, torch.get_num_threads())
    when = {"command": " ".join(["vpuformer", *sys.argv[1:]]), "date": date.today().isoformat()}
    return {**when, "device": device, "records": list(records)}
