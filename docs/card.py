"""The card and the learning curve beside the weights: `python docs/card.py` writes them anew.

Both come from the weights file itself: its metadata hold the card of its last leg of training, the
card of the leg before, and so on to the first.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vpuformer as vpu
from vpuformer.drawing.curves import learning

OUT = Path(vpu.__file__).parent / "shipped"
TITLE = "Each leg begins with what the one before has learnt"
CARD = """# `lite0`: the shipped weights

Written by `python docs/card.py` from the metadata of `lite0.safetensors`
(`vpu.load("lite0").card`).

- **What it does**: cuts one object out of a photo, from clicks, boxes and scribbles of both
  signs (`vpu.segment`).
- **Network**: {network}; {parameters:,} parameters, stored in float16.
- **Weights' hash**: `{digest}`
- **Reached**: docs/training.md has every measured number, with intervals, and the worst objects.
- **Not for**: decisions about people or patients. Parts inside larger things of the same kind,
  thin things and pictures unlike photos take many prompts (notebook 12).
- **Terms**: {terms}

## Training

![Loss and IoU over {steps:,} steps of training.](lite0.png)

| leg | command | seed | crops seen | hours by the clock | began with |
|---|---|---|---|---|---|
{legs}
{mean}
The hours are by the clock, with the pauses that other work made. Machine: {hardware}.
Recipes: `vpuformer/training/recipes.py`.

## Data

| source | labels | photos | masks | licence as stated |
|---|---|---|---|---|
{data}

A licence of one digit is COCO's own number for a photo.
"""


def legs(card: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each leg's card and the hash of the weights that it began with, the first leg first."""
    if start := card.get("start"):
        yield from legs(start["card"])
    yield card, (card.get("start") or {}).get("hash", "")


def curve(cards: list[dict[str, Any]]) -> list[dict[str, float]]:
    """The logged rows of all legs, their steps counted on."""
    rows, before = [], 0
    for card in cards:
        for values in card["curve"]:
            row = dict(zip(card["curve_columns"], values, strict=True))
            row["step"] += before
            rows.append({k: v for k, v in row.items() if v is not None})
        before += card["steps"]
    return rows


def sources(card: dict[str, Any]) -> list[str]:
    """A line a source, the most photos first: its repositories and licences joined."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for part in card["data"]:
        found.setdefault((part["source"], part["labels"]), []).append(part)
    lines = []
    for (source, labels), parts in found.items():
        photos, masks = (sum(p[k] for p in parts) for k in ("photos", "masks"))
        repo, licence = (", ".join(sorted({p[k] for p in parts})) for k in ("repo", "licence"))
        line = f"| {source} ({repo}) | {labels} | {photos:,} | {masks:,} | {licence} |"
        lines.append((photos, line))
    return [line for _, line in sorted(lines, reverse=True)]


def mean(made_from: dict[str, Any] | None) -> str:
    """Of which two weights these are the mean, if they are one."""
    if not made_from:
        return ""
    first, last = (digest[:12] for digest in made_from["hashes"])
    told = f"The mean of what the last leg began with ({first}) and of what it made ({last})"
    return f"\n{told}: `{made_from['command']}`.\n"


def main() -> None:
    """Write lite0.md and lite0.png into the folder of the weights."""
    model = vpu.load("lite0", device="cpu")
    chain = list(legs(model.card))
    cards = [card for card, _ in chain]
    learning(curve(cards), title=TITLE).savefig(OUT / "lite0.png")
    config = model.config
    text = CARD.format(
        network=f"encoder {config.encoder}, {config.fusion} fusion, {config.size} px",
        parameters=sum(p.numel() for p in model.parameters()),
        digest=model.weights_hash,
        terms=model.card["terms"],
        steps=sum(card["steps"] for card in cards),
        legs="\n".join(
            f"| {n} | `{c['command']}` | {c['seed']} | {c['samples']:,} | {c['hours']} "
            f"| {start[:12] or 'ImageNet'} |"
            for n, (c, start) in enumerate(chain, 1)
        ),
        mean=mean(model.card.get("mean_of")),
        hardware=cards[-1]["hardware"],
        data="\n".join(sources(cards[-1])),
    )
    (OUT / "lite0.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
