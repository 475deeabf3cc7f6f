"""What the book adds to Sphinx: names in code become links, pictures get their words.

The notebooks and notes name files (`vpuformer/pue/box.py`) and objects (`vpu.Predictor`) as code,
because that is right in a repository. In the book such a name leads to its page.
"""

import hashlib
import importlib
import importlib.util
import json
import pkgutil
import re
from base64 import b64decode
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

import vpuformer
from vpuformer import cli

kept_from_napoleon: dict[str, list[str]] = {}
ORDINARY = r"(``?[^`]+``?)"  # code in a docstring, which stays as it is


def page_of(name: str, pages: set[str]) -> str | None:
    """The book's page of a repository path, or of a notebook's bare name."""
    stem = re.sub(r"\.(md|ipynb)$", "", name)
    return next((p for p in (stem, f"notebooks/{stem}") if p in pages), None)


def object_of(name: str) -> str:
    """The full dotted name that a piece of code means, if it means one of ours."""
    if name.startswith("vpuformer/"):
        return re.sub(r"(/__init__)?\.py$|/$", "", name).replace("/", ".")
    name = re.sub(r"\(.*\)$", "", name)
    parts = name.split(".")
    if parts[0] == "vpu" and len(parts) > 1:
        parts[0] = f"vpuformer.{vpuformer._HOMES.get(parts[1], '')}".rstrip(".")
    elif len(parts) > 1 and parts[0] != "vpuformer":
        parts.insert(0, "vpuformer")
    return ".".join(parts)


class LinkNames(SphinxPostTransform):
    """Code that names a page or an object of the book becomes a link to it."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Walk one page."""
        env, builder = self.env, self.app.builder
        objects = env.domains.python_domain.objects
        for node in list(self.document.findall(nodes.literal)):
            inside = node.parent
            while inside and not isinstance(inside, (nodes.reference, nodes.title)):
                inside = inside.parent
            if inside:
                continue
            text = node.astext()
            target, anchor = page_of(text, set(env.found_docs)), ""
            if target is None and (known := objects.get(object_of(text))):
                target, anchor = known.docname, known.node_id
            if target and target != env.docname:
                child = node.deepcopy()
                link = make_refnode(builder, env.docname, target, anchor, child)
                node.replace_self(link)


def alt_texts(notebooks: Path) -> dict[str, str]:
    """The alt text of every picture that the notebooks hold, by the picture's sha256."""
    found = {}
    for file in notebooks.rglob("*.ipynb"):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                for kind, about in output.get("metadata", {}).items():
                    picture = "".join(output["data"].get(kind, ""))
                    if "alt" in about:
                        found[hashlib.sha256(b64decode(picture)).hexdigest()] = about["alt"]
    return found


def give_alt(app: Sphinx, doctree: nodes.document) -> None:
    """Sphinx's reader of notebooks drops the alt texts; put them back."""
    for picture in doctree.findall(nodes.image):
        stem = Path(picture["uri"]).stem
        if not picture.get("alt") and stem in app.env.vpuformer_alt:
            picture["alt"] = app.env.vpuformer_alt[stem]


def read_alt(app: Sphinx) -> None:
    """Before the pages are read."""
    app.env.vpuformer_alt = alt_texts(Path(app.srcdir) / "notebooks")


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
        pieces = re.split(ORDINARY, line)
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
    app.add_post_transform(LinkNames)
    app.connect("builder-inited", read_alt)
    app.connect("builder-inited", unwrap)
    app.connect("doctree-read", give_alt)
    app.connect("autodoc-process-docstring", document, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", restore, priority=600)
    app.connect("autodoc-process-signature", factories)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
