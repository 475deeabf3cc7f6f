"""The command `vpuformer finetune`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional, arg


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
        from vpuformer.training import recipes
        from vpuformer.training.finetune import FinetuneConfig, finetune
        from vpuformer.weights import load

        model = load(self.model)
        recipe = replace(recipes.finetune(), seed=self.seed)
        recipe = replace(recipe, crops=((0.0, min(256, model.config.size)),))
        recipe = replace(recipe, steps=self.steps) if self.steps else recipe
        config = FinetuneConfig(val_share=self.val_share, patience=self.patience, seed=self.seed)
        result = finetune(model, self.images, self.masks, self.out, recipe, config)
        objects, photos = result.before["samples"], result.before["images"]
        table = Table(f"{objects} objects in {photos} photos held out", "before", "after")
        for name in ("NoC@85", "NoC@90", "IoU@1", "IoU@3"):
            table.add_row(name, *(_cell(n[name]) for n in (result.before, result.after)))
        console.print(table)
        for name, times in sorted(result.skipped.items()):
            console.print(escape(f"{name} could not be read and was skipped {times} times"))
        console.print(escape(f"Weights are in {result.path}"), soft_wrap=True, highlight=False)
        return 0


def _cell(value: list[float]) -> str:
    return "{:.2f} ({:.2f} to {:.2f})".format(*value)
