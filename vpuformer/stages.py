"""What each stage of a prompt costs, by prompts and image sides, with weights, FLOPs and memory."""

import multiprocessing
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from vpuformer.benchmark import Clock, one_thread
from vpuformer.config import ModelConfig, ZoomConfig
from vpuformer.model import VPUFormer, build
from vpuformer.predictor import Predictor
from vpuformer.prompts import Click, Prompt
from vpuformer.pue import PromptBatch

STAGES = ("first", "further", "intake", "encode", "pue", "dma", "decoder", "rest", "upsampling")


@dataclass(frozen=True, slots=True)
class StageCost:
    """What one preset costs, stage by stage, in a process of its own.

    CPU-milliseconds on one thread, float32, each the smallest of several conversations: `intake`
    (image to frame), `encode`, then of a further prompt `pue`, `dma`, `decoder`, `rest` of the
    network (mask fusion, embedding) and `upsampling` (the mask at the image's own size).
    """

    preset: str
    fusion: str
    size: int  # side of the frame
    prompts: int  # in the first round; each further round adds one
    side: int  # longer side of the image, 4:3
    parameters: int
    encode_gflop: float
    decode_gflop: float
    peak_mb: float  # resident, weights and torch included
    ms: dict[str, float]


def stage_cost(config: ModelConfig, prompts: int, side: int, repeats: int = 5) -> StageCost:
    """The stages of one model in this process; random weights."""
    model, clock = build(config).eval(), Clock()
    parts = {"pue": (model, "_vectors"), "dma": (model.dma, "forward")}
    parts |= {"decoder": (model.decoder, "forward"), "encode": (model, "encode_image")}
    parts["decode"] = (model, "decode")
    flops = _flops(model, prompts)
    for stage, (owner, method) in parts.items():
        object.__setattr__(owner, method, clock.timed(stage, getattr(owner, method)))
    image = np.random.default_rng(0).integers(0, 256, (side * 3 // 4, side, 3), dtype=np.uint8)
    with one_thread():
        laps = [_conversation(model, clock, image, prompts) for _ in range(repeats + 1)]
    return StageCost(
        preset=config.encoder,
        fusion=config.fusion,
        size=config.size,
        prompts=prompts,
        side=side,
        parameters=sum(p.numel() for p in model.parameters()),
        encode_gflop=flops[0],
        decode_gflop=flops[1],
        peak_mb=_peak_mb(),
        ms={stage: round(min(lap[stage] for lap in laps), 2) for stage in STAGES},
    )


def _conversation(
    model: VPUFormer, clock: Clock, image: np.ndarray, prompts: int
) -> dict[str, float]:
    """CPU-milliseconds of each stage of an image's first round and of one further prompt."""
    predictor = Predictor(model, precision="float32", zoom=ZoomConfig(mode="none"))
    for stage in list(clock.seconds):
        clock.take_ms(stage)
    clicks = _clicks(prompts + 1, image.shape[1], image.shape[0])
    clock.timed("first", predictor.set_image)(image)
    clock.timed("first", _round)(predictor, clicks[:-1])
    lap = {stage: clock.take_ms(stage) for stage in ("first", "encode")}
    outside = lap["first"] - lap["encode"] - clock.take_ms("decode")
    for stage in ("pue", "dma", "decoder"):
        clock.take_ms(stage)
    clock.timed("further", _round)(predictor, clicks[-1:])
    lap["further"], decode = clock.take_ms("further"), clock.take_ms("decode")
    lap["upsampling"] = lap["further"] - clock.take_ms("encode") - decode
    lap["intake"] = outside - lap["upsampling"]
    clock.seconds["pue"] = clock.seconds["pue"][-1:]  # early fusion may ask for them twice
    lap |= {stage: clock.take_ms(stage) for stage in ("pue", "dma", "decoder")}
    lap["rest"] = decode - lap["pue"] - lap["dma"] - lap["decoder"]
    return lap


def _clicks(count: int, width: int, height: int) -> list[Prompt]:
    places = np.random.default_rng(1).random((count, 2)) * (width - 1, height - 1)
    return [Click(float(x), float(y), positive=i % 3 != 2) for i, (x, y) in enumerate(places)]


def _round(predictor: Predictor, prompts: Sequence[Prompt]) -> None:
    prediction = predictor.add(*prompts)
    assert prediction is not None
    prediction.mask  # noqa: B018 - computed on first use


def _flops(model: VPUFormer, prompts: int) -> tuple[float, float]:
    """GFLOP (two per multiply-add) of encoding and of decoding."""
    side, counts = model.config.size, []
    batch = PromptBatch.of([_clicks(prompts, side, side)])
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            features = model.encode_image(torch.zeros(1, 3, side, side))
        counts.append(counter.get_total_flops())
        with FlopCounterMode(display=False) as counter:
            model.decode(features, batch)
        counts.append(counter.get_total_flops())
    return round(counts[0] / 1e9, 2), round(counts[1] / 1e9, 2)


def _peak_mb() -> float:
    """The largest resident memory of this process; nan where the system does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def stage_costs(
    configs: Sequence[ModelConfig],
    prompts: Sequence[int] = (1,),
    sides: Sequence[int] = (512,),
    *,
    repeats: int = 5,
) -> list[StageCost]:
    """Every combination, each in a fresh process, so that its peak memory is its own."""
    jobs = [(c, n, side, repeats) for c in configs for n in prompts for side in sides]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.starmap(stage_cost, jobs, chunksize=1)


def stage_table(costs: Sequence[StageCost]) -> list[tuple[str, ...]]:
    """A head and one row a cost, as text."""
    head = ("model", "fusion", "prompts", "image", "M weights", "GFLOP encode", "decode")
    rows: list[tuple[str, ...]] = [(*head, *(f"{s} ms" for s in STAGES), "peak MB")]
    for c in costs:
        about = (c.preset, c.fusion, str(c.prompts), str(c.side), f"{c.parameters / 1e6:.1f}")
        flops = (f"{c.encode_gflop:.1f}", f"{c.decode_gflop:.1f}")
        times = (f"{c.ms[stage]:.1f}" for stage in STAGES)
        rows.append((*about, *flops, *times, f"{c.peak_mb:.0f}"))
    return rows


def markdown(costs: Sequence[StageCost], command: str) -> str:
    """The table as Markdown, with the command, the device and the date under it."""
    head, *rows = stage_table(costs)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "|" + "---|" * len(head)
    where = f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
    made = f"`{command}`, torch {torch.__version__}, {where}, {date.today().isoformat()}."
    return "\n".join(["| " + " | ".join(head) + " |", rule, *lines, "", made, ""])
