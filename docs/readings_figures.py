"""One figure and one number for each reading: `python docs/readings_figures.py` writes them.

The figures go to docs/readings/, the numbers to the screen; tests/test_readings.py computes the
numbers anew and looks for them in docs/readings.md.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch.utils.flop_counter import FlopCounterMode

from vpucourse import photo
from vpucourse.scenes import scene
from vpuformer.config import DmaConfig, ModelConfig, PueConfig, preset
from vpuformer.drawing import palette
from vpuformer.drawing.curves import DPI, sheet, style
from vpuformer.model import build
from vpuformer.network.dma import DMA
from vpuformer.prompts import Box, Click, Prompt, Scribble
from vpuformer.pue import PromptBatch, encode

FOLDER = Path(__file__).with_name("readings")
SIDE = 448
SIZE = (SIDE, SIDE)
SINE = Scribble([(x, 100 + 30 * np.sin(x / 28.65)) for x in range(130, 311, 3)])
ZIGZAG = Scribble([(60, 60), (380, 130), (80, 200), (380, 280), (120, 380)])
HATCHES = ("", "//", "..")
Finding = tuple[str, Figure]


def q_h(prompt: Prompt, image: torch.Tensor | None = None, **options: object) -> np.ndarray:
    """The horizontal part of a prompt's vector, [448]."""
    generator = torch.Generator().manual_seed(int(options.pop("seed", 0)))
    config = PueConfig(**options)
    return encode([prompt], SIZE, config, image, generator)[0, :SIDE].numpy()


def panels(title: str, count: int, height: float = 2.1) -> tuple[Figure, list[Axes]]:
    """A sheet of `count` panels in a row."""
    figure = sheet(height, title)
    with style():
        return figure, list(np.atleast_1d(figure.subplots(1, count, sharey=True)))


def curves(title: str, vectors: Mapping[str, np.ndarray]) -> Figure:
    """Vectors over the grid, a panel each."""
    figure, axes = panels(title, len(vectors))
    with style():
        for ax, (caption, vector) in zip(axes, vectors.items(), strict=True):
            ax.plot(vector, color=palette.CURVES[0], lw=1.4)
            ax.set_title(caption, loc="left")
            ax.set(ylim=(-0.05, 1.12), xlim=(0, SIDE - 1), xlabel="x (grid cells)")
        axes[0].set_ylabel("q_h")
    return figure


def columns(title: str, groups: Mapping[str, Mapping[str, float]], ylabel: str) -> Figure:
    """Groups of bars with their values on top."""
    figure, (ax,) = panels(title, 1)
    names = list(next(iter(groups.values())))
    width = 0.8 / len(names)
    with style():
        for j, name in enumerate(names):
            values = [group[name] for group in groups.values()]
            at = np.arange(len(groups)) + (j - (len(names) - 1) / 2) * width
            look = {"color": palette.tint(palette.CURVES[j], 0.55), "hatch": HATCHES[j]}
            bars = ax.bar(at, values, 0.9 * width, label=name, edgecolor=palette.INK, **look)
            ax.bar_label(bars, fmt="%.2g", padding=1)
        ax.set_xticks(range(len(groups)), list(groups))
        ax.margins(y=0.18)
        ax.set_ylabel(ylabel)
        if len(names) > 1:
            ax.legend(frameon=False, ncols=len(names), loc="upper left", bbox_to_anchor=(0, 1.2))
    return figure


@cache
def coffee() -> torch.Tensor:
    """The course's photo on the 448 grid, [3, 448, 448] in 0..1."""
    image = torch.from_numpy(photo("coffee")[0]).permute(2, 0, 1)[None] / 255
    return torch.nn.functional.interpolate(image, SIZE, mode="bilinear", antialias=True)[0]


def r01() -> Finding:
    """The unit of a pixel decides how far the product reaches."""
    click = Click(224, 224)
    lines = {
        name: q_h(click, coffee() * scale, visual="product", cut=1.0)
        for name, scale in {"0 to 255": 1.0, "0 to 1": 1 / 255}.items()
    }
    few, many = (int((line > 0).sum()) for line in lines.values())
    title = "The unit of a pixel decides which columns a click marks"
    return (
        f"columns a click on the photo marks: {few} with pixels in 0 to 255, {many} in 0 to 1",
        curves(title, lines),
    )


def r02() -> Finding:
    """On flat ground the product forgets where the click was."""
    flat = torch.full((3, *SIZE), 0.5)
    click = Click(300, 224)
    lines = {name: q_h(click, flat, visual=name) for name in ("product", "bilateral", "none")}
    ones = [int((line == 1).sum()) for line in lines.values()]
    title = "On flat ground the literal product forgets where the click was"
    return (
        f'entries of q_h that are 1 on flat ground: "product" {ones[0]}, "bilateral" {ones[1]}, '
        f'"none" {ones[2]}',
        curves(title, {f'"{name}"': line for name, line in lines.items()}),
    )


def r03() -> Finding:
    """A cut at one sigma ends the Gaussian at 0.607."""
    lines = {f"cut={cut}": q_h(Click(20, 224), cut=cut)[:41] for cut in (1.0, 3.0)}
    narrow, wide = (int((line > 0).sum()) for line in lines.values())
    edge = float(lines["cut=1.0"][lines["cut=1.0"] > 0].min())
    figure = curves("Cut at σ the Gaussian falls off a cliff", lines)
    for ax in figure.axes:
        ax.set_xlim(0, 40)
    return f"{narrow} entries and a jump from {edge:.3f} to 0, or {wide} entries", figure


def r04() -> Finding:
    """How long the vector is under each sign."""
    lengths = {s: PueConfig(sign=s).vector_length for s in ("onehot", "bit", "code3")}
    tails = {
        s: {
            name: encode([Click(9, 9, positive)], SIZE, PueConfig(sign=s))[0, 2 * SIDE :].numpy()
            for name, positive in (("positive", True), ("negative", False))
        }
        for s in lengths
    }
    figure, axes = panels("Three ways to write the sign at the end of a vector", 3, 1.7)
    with style():
        for ax, (sign, rows) in zip(axes, tails.items(), strict=True):
            cells = np.stack(list(rows.values()))
            ax.imshow(1 - cells, cmap="gray", vmin=-0.3, vmax=1.2, aspect="auto")
            for (i, j), value in np.ndenumerate(cells):
                ink = palette.PAPER if value else palette.INK
                ax.text(j, i, f"{value:.0f}", ha="center", va="center", color=ink)
            ax.set_title(f'"{sign}", P = {lengths[sign]}', loc="left")
            ax.set(xticks=[], yticks=range(2), yticklabels=list(rows))
    return f"P = {', '.join(f'{n} ({s})' for s, n in lengths.items())} at 448", figure


def r05() -> Finding:
    """Only a width that scales with the box keeps the box."""
    box = Box(200, 224, 120, 60)
    lines = {b: q_h(box, box=b) for b in ("sixth", "fixed", "plateau")}
    counts = ", ".join(f'{int((v > 0).sum())} ("{k}")' for k, v in lines.items())
    title = "A box of 120 cells: its size is readable, gone, or all there is"
    return (
        f"non-zero entries for a box 120 wide: {counts}",
        curves(title, {f'"{name}"': line for name, line in lines.items()}),
    )


def r06() -> Finding:
    """A fixed sigma loses most of a stroke."""
    lines = {"bbox": q_h(SINE), "fixed": q_h(SINE, scribble="fixed", cut=1.0)}
    kept, lost = (int((line > 0).sum()) for line in lines.values())
    title = "A sine stroke over 181 columns: σ = 3 keeps what lies near its top"
    return (
        f'columns of 181 that keep an entry: "bbox" {kept}, "fixed" (cut at σ) {lost}',
        curves(title, {f'"{name}"': line for name, line in lines.items()}),
    )


def r07() -> Finding:
    """A random point a column makes the same stroke two vectors."""
    draws = [q_h(ZIGZAG, scribble_point="random", seed=seed) for seed in (0, 1)]
    on = draws[0] + draws[1] > 0
    gap = float(np.abs(draws[0] - draws[1])[on].mean())
    lines = {
        '"median"': q_h(ZIGZAG),
        '"random", seed 0': draws[0],
        '"random", seed 1': draws[1],
    }
    figure = curves("One zigzag: drawn points differ from one encoding to the next", lines)
    for ax in figure.axes:
        for line in ax.lines:
            line.set(ls="", marker=".", ms=2)
    return f'two draws differ by {gap:.3f} a column on average, "median" never', figure


def r08() -> Finding:
    """What Eq. 2 would do to a box on a photo."""
    box = Box(200, 224, 120, 60)
    spatial = q_h(box)
    distance = np.abs(np.arange(SIDE) - 200.0)
    row = coffee()[:, 224].numpy() * 255
    visual = np.linalg.norm(row - row[:, 200:201], axis=0)
    inside = distance <= 60
    product = np.where(inside, np.exp(-0.5 * (distance * visual / 20) ** 2), 0)
    lost = int(((product < 0.01) & inside).sum())
    title = "Multiplied with a visual distance, a box on a photo is a click with crumbs"
    lines = {"spatial only (here)": spatial, "times the visual distance": product}
    return f"of the 121 columns inside a box, {lost} would fall below 0.01", curves(title, lines)


def operations(fusion: str) -> tuple[float, list[float]]:
    """GFLOPs of encoding one photo with lite0, and of decoding 1, 2, 3, 4 clicks on it."""
    model, image = (
        build(replace(preset("lite0"), fusion=fusion)).eval(),
        torch.zeros(1, 3, *SIZE),
    )
    costs = []
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            features = model.encode_image(image)
        costs.append(counter.get_total_flops() / 1e9)
        for k in range(1, 5):
            batch = PromptBatch.of([[Click(9 * i + 9, 30) for i in range(k)]])
            with FlopCounterMode(display=False) as counter:
                model.decode(features, batch)
            costs.append(counter.get_total_flops() / 1e9)
    return costs[0], costs[1:]


def r09() -> Finding:
    """Early fusion pays for the image at every prompt."""
    cost = {fusion: operations(fusion) for fusion in ("late", "early")}
    groups = {
        str(k): {
            f: encode * (k if f == "early" else 1) + sum(decode[:k])
            for f, (encode, decode) in cost.items()
        }
        for k in range(1, 5)
    }
    ratio = groups["4"]["early"] / groups["4"]["late"]
    figure = columns(
        "lite0: early fusion pays for the photo at every prompt", groups, "GFLOPs in all"
    )
    figure.axes[0].set_xlabel("prompts on one photo")
    return f"four prompts on one photo cost {ratio:.1f} times the FLOPs in early fusion", figure


def moved(form: str, seed: int) -> list[float]:
    """How much the first prompt's token changes, layer by layer, when the second one changes."""
    torch.manual_seed(seed)
    dma = DMA(DmaConfig(form=form)).eval()
    prompts, pixels = torch.randn(1, 2, 128), torch.randn(1, 196, 128)
    other = torch.stack([prompts[:, 0], torch.randn(1, 128)], 1)
    valid, pe = torch.ones(1, 2, dtype=torch.bool), torch.zeros(196, 128)
    with torch.no_grad():
        a, b = (dma(p, pixels, pe, valid) for p in (prompts, other))
    return [
        float((x.prompts[0, 0] - y.prompts[0, 0]).norm() / x.prompts[0, 0].norm())
        for x, y in zip(a, b, strict=True)
    ]


def r10() -> Finding:
    """Which residual lets one prompt feel another."""
    forms = ("recommended", "literal", "code")
    with torch.random.fork_rng(devices=[]):
        table = {f: np.mean([moved(f, seed) for seed in range(5)], 0) for f in forms}
    groups = {f"layer {i + 1}": {f: float(table[f][i]) for f in forms} for i in range(3)}
    last = ", ".join(f'{table[f][-1]:.2f} ("{f}")' for f in forms)
    title = "How far one prompt's token moves when another prompt does"
    return (
        f"change of a prompt's token in three layers when the other prompt changes: {last}",
        columns(title, groups, "relative change"),
    )


def r11() -> Finding:
    """Padding that is not masked owns part of the gate."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        dma = DMA(DmaConfig()).eval()
        prompts, pixels = torch.randn(1, 3, 128), torch.randn(1, 196, 128)
    padded = torch.cat([prompts, torch.zeros(1, 45, 128)], 1)
    pe, masked = torch.zeros(196, 128), torch.arange(48)[None] < 3
    with torch.no_grad():
        gates = {
            name: dma(padded, pixels, pe, valid)[-1].gates["channel"][0].numpy()
            for name, valid in {"masked": masked, "counted": torch.ones_like(masked)}.items()
        }
    gap = float(np.abs(gates["masked"] - gates["counted"]).mean())
    figure, axes = panels("Forty-five padding tokens, counted, change the channel gate", 1)
    with style():
        order = np.argsort(gates["masked"])
        for i, (name, gate) in enumerate(gates.items()):
            look = {"color": palette.CURVES[i], "marker": palette.MARKERS[i], "ms": 2.5}
            axes[0].plot(gate[order], ls="", label=f"padding {name}", **look)
        axes[0].legend(frameon=False)
        axes[0].set(xlabel="channel, in order of its masked gate", ylabel="gate (0 to 1)")
    return (
        f"counting 45 padded prompts beside 3 moves the channel gate by {gap:.3f} on average",
        figure,
    )


def r12() -> Finding:
    """The square makes features grow."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        prompts, pixels = torch.randn(1, 3, 128), 3 * torch.randn(1, 196, 128)
        pe, valid = torch.zeros(196, 128), torch.ones(1, 3, dtype=torch.bool)
        growth = {}
        for form in ("recommended", "literal"):
            torch.manual_seed(0)
            with torch.no_grad():
                states = DMA(DmaConfig(form=form)).eval()(prompts, pixels, pe, valid)
            growth[form] = [float(s.dual.norm() / pixels.norm()) for s in states]
    groups = {f"layer {i + 1}": {f: growth[f][i] for f in growth} for i in range(3)}
    title = "Taken twice, f leaves the layer far larger than its gates make it"
    told = ", ".join(f'{values[-1]:.2f} ("{form}")' for form, values in growth.items())
    return (
        f"norm of the third merged map over that of the map that entered: {told}",
        columns(title, groups, "norm, out / in"),
    )


def r13() -> Finding:
    """What each decoder costs on the same encoder."""
    groups, words = {}, []
    for form in ("light", "code", "literal"):
        model = build(ModelConfig(decoder=form)).eval()
        weights = sum(p.numel() for p in (*model.neck.parameters(), *model.decoder.parameters()))
        batch, image = PromptBatch.of([[Click(9, 9)]]), torch.zeros(1, 3, *SIZE)
        with torch.no_grad():
            features = model.encode_image(image)
            with FlopCounterMode(display=False) as counter:
                model.decode(features, batch)
        cost = counter.get_total_flops() / 1e9
        groups[f'"{form}"'] = {
            "M weights (neck, decoder)": weights / 1e6,
            "GFLOPs a prompt": cost,
        }
        words.append(f'{weights / 1e6:.2f} M and {cost:.1f} GFLOPs ("{form}")')
    figure = columns("lite0 under three decoders: weights and cost of a prompt", groups, "")
    return f"neck and decoder of lite0, and a further prompt: {', '.join(words)}", figure


def r14() -> Finding:
    """The error as a label pushes away what was right."""
    image, labels = scene(3, (96, 128))
    gt_mask = labels == 1
    x = np.nonzero(gt_mask)[1]
    pred_mask = gt_mask & (np.arange(128)[None] < np.quantile(x, 0.7))
    region = gt_mask & ~pred_mask
    share = float((gt_mask & ~region).sum() / gt_mask.sum())
    figure, axes = panels("A positive click on the part that is missing: what it is told", 3, 1.9)
    told = {"image": image, 'Y, "mask"': gt_mask, 'Y, "error"': region}
    with style():
        for ax, (name, picture) in zip(axes, told.items(), strict=True):
            ax.imshow(picture, cmap=palette.MAP)
            ax.set_title(name, loc="left")
            ax.set(xticks=[], yticks=[])
            if name == "image":
                ax.contour(pred_mask, [0.5], colors=palette.MASK, linewidths=2)
    return f'with "error" {share:.0%} of the object in this scene are told to move away', figure


READINGS: dict[str, Callable[[], Finding]] = {
    f"R{int(name[1:])}": function
    for name, function in sorted(globals().items())
    if name[0] == "r" and name[1:].isdigit()
}


def main() -> None:
    """Writes all figures and prints all numbers."""
    FOLDER.mkdir(exist_ok=True)
    for name, function in READINGS.items():
        words, figure = function()
        with style():
            figure.savefig(FOLDER / f"{name.lower()}.png", dpi=DPI, metadata={"Software": None})
        sys.stdout.write(f"{name}: {words}\n")


if __name__ == "__main__":
    main()
