"""What the book adds to Sphinx: names become links.

The notebooks and notes name files (`vpuformer/pue/box.py`), objects (`vpu.Predictor`), notebooks
and readings in words, because that is right in a repository. In the book a name leads to its page.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_signature
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

import vpuformer

READINGS = "docs/readings"
SPOKEN = r"\b(notebook \d\d|R(?:1[0-4]|[1-9]))\b"


def page_of(name: str, pages: set[str]) -> str | None:
    """The book's page of a repository path, or of a notebook's bare name."""
    stem = re.sub(r"\.(md|ipynb)$", "", name)
    return next((p for p in (stem, f"notebooks/{stem}") if p in pages), None)


def object_of(name: str) -> str:
    """The full dotted name that a piece of code means, if it means one of ours."""
    if name.endswith((".py", "/")):
        name = re.sub(r"(/__init__)?\.py$|/$", "", name.removeprefix("vpuformer/"))
        return f"vpuformer.{name.replace('/', '.')}"
    parts = re.sub(r"\(.*\)$", "", name).split(".")
    if parts[0] == "vpu" and parts[-1] in vpuformer.__all__:
        return f"{getattr(vpuformer, parts[-1]).__module__}.{parts[-1]}"
    known = parts[0] == "vpuformer" or len(parts) == 1
    return ".".join(parts if known else ["vpuformer", *parts])


class LinkNames(SphinxPostTransform):
    """Code that names a page or an object of the book becomes a link to it."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Walk one page."""
        for node in list(self.document.findall(nodes.literal)):
            target, anchor = self.place(node.astext())
            if target and free(node):
                node.replace_self(self.link(target, anchor, node.deepcopy()))
        for node in list(self.document.findall(nodes.Text)):
            pieces = re.split(SPOKEN, node.astext())
            if len(pieces) > 1 and free(node):
                node.parent.replace(node, [self.spoken(text) for text in pieces if text])

    def place(self, name: str) -> tuple[str | None, str]:
        """Page and anchor of a name in code."""
        objects = self.env.domains.python_domain.objects
        if page := page_of(name, set(self.env.found_docs)):
            return page, ""
        if known := objects.get(object_of(name)):
            return known.docname, known.node_id
        room = re.fullmatch(r"vpuformer/(\w+)/[\w/]+/", name)  # an inner room has no page
        page = room and f"api/{room[1]}"
        return (page, "") if page in self.env.found_docs else (None, "")

    def spoken(self, text: str) -> nodes.Node:
        """A piece of prose: `notebook 05` and `R12` become links, all else stays."""
        child = nodes.inline("", text)
        if match := re.fullmatch(r"notebook (\d\d)", text):
            found = [d for d in self.env.found_docs if d.startswith(f"notebooks/{match[1]}_")]
            return self.link(found[0], "", child) if found else nodes.Text(text)
        is_reading = re.fullmatch(SPOKEN, text) and READINGS in self.env.found_docs
        return self.link(READINGS, text.lower(), child) if is_reading else nodes.Text(text)

    def link(self, page: str, anchor: str, child: nodes.Node) -> nodes.Node:
        """A link to a page, unless that is where we are."""
        if page == self.env.docname:
            return child
        return make_refnode(self.app.builder, self.env.docname, page, anchor, child)


def free(node: nodes.Node) -> bool:
    """Whether a name may become a link: not in a title, a link or a block of code."""
    taken = (nodes.reference, nodes.title, nodes.literal_block, nodes.math, nodes.math_block)
    spoken = isinstance(node, nodes.Text)
    while node := node.parent:
        if isinstance(node, taken) or (
            spoken and isinstance(node, (nodes.literal, desc_signature))
        ):
            return False
    return True


def mark_readings(app: Sphinx, doctree: nodes.document) -> None:
    """Each reading's paragraph can be linked to by its number."""
    if app.env.docname == READINGS:
        for words in doctree.findall(nodes.strong):
            if match := re.match(r"R\d+(?=:)", words.astext()):
                words.parent["ids"].append(match[0].lower())


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_post_transform(LinkNames)
    app.connect("doctree-read", mark_readings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
