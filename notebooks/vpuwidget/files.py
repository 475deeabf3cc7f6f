"""Where the widget writes its files."""

from itertools import chain, count
from pathlib import Path

from vpuformer.widget.export import KINDS


def unused(folder: Path, kind: str) -> Path:
    """Where a file of `KINDS` overwrites none: mask.png, or else mask-2.png, mask-3.png, ..."""
    names = chain([kind], (f"{kind}-{n}" for n in count(2)))
    paths = (folder / f"{name}.{KINDS[kind]}" for name in names)
    return next(path for path in paths if not path.exists())
