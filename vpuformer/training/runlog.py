"""What a run tells while it goes on: `log.jsonl`, the hours spent, a progress bar."""

import json
import logging
import time
from math import isfinite
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from vpuformer.errors import CheckpointError
from vpuformer.training.checkpoint import ADVICE
from vpuformer.training.recipes import Recipe

log = logging.getLogger("vpuformer.training")


class RunLog:
    """The state of a run beside its tensors: step, history, skipped steps, seconds over all legs.

    As a context manager it shows a progress bar with the time left where stderr is a terminal.

    Args:
        out: the run's folder.
        recipe: its numbers.
        is_writer: False on all ranks but one.
    """

    def __init__(self, out: Path, recipe: Recipe, *, is_writer: bool = True) -> None:
        self.path, self.recipe, self.is_writer = out / "log.jsonl", recipe, is_writer
        self.step, self.skipped, self.history = 0, 0, []
        self._earlier, self._first = 0.0, 0
        console = Console(stderr=True)
        columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
        is_shown = is_writer and console.is_terminal
        self._bar = Progress(*columns, console=console, disable=not is_shown)

    def resume(self, meta: dict[str, Any]) -> None:
        """Go on from a checkpoint, whose history `log.jsonl` is written anew from."""
        self.step = self._first = meta["step"]
        self.history, self.skipped = list(meta["history"]), meta["skipped"]
        self._earlier = meta["seconds"]
        log.info("resumed at step %d", self.step)

    def __enter__(self) -> "RunLog":
        self._began = time.perf_counter()
        self._write(self.history, "w")
        self._bar.start()
        self._task = self._bar.add_task("training", total=self.recipe.steps, completed=self.step)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    @property
    def seconds(self) -> float:
        """Time spent in this leg and all earlier ones."""
        return self._earlier + time.perf_counter() - self._began

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of this."""
        return {"history": self.history, "skipped": self.skipped, "seconds": self.seconds}

    @property
    def is_save_due(self) -> bool:
        """Whether the step that was just made ends with a checkpoint."""
        return self.step % self.recipe.save_every == 0 or self.step == self.recipe.steps

    def advance(self, loss: float, is_good: bool) -> bool:
        """Count a step; whether it is to be logged."""
        self.step += 1
        self.skipped += not is_good
        self.loss = loss
        words = f"loss {loss:.4f}" + (f", {self.skipped} skipped" if self.skipped else "")
        self._bar.update(self._task, completed=self.step, description=words)
        return self.step % self.recipe.log_every == 0 or self.step == self.recipe.steps

    def write(self, parts: dict[str, float]) -> None:
        """Log the step that was just made."""
        seen = (self.step - self._first) * self.recipe.batch_size
        speed = {"images_per_s": seen / (time.perf_counter() - self._began)}
        record = {"step": self.step, "loss": self.loss, "skipped": self.skipped}
        self.history.append(record | speed | {"seconds": round(self.seconds, 2)} | parts)
        self._write(self.history[-1:], "a")

    def _write(self, rows: list[dict[str, Any]], mode: str) -> None:
        if not self.is_writer:
            return
        try:
            with open(self.path, mode, encoding="utf-8") as file:
                # JSON knows no NaN: null stands in a skipped step's line
                plain = ({k: v if isfinite(v) else None for k, v in row.items()} for row in rows)
                file.writelines(json.dumps(row) + "\n" for row in plain)
        except OSError as error:
            raise CheckpointError(f"Could not write {self.path}: {error}. {ADVICE}") from error
