"""Commands: vpuformer segment | train | evaluate | finetune | benchmark | doctor."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table
from tyro.conf import OmitArgPrefixes, Positional, arg

from vpuformer.cli.segment import Precision, Segment
from vpuformer.cli.words import say
from vpuformer.errors import ConfigError, VPUError
from vpuformer.robot.policy import Policy, PolicyName

Sweep = Literal["quick", "presets", "prompts", "sides", "pue", "training"]


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a model on tar shards; the same command again goes on where a killed run stopped."""

    data: Positional[str]
    """A folder of .tar files: key.webp (or .jpg), key.png, key.json; or its http address."""
    out: Path
    """Where checkpoints, the log, sample pictures, and at last curves and weights go."""
    preset: str = "lite0"
    recipe: Literal["shipped", "onward", "tiny", "paper", "official"] = "shipped"
    steps: Annotated[int | None, arg(metavar="INT")] = None
    """Default: the recipe's own number."""
    seed: int = 0
    pretrained: bool = True
    """Begin a lite encoder with its ImageNet weights (extra `train`)."""
    encoder_weights: Annotated[Path | None, arg(metavar="PATH")] = None
    """Begin the encoder with a published file (MAE, ImageNet) instead."""
    start: Annotated[str | None, arg(metavar="MODEL")] = None
    """Begin with trained weights: shipped ones by name, or a file. They bring their preset."""

    def run(self, console: Console) -> int:
        """Train, and write the weights with a card."""
        from vpuformer.data.shards import Shards, ShardSamples
        from vpuformer.model import build, preset
        from vpuformer.training import recipes
        from vpuformer.training.card import card, sources
        from vpuformer.training.checkpoint import claim
        from vpuformer.training.loop import fit
        from vpuformer.weights import load, load_encoder, save

        samples = ShardSamples(Shards(self.data))
        data = sources(samples.shards)
        if self.start:
            model = load(self.start, device="cpu").train()
        else:
            lite = self.preset.startswith("lite") and not self.encoder_weights
            model = build(preset(self.preset), self.seed, pretrained=self.pretrained and lite)
            if self.encoder_weights:
                load_encoder(model, self.encoder_weights)
        words = (model.config.encoder,) if self.recipe == "paper" else ()
        recipe = replace(getattr(recipes, self.recipe)(*words), seed=self.seed)
        recipe = recipe if self.steps is None else replace(recipe, steps=self.steps)
        if not int(os.environ.get("RANK", 0)):
            claim(self.out, {"data": data, "start": model.weights_hash})
        origin = {"hash": model.weights_hash, "card": model.card} if self.start else None
        result = fit(model, samples, recipe, self.out)
        if int(os.environ.get("RANK", 0)):  # under torchrun one writes
            return 0
        path = self.out / f"{model.config.encoder}.safetensors"
        command = " ".join(["vpuformer", *sys.argv[1:]])
        save(result.model, path, card(data, recipe, result.history, command=command, start=origin))
        say(console, f"Weights are in {path}")
        if find_spec("matplotlib"):  # of the extra `notebooks`
            from vpuformer.drawing import curves

            with curves.style():
                curves.learning(result.history).savefig(self.out / "curves.png")
        return 0


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Let the robot prompt a model on data sets; the same command goes on where it stopped."""

    sets: Positional[tuple[str, ...]]
    """Folders with images/NAME.* and masks/NAME.png, or published sets as they are, NAME:FOLDER
    or NAME/SPLIT:FOLDER (berkeley:data/Berkeley, sbd/val:data/benchmark_RELEASE/dataset)."""
    out: str
    """The results file (JSON Lines); {model} in it becomes the model's name."""
    model: tuple[str, ...] = ("lite0",)
    """Shipped weights, paths, or baselines (grabcut, random_walker), one after the other."""
    policy: PolicyName = "click"
    """Which prompts the robot gives."""
    zoom: Literal["frame", "ritm", "none"] = "frame"
    """Zoom-in after the first mask: ours, or with the peers' arithmetic (RITM, SimpleClick)."""
    precision: Precision = "float32"
    seed: int = 0
    limit: Annotated[int | None, arg(metavar="INT")] = None
    """At most so many objects of each set."""

    def run(self, console: Console) -> int:
        """Evaluate, and print what the results files say."""
        from vpuformer.evaluation import EvaluationConfig, evaluate_folders

        outs = [Path(self.out.replace("{model}", Path(m).stem)) for m in self.model]
        if len(set(outs)) < len(self.model):
            raise ConfigError(
                f"{len(self.model)} models need a results file each, --out names {self.out}. "
                "Write {model} where the model's name belongs."
            )
        config = EvaluationConfig(policy=Policy(self.policy), seed=self.seed)
        for name, out in zip(self.model, outs, strict=True):
            segmenter = self._segmenter(name)
            found = evaluate_folders(segmenter, self.sets, out=out, config=config, limit=self.limit)
            console.print_json(data=found)
        return 0

    def _segmenter(self, name: str) -> Any:
        from vpuformer.baselines import GrabCut, RandomWalker
        from vpuformer.config import ZoomConfig
        from vpuformer.predictor import Predictor
        from vpuformer.weights import load

        if baseline := {"grabcut": GrabCut, "random_walker": RandomWalker}.get(name):
            return baseline()
        return Predictor(load(name), precision=self.precision, zoom=ZoomConfig(mode=self.zoom))


@dataclass(frozen=True, kw_only=True)
class Finetune:
    """Train a model further on your own photos and masks, and say what it gained.

    A quarter of the photos is held out: they choose the moment to stop, and give the table of
    clicks before and after. The same command goes on where a killed one stopped.
    """

    images: Positional[Path]
    """A folder of photos."""
    masks: Positional[Path]
    """A folder with NAME.png for each photo: 0 and 255, or 0, objects 1..254 and 255 void."""
    out: Path = Path("runs/finetune")
    """Where checkpoints, the log and best.safetensors go."""
    model: str = "lite0"
    """The name of shipped weights, or a path to a safetensors file."""
    steps: Annotated[int | None, arg(metavar="INT")] = None
    """At most so many steps. Default: the recipe's own number."""
    val_share: float = 0.25
    """Share of the photos that is held out."""
    patience: int = 3
    """Stop after so many checkpoints without fewer clicks."""
    seed: int = 0

    def run(self, console: Console) -> int:
        """Fine-tune, and print clicks before and after."""
        from vpuformer.training.finetune import FinetuneConfig, finetune, usual
        from vpuformer.weights import load

        model = load(self.model)
        recipe = replace(usual(model.config), seed=self.seed)
        recipe = recipe if self.steps is None else replace(recipe, steps=self.steps)
        config = FinetuneConfig(val_share=self.val_share, patience=self.patience, seed=self.seed)
        result = finetune(model, self.images, self.masks, self.out, recipe, config)
        objects, photos = result.before["samples"], result.before["images"]
        table = Table(f"{objects} objects in {photos} photos held out", "before", "after")
        cell = "{:.2f} ({:.2f} to {:.2f})".format
        for name in ("NoC@85", "NoC@90", "IoU@1", "IoU@3"):
            table.add_row(name, *(cell(*n[name]) for n in (result.before, result.after)))
        console.print(table)
        for name, times in sorted(result.skipped.items()):
            say(console, f"{name} could not be read and was skipped {times} times")
        say(console, f"Weights are in {result.path}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What a prompt costs here, beside published models: CPU time on one thread, memory."""

    sweep: tuple[Sweep, ...] = ("quick",)
    """What varies. The page docs/performance.md needs all but quick, about ten minutes."""
    presets: tuple[str, ...] = ()
    """Default: the sweep's own."""
    size: int = 448
    """Side of the square frame that the network sees."""
    repeats: int = 3
    out: Annotated[Path | None, arg(metavar="PATH")] = None
    """Also write everything measured, stage by stage, as JSON."""

    def run(self, console: Console) -> int:
        """Measure, and print the table."""
        from vpuformer import benchmark

        if self.out and self.out.is_dir():  # said before minutes of measuring
            raise ConfigError(f"{self.out} is a folder, expected a file. Give --out NAME.json.")
        if self.out:
            self.out.parent.mkdir(parents=True, exist_ok=True)
        records = []
        for sweep in self.sweep:
            chosen = benchmark.cases(sweep, self.presets, size=self.size, repeats=self.repeats)
            records += track(benchmark.run(chosen), sweep, len(chosen), console=console)
        times = ("first prompt", "further prompt", "encode", "DMA", "peak MB")
        right = (Column(name, justify="right") for name in times)
        table = Table("model", "precision", *right, title="CPU-ms on one thread (smallest)")
        for row in benchmark.rows(records):
            table.add_row(*row)
        console.print(table)
        if self.out:
            self.out.write_text(json.dumps(benchmark.to_json(records), indent=1), "utf-8")
            say(console, f"Written to {self.out}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """One table: what is installed and works here, and how to mend what does not."""

    def run(self, console: Console) -> int:
        """Print the table; 1 when a line says FIX."""
        from vpuformer import doctor

        report = doctor()
        say(console, repr(report))
        return 0 if report.ok else 1


_ALL = (Segment, Train, Evaluate, Finetune, Benchmark, Doctor)
COMMANDS: dict[str, Any] = {command.__name__.lower(): command for command in _ALL}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all went well, 2 with a message when something given is wrong."""
    about = "Interactive image segmentation with clicks, boxes and scribbles."
    command = tyro.extras.subcommand_cli_from_dict(
        COMMANDS, prog="vpuformer", description=about, args=argv, config=(OmitArgPrefixes,)
    )
    logging.basicConfig(format="%(message)s")
    logging.getLogger("vpuformer").setLevel(logging.INFO)
    try:
        return command.run(Console())
    except (VPUError, OSError) as error:
        message = str(error)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("vpuformer"):
            raise
        message = f"{error.name} is not installed. Run: pip install 'vpuformer[train]'"
    say(Console(stderr=True), f"vpuformer: {message}")
    return 2
