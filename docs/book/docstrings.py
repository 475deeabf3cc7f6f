"""Docstrings as this package writes them, made ready for Sphinx."""

import importlib
import importlib.util
import pkgutil
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from sphinx.application import Sphinx

from vpuformer import cli

CODE = r"(``?[^`]+``?)"  # in a docstring; it stays as it is
kept_from_napoleon: dict[str, list[str]] = {}


@cache
def remarks(module: str) -> dict[str, dict[str, str]]:
    """By class and field: the comment behind a field, which says where its number comes from."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    owner = ""
    text = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    for line in text.splitlines():
        if match := re.match(r"class (\w+)", line):
            owner = match[1]
        elif match := re.match(r"    (\w+): .*  # (?!type:)(.+)", line):
            found[owner][match[1]] = match[2]
    return found


def document(
    _app: Sphinx, what: str, name: str, _obj: object, _options: Any, lines: list[str]
) -> None:
    """A docstring as reStructuredText: outside code, bars, stars and underscores are themselves."""
    for at, line in enumerate(lines):
        pieces = re.split(CODE, line)
        pieces[::2] = [re.sub(r"([\\*|]|_(?=\W|$))", r"\\\1", text) for text in pieces[::2]]
        lines[at] = "".join(pieces)
    if what in ("attribute", "property"):
        kept_from_napoleon[name] = lines[:]  # it takes "The edges: left, ..." for a type
    if what == "class":
        module, owner = name.rsplit(".", 1)
        lines += ["", *(f":ivar {f}: {text}" for f, text in remarks(module)[owner].items())]


def restore(
    _app: Sphinx, _what: str, name: str, _obj: object, _options: Any, lines: list[str]
) -> None:
    """After napoleon: an attribute's docstring as it was."""
    lines[:] = kept_from_napoleon.pop(name, lines)


def factories(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: Any, words: str, gives: str
) -> tuple[str, str] | None:
    """A dataclass's `<factory>` is no Python, and Sphinx would split such a signature wrongly."""
    changed = words and "<factory>" in words
    return (words.replace("<factory>", "..."), gives) if changed else None


def unwrap(_app: Sphinx) -> None:
    """Commands' arguments carry words for the terminal; here their types alone are wanted."""
    for found in pkgutil.iter_modules(cli.__path__, f"{cli.__name__}."):
        module = importlib.import_module(found.name)
        for owner in vars(module).values():
            if isinstance(owner, type) and owner.__module__ == found.name:
                for holder in (owner, owner.__init__):
                    holder.__annotations__ = get_type_hints(holder)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", unwrap)
    app.connect("autodoc-process-docstring", document, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", restore, priority=600)
    app.connect("autodoc-process-signature", factories)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
