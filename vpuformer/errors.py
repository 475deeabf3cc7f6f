"""Errors that say what was wrong, what was expected and what to do next."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


class VPUError(Exception):
    """Any error this package raises on purpose."""


class PromptError(VPUError, ValueError):
    """A click, box or scribble cannot be used as given."""


class ImageError(VPUError, ValueError):
    """An image cannot be read, or has a form no picture has."""


class ConfigError(VPUError, ValueError):
    """A configuration value is unknown, missing or out of range."""


class DataError(VPUError, ValueError):
    """A data set, folder or shard does not have the layout it should have."""


class CheckpointError(VPUError, ValueError):
    """A weights, checkpoint or results file cannot be used."""


def read_json(path: str | Path) -> Any:
    """What a JSON file holds."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}.") from None


@contextmanager
def written_whole(path: Path, error: type[VPUError], advice: str) -> Generator[Path, None, None]:
    """A temporary file beside `path` that becomes it at the end: whole or not at all.

    Args:
        path: what is written in the end; its folder is made.
        error: raised when the disk refuses; what stood at `path` before is untouched.
        advice: what to do then.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except Exception as cause:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise error(f"Could not write {path}: {cause}. {advice}") from cause
