"""Commands: vpuformer segment | train | evaluate | benchmark | doctor."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction, arg

from vpuformer.errors import DataError, PromptError, VPUError
from vpuformer.prompts import Box, Click, Prompt, Scribble, prompt_from_json

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
Precision = Literal["auto", "float32", "bfloat16"]
Several = UseAppendAction[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Cut an object out of a photo, or of every photo in a folder, and write masks as PNG.

    Coordinates are (x, y) in pixels of the photo as it is shown. A trailing ",-" makes a prompt
    negative (not the object).
    """

    image: Positional[Path]
    """A photo, or a folder of photos (then with --prompts)."""
    click: Annotated[Several, arg(metavar="X,Y[,-]")] = ()
    """A point on the object; may be given several times."""
    box: Annotated[Several, arg(metavar="X0,Y0,X1,Y1[,-]")] = ()
    """The edges of a box around the object; may be given several times."""
    scribble: Annotated[Several, arg(metavar='"X,Y X,Y ...[,-]"')] = ()
    """A stroke along the object; may be given several times."""
    prompts: Path | None = None
    """JSON: a list of prompt records, or {"photo name": [records]}."""
    out: Path | None = None
    """The mask's file, or a folder for a folder. Default: NAME_mask.png in this folder."""
    model: str = "lite0"
    """The name of shipped weights, or a path."""
    precision: Precision = "auto"
    """Arithmetic; float32 gives the same mask on the same machine with any neighbour."""
    threshold: float = 0.5
    """A pixel belongs to the mask when its probability is above this."""

    def run(self, console: Console) -> int:
        """Write the masks and say where they are."""
        jobs = self._jobs()
        from vpuformer.imaging import save_mask
        from vpuformer.predictor import Predictor
        from vpuformer.weights import load

        predictor = Predictor(
            load(self.model), threshold=self.threshold, precision=self.precision
        )
        for image, prompts, out in jobs:
            predictor.set_image(image)
            prediction = predictor.add(*prompts)
            assert prediction is not None
            out.parent.mkdir(parents=True, exist_ok=True)
            save_mask(out, prediction.mask)
            share = prediction.mask.mean()
            console.print(f"{image} -> {out} ({share:.1%} of the picture)", soft_wrap=True)
        return 0

    def _jobs(self) -> list[tuple[Path, list[Prompt], Path]]:
        given = parse_prompts(self.click, self.box, self.scribble)
        if not self.image.exists():
            raise DataError(f"{self.image} does not exist. Give a photo or a folder of photos.")
        folder = self.image.is_dir()
        images = _photos(self.image) if folder else [self.image]
        if folder and self.prompts is None:
            raise PromptError(f"{self.image} is a folder: give --prompts FILE.json for its photos.")
        asked = read_prompts(self.prompts, images) if self.prompts else {images[0]: []}
        jobs = [(image, prompts + given, self._out(image, folder)) for image, prompts in asked.items()]
        for image, prompts, _ in jobs:
            if not prompts:
                raise PromptError(
                    f"No prompt for {image}. Give --click X,Y, --box X0,Y0,X1,Y1, --scribble "
                    '"X,Y X,Y" or --prompts FILE.json.'
                )
        return jobs

    def _out(self, image: Path, folder: bool) -> Path:
        if folder:
            return (self.out or Path("masks")) / f"{image.stem}.png"
        return self.out or Path(f"{image.stem}_mask.png")


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """CPU time of a first and a further prompt on one thread, beside published models."""

    presets: tuple[str, ...] = ("lite0", "tiny")
    size: int = 448
    """Side of the square frame that the network sees."""
    repeats: int = 5
    out: Path | None = None
    """Also write the numbers as JSON."""

    def run(self, console: Console) -> int:
        """Print the table."""
        from vpuformer import benchmark

        costs = benchmark.benchmark(self.presets, size=self.size, repeats=self.repeats)
        console.print(_cost_table(costs, benchmark.REFERENCES))
        if self.out:
            self.out.write_text(json.dumps(benchmark.to_json(costs), indent=2) + "\n", "utf-8")
            console.print(f"Written to {self.out}", soft_wrap=True)
        return 0


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """One table: what is installed and works here, and how to mend what does not."""

    def run(self, console: Console) -> int:
        """Print the table; 1 when a line says FIX."""
        from vpuformer import doctor

        report = doctor()
        table = Table("", "what", "found", "how to fix")
        for row in report.rows:
            state = f"[bold]{row.state}[/bold]" if not row.ok else row.state
            table.add_row(state, row.what, row.found, row.fix)
        console.print(table)
        return 0 if report.ok else 1


COMMANDS: dict[str, Any] = {
    "segment": Segment,
    "benchmark": Benchmark,
    "doctor": Doctor,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all went well, 2 with a message when something given is wrong."""
    command = tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="vpuformer",
        description="Interactive image segmentation with clicks, boxes and scribbles.",
        args=list(sys.argv[1:] if argv is None else argv),
        config=(OmitArgPrefixes,),
    )
    try:
        return command.run(Console())
    except (VPUError, OSError) as error:
        Console(stderr=True).print(f"vpuformer: {error}", markup=False, soft_wrap=True)
        return 2


def parse_prompts(
    clicks: Sequence[str], boxes: Sequence[str], scribbles: Sequence[str]
) -> list[Prompt]:
    """Prompts from command line words: "x,y", "x0,y0,x1,y1", "x,y x,y ..."; ",-" is negative."""
    prompts: list[Prompt] = []
    for text in clicks:
        (x, y), positive = _numbers("--click", text, 2)
        prompts.append(Click(x, y, positive))
    for text in boxes:
        (x0, y0, x1, y1), positive = _numbers("--box", text, 4)
        prompts.append(Box.from_corners(x0, y0, x1, y1, positive=positive))
    for text in scribbles:
        body, positive = _signed(text)
        points = [_numbers("--scribble", word, 2)[0] for word in body.split()]
        prompts.append(Scribble(tuple((x, y) for x, y in points), positive))
    return prompts


def _signed(text: str) -> tuple[str, bool]:
    text = text.strip()
    return (text[:-1].rstrip().removesuffix(","), False) if text.endswith("-") else (text, True)


def _numbers(option: str, text: str, count: int) -> tuple[list[float], bool]:
    body, positive = _signed(text) if option != "--scribble" else (text, True)
    try:
        numbers = [float(word) for word in body.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        form = {2: "x,y", 4: "x0,y0,x1,y1"}[count]
        raise PromptError(
            f"{option} got {text!r}, expected numbers as {form}. Add ,- for a negative prompt."
        )
    return numbers, positive


def read_prompts(path: Path, images: Sequence[Path]) -> dict[Path, list[Prompt]]:
    """The prompts of each image, from a JSON list (for all images) or a dict by image name."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from None
    if isinstance(record, list):
        prompts = [prompt_from_json(item) for item in record]
        return {image: prompts for image in images}
    if not isinstance(record, dict) or not all(isinstance(v, list) for v in record.values()):
        raise DataError(
            f'{path} must hold a list of prompt records or {{"photo name": [records]}}, '
            f"got {type(record).__name__}."
        )
    names = {image.name: image for image in images}
    if unknown := sorted(set(record) - set(names)):
        raise DataError(
            f"{path} names photos that are not there: {', '.join(unknown[:5])}. "
            f"There are {', '.join(sorted(names)[:5])}."
        )
    return {names[n]: [prompt_from_json(item) for item in items] for n, items in record.items()}


def _photos(folder: Path) -> list[Path]:
    photos = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not photos:
        raise DataError(f"{folder} holds no photo. Expected files ending in {', '.join(SUFFIXES)}.")
    return photos


def _cost_table(costs: Sequence[Any], references: Sequence[Any]) -> Table:
    table = Table(title="CPU-ms on one thread (smallest of several)")
    for name in ("model", "precision", "first prompt", "further prompt", "encode", "decode"):
        table.add_column(name, justify="left" if name in ("model", "precision") else "right")
    for c in costs:
        times = (c.first_ms, c.further_ms, c.encode_ms, c.decode_ms)
        table.add_row(f"{c.preset}, {c.size} px", c.precision, *(f"{t:.1f}" for t in times))
    table.add_section()
    for r in references:
        spans = (f"{a:.0f}" if a == b else f"{a:.0f}-{b:.0f}" for a, b in (r.first_ms, r.further_ms))
        table.add_row(r.name, "float32", *spans, "", "")
    return table
