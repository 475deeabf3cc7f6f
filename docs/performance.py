"""The tables and plots of docs/performance.md: `python docs/performance.py` writes them anew.

The numbers are those of results/benchmark.json; tests/test_benchmark.py compares page and file.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vpucourse.curves import lines
from vpuformer.benchmark import REFERENCES
from vpuformer.config import PRESETS, preset
from vpuformer.drawing import palette
from vpuformer.drawing.curves import DPI, sheet, style

HERE = Path(__file__).resolve().parent
PAGE = HERE / "performance.md"
RESULTS = json.loads((HERE.parent / "results" / "benchmark.json").read_text("utf-8"))
RECORDS: list[dict[str, Any]] = RESULTS["records"]
PRECISIONS = ("float32", "bfloat16")
STAGES = ("intake", "encode", "pue", "dma", "decoder", "upsampling", "rest")
NAMES = {"pue": "PuE", "dma": "DMA"}
THEIRS_PUE = {"click": "15.5", "box": "55.6"}  # CPU-ms of the authors' loops, 32 x 48 slots
BATCH = 32


def record(sweep: str, **wanted: Any) -> dict[str, Any] | None:
    """The one record of a sweep with these settings; None when it was not measured."""
    found = [
        r for r in RECORDS if r["sweep"] == sweep and all(r[k] == v for k, v in wanted.items())
    ]
    return found[0] if found else None


def number(r: dict[str, Any] | None, *path: str) -> float | None:
    """A number inside a record."""
    for key in path:
        r = None if r is None else r.get(key)  # pyright: ignore[reportAssignmentType]
    return r  # pyright: ignore[reportReturnType]


def text(value: float | None, digits: int = 1) -> str:
    """A number for a cell; a dash where nothing was measured."""
    return "–" if value is None else f"{value:,.{digits}f}"


def both(sweep: str, *path: str, digits: int = 1, **wanted: Any) -> str:
    """float32 / bfloat16."""
    values = (number(record(sweep, precision=p, **wanted), *path) for p in PRECISIONS)
    return " / ".join(text(value, digits) for value in values)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right of their names."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def measured(sweep: str) -> list[tuple[str, str]]:
    """The presets and fusions of a sweep, in the order of PRESETS."""
    pairs = [(name, fusion) for name in PRESETS for fusion in ("early", "late")]
    return [p for p in pairs if record(sweep, preset=p[0], fusion=p[1])]


def beyond_upsampling(r: dict[str, Any] | None) -> float | None:
    """A further prompt's CPU-ms up to the answer in the frame."""
    whole, upsampling = (number(r, "cpu_ms", "further", k) for k in ("all", "upsampling"))
    return None if whole is None or upsampling is None else whole - upsampling


def ratio(a: float | None, b: float | None) -> float | None:
    """How many times as large; None when one is missing."""
    return None if a is None or b is None else a / b


def _targets() -> list[tuple[str, float, int, Callable[[str], float | None]]]:
    """Target, bound, digits, and its measured value by precision."""

    def prompt(name: str, fusion: str, which: str, scale: float = 1.0) -> Callable[[str], Any]:
        def value(precision: str) -> float | None:
            r = record("presets", preset=name, fusion=fusion, precision=precision)
            found = number(r, "cpu_ms", which, "all")
            return None if found is None else found / scale

        return value

    def step(precision: str) -> float | None:
        r = record("training", preset="vit_b", count=2, precision=precision)
        found = number(r, "cpu_ms", "step", "all")
        return None if found is None else found / 1000

    def vectors(kinds: str) -> Callable[[str], float | None]:
        return lambda precision: number(
            record("pue", kinds=kinds, precision=precision), "cpu_ms", "vectors", "all"
        )

    def growth(precision: str) -> float | None:
        many, one = (record("prompts", count=n, precision=precision) for n in (100, 1))
        return ratio(*(number(r, "cpu_ms", "further", "all") for r in (many, one)))

    def photo(cost: Callable[[Any], float | None]) -> Callable[[str], float | None]:
        def value(precision: str) -> float | None:
            large, small = (record("sides", photo=[s, s], precision=precision) for s in (4096, 512))
            return ratio(cost(large), cost(small))

        return value

    def peak(precision: str) -> float | None:
        found = number(record("sides", photo=[4096, 4096], precision=precision), "peak_mb")
        return None if found is None else found / 1024

    theirs = "(the authors' code 2.2, SimpleClick 2.0-2.15)"
    return [
        ("`lite0`, first prompt, ms", 150, 1, prompt("lite0", "late", "first")),
        ("`lite0`, further prompt, ms", 45, 1, prompt("lite0", "late", "further")),
        (
            f"`vit_b` early, a click, s {theirs}",
            2.0,
            2,
            prompt("vit_b", "early", "further", 1e3),
        ),
        ("`vit_b` late, further prompt, s", 0.35, 2, prompt("vit_b", "late", "further", 1e3)),
        ("`vit_b` forward + backward, batch 2, s (the authors' code 15.1)", 10, 1, step),
        ("PuE, 48 clicks x 32 photos, ms (theirs 15.5)", 3, 1, vectors("click")),
        ("PuE, 48 boxes x 32 photos, ms (theirs 55.6)", 3, 1, vectors("box")),
        ("100 prompts at once cost as much as one, times", 100, 1, growth),
        (
            "4096 px photo against 512 px, further prompt in the frame, times",
            1.5,
            2,
            photo(beyond_upsampling),
        ),
        (
            "the same with the mask in the photo's size, times",
            1.5,
            2,
            photo(lambda r: number(r, "cpu_ms", "further", "all")),
        ),
        ("4096 px photo, peak memory of the process, GB", 1.5, 2, peak),
    ]


def targets() -> str:
    """What was aimed at, and what came out."""
    rows = []
    for name, bound, digits, value in _targets():
        cells = []
        for precision in PRECISIONS:
            found = value(precision)
            met = "" if found is None else (" ✓" if found <= bound else " missed")
            cells.append(text(found, digits) + met)
        rows.append((name, f"≤ {bound:g}", *cells))
    return table(("target, one thread, 448 px", "bound", *PRECISIONS), rows)


def presets() -> str:
    """Cost of every preset in both fusions."""
    head = ("preset, fusion", "weights, M", "GFLOP first", "GFLOP further")
    head += ("first, CPU-ms", "further, CPU-ms", "further, wall-ms", "peak, MB")
    rows = []
    for name, fusion in measured("presets"):
        own: dict[str, Any] = {"preset": name, "fusion": fusion}
        r = record("presets", **own)
        weights = text(ratio(number(r, "parameters"), 1e6))
        flops = [text(number(r, "gflop", k)) for k in ("first", "further")]
        times = [both("presets", "cpu_ms", k, "all", **own) for k in ("first", "further")]
        wall = both("presets", "wall_ms", "further", "all", **own)
        peak = both("presets", "peak_mb", digits=0, **own)
        rows.append((f"`{name}` {fusion}", weights, *flops, *times, wall, peak))
    return table(head, rows)


def stages(which: str) -> str:
    """Where the time of a first or a further prompt goes."""
    rows = []
    for name, fusion in measured("presets"):
        path = ("cpu_ms", which)
        own: dict[str, Any] = {"preset": name, "fusion": fusion}
        spent = [both("presets", *path, stage, **own).replace("– / –", "") for stage in STAGES]
        rows.append((f"`{name}` {fusion}", *spent))
    return table((f"{which} prompt, CPU-ms", *(NAMES.get(s, s) for s in STAGES)), rows)


def prompts() -> str:
    """A round that brings 1 to 100 prompts at once."""
    head = ("prompts at once", "CPU-ms", "wall-ms", "PuE", "DMA", "decoder", "GFLOP")
    rows = []
    for count in sorted({r["count"] for r in RECORDS if r["sweep"] == "prompts"}):
        times = [both("prompts", unit, "further", "all", count=count) for unit in UNITS]
        parts = [both("prompts", "cpu_ms", "further", k, count=count) for k in STAGES[2:5]]
        flops = text(number(record("prompts", count=count), "gflop", "further"), 2)
        rows.append((f"{count}", *times, *parts, flops))
    return table(head, rows)


UNITS = ("cpu_ms", "wall_ms")


def sides() -> str:
    """Photos of 256 to 4096 pixels a side."""
    head = ("photo, px", "first, CPU-ms", "of it intake", "further, CPU-ms", "of it upsampling")
    rows = []
    for side in sorted({r["photo"][0] for r in RECORDS if r["sweep"] == "sides"}):
        photo = [side, side]
        cells = [
            both("sides", "cpu_ms", which, key, photo=photo)
            for which, key in (
                ("first", "all"),
                ("first", "intake"),
                ("further", "all"),
                ("further", "upsampling"),
            )
        ]
        wall = both("sides", "wall_ms", "further", "all", photo=photo)
        peak = both("sides", "peak_mb", digits=0, photo=photo)
        rows.append((f"{side} x {side}", *cells, wall, peak))
    return table((*head, "further, wall-ms", "peak, MB"), rows)


def pue() -> str:
    """The vectors of 48 prompts on each of 32 photos."""
    found = [r for r in RECORDS if r["sweep"] == "pue"]
    rows = [
        (r["kinds"], text(r["cpu_ms"]["vectors"]["all"], 2), THEIRS_PUE.get(r["kinds"], ""))
        for r in found
    ]
    return table(("48 prompts x 32 photos", "CPU-ms", "the authors' loops, CPU-ms"), rows)


def estimate(name: str, precision: str) -> tuple[float | None, float | None]:
    """CPU-s and GB of a step at batch 32, from what batches of 1 and 2 took."""
    one, two = (record("training", preset=name, count=n, precision=precision) for n in (1, 2))
    seconds = number(two, "cpu_ms", "step", "all")
    a, b, weights = number(one, "peak_mb"), number(two, "peak_mb"), number(two, "parameters")
    if None in (seconds, a, b, weights):
        return None, None
    megabytes = b + (BATCH - 2) * (b - a) + 8 * weights / 2**20  # Adam's two moments
    return seconds / 1000 * BATCH / 2, megabytes / 1024


def training() -> str:
    """Forward and backward of one round, measured at batch 2 and estimated at batch 32."""
    head = ("preset", "batch 2, CPU-s", "of it backward", "batch 2, peak MB", "GFLOP, batch 2")
    rows = []
    for name in (n for n in PRESETS if record("training", preset=n)):
        own: dict[str, Any] = {"preset": name, "count": 2}
        values = [[record("training", precision=p, **own) for p in PRECISIONS]] * 2
        keys = ("all", "backward")
        times = [
            " / ".join(
                text(None if (v := number(r, "cpu_ms", "step", key)) is None else v / 1000, 2)
                for r in found
            )
            for found, key in zip(values, keys, strict=True)
        ]
        peak = both("training", "peak_mb", digits=0, **own)
        once = record("presets", preset=name, fusion=preset(name).fusion)
        flops = text(6 * (number(once, "gflop", "first") or math.nan), 0)  # 2 samples, thrice
        guesses = zip(*(estimate(name, p) for p in PRECISIONS), strict=True)
        guessed = [" / ".join(text(v, 1) for v in pair) for pair in guesses]
        rows.append((f"`{name}`", *times, peak, flops, *guessed))
    return table((*head, "batch 32, CPU-s, estimated", "batch 32, GB, estimated"), rows)


def references() -> str:
    """Published models, measured earlier."""
    rows = [
        (name, *(f"{low}" if low == high else f"{low}-{high}" for low, high in spans))
        for name, spans in REFERENCES.items()
    ]
    return table(("not ours, float32, CPU-ms", "first prompt", "further prompt"), rows)


def source() -> str:
    """Command, day and device."""
    return f"`{RESULTS['command']}`, {RESULTS['date']}, {RESULTS['device']}."


ALT = {
    "presets": "Bars of the CPU time of a further prompt for each preset, split into stages, with "
    "early fusion on the left and late fusion on the right",
    "prompts": "Two curves, float32 and bfloat16, of the CPU time of a round over the number of "
    "prompts it brings, from 1 to 100",
    "sides": "Four curves of the CPU time of a further prompt over the photo's side: flat in the "
    "frame, rising with the mask's upsampling",
}


def section(sweep: str, make: Callable[[], str]) -> str:
    """A sweep's plot and table, or that it was not measured."""
    if not any(r["sweep"] == sweep for r in RECORDS):
        return "Not measured yet."
    plot = f"![{ALT[sweep]}](performance/{sweep}.png)\n\n" if sweep in PLOTS else ""
    return plot + make()


TABLES: dict[str, Callable[[], str]] = {
    "source": source,
    "targets": targets,
    "presets": lambda: section("presets", presets),
    "first": lambda: stages("first"),
    "further": lambda: stages("further"),
    "prompts": lambda: section("prompts", prompts),
    "sides": lambda: section("sides", sides),
    "pue": lambda: section("pue", pue),
    "training": lambda: section("training", training),
    "references": references,
}


def between(page: str, name: str, words: str) -> str:
    """The page with other words between a name's two markers."""
    begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    if len(pattern.findall(page)) != 1:
        raise ValueError(f"The page needs {begin} and {end} exactly once.")
    return pattern.sub(lambda _: f"{begin}\n\n{words}\n\n{end}", page)


def filled(page: str) -> str:
    """The page with every table between its two markers made anew."""
    for name, make in TABLES.items():
        page = between(page, name, make())
    return page


LOOKS = {
    "intake": (palette.RULE, ""),
    "encode": (palette.PARTS["encoder"], ""),
    "pue": (palette.PARTS["pue"], "//"),
    "dma": (palette.PARTS["dma"], ""),
    "decoder": (palette.PARTS["decoder"], ".."),
    "upsampling": (palette.GREY, ""),
    "rest": (palette.PAPER, "xx"),
}


def presets_plot() -> Figure:
    """Stages of a further prompt, a bar a preset, early and late fusion side by side."""
    found = measured("presets")
    names = [n for n in reversed(PRESETS) if any(n == p for p, _ in found)]
    title = "Late fusion spares every further prompt the encoder (float32, one thread)"
    figure = sheet(1.3 + 0.26 * len(names), title)
    with style():
        for ax, fusion in zip(figure.subplots(1, 2, sharey=True), ("early", "late"), strict=True):
            left = np.zeros(len(names))
            own: dict[str, Any] = {"fusion": fusion, "precision": "float32"}
            rs = [record("presets", preset=n, **own) for n in names]
            for stage in STAGES:
                wide = [number(r, "cpu_ms", "further", stage) or 0.0 for r in rs]
                colour, hatch = LOOKS[stage]
                look = {"color": colour, "hatch": hatch, "edgecolor": palette.INK, "lw": 0.4}
                ax.barh(names, wide, 0.62, left=left, label=NAMES.get(stage, stage), **look)
                left += wide
            for name, whole in zip(names, left, strict=True):
                ax.text(whole + 0.02 * left.max(), name, f"{whole:,.0f}", va="center")
            ax.set_xlim(0, 1.2 * left.max())
            ax.set_title(f"{fusion} fusion", loc="left")
            ax.set_xlabel("further prompt, CPU-ms")
        handles, labels = ax.get_legend_handles_labels()
        look = {"ncols": len(labels), "frameon": False, "columnspacing": 1.0}
        figure.legend(handles, labels, loc="outside lower center", handlelength=1.2, **look)
    return figure


def prompts_plot() -> Figure:
    """A round's cost over the number of prompts it brings."""
    counts = sorted({r["count"] for r in RECORDS if r["sweep"] == "prompts"})
    runs = {
        p: [number(record("prompts", count=n, precision=p), "cpu_ms", "further", "all") or 0.0
            for n in counts]
        for p in PRECISIONS
    }  # fmt: skip
    times = max(run[-1] / run[0] for run in runs.values())
    title = f"{counts[-1]} prompts at once cost at most {times:.1f} times what one costs"
    words = {"xlabel": "prompts in the round", "ylabel": "lite0, CPU-ms"}
    figure = lines(runs, counts, title=title, **words)
    figure.axes[0].set_ylim(0, None)
    figure.axes[0].set_xlim(0, 1.22 * counts[-1])
    figure.axes[0].set_xticks([1, *counts[3:]])
    return figure


def sides_plot() -> Figure:
    """A further prompt's cost over the photo's side, in the frame and on the photo."""
    every = sorted({r["photo"][0] for r in RECORDS if r["sweep"] == "sides"})
    rs = {p: [record("sides", photo=[s, s], precision=p) for s in every] for p in PRECISIONS}
    runs: dict[str, list[float]] = {}
    for p, found in rs.items():
        runs[f"{p}, mask on the photo"] = [
            number(r, "cpu_ms", "further", "all") or 0 for r in found
        ]
        runs[f"{p}, in the frame"] = [beyond_upsampling(r) or 0 for r in found]
    title = "A larger photo costs a further prompt only the resizing of its mask"
    words = {"xlabel": "side of the photo, pixels", "ylabel": "lite0 further, CPU-ms"}
    figure = lines(runs, every, title=title, **words)
    figure.axes[0].set_ylim(0, None)
    figure.axes[0].set_xlim(0, 1.45 * every[-1])
    figure.axes[0].set_xticks(every, [str(s) if s != 512 else "" for s in every])
    return figure


DRAWN = {"presets": presets_plot, "prompts": prompts_plot, "sides": sides_plot}
STAGED = {r["sweep"] for r in RECORDS if "dma" in r["cpu_ms"].get("further", ())}
PLOTS = {name: draw for name, draw in DRAWN.items() if name in STAGED}


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
    (HERE / "performance").mkdir(exist_ok=True)
    for name, draw in PLOTS.items():
        path = HERE / "performance" / f"{name}.png"
        with style():
            draw().savefig(path, dpi=DPI)
        sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")
    words = [both("presets", "cpu_ms", k, "all", digits=0, preset="lite0", fusion="late")
             for k in ("first", "further")]  # fmt: skip
    sys.stdout.write(f"README, float32 / bfloat16: first {words[0]} ms, further {words[1]} ms\n")
