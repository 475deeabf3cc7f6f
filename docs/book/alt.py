"""Alt texts: Sphinx's reader of notebooks drops those that a picture's output carries."""

import hashlib
import json
from base64 import b64decode
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx


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


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", read_alt)
    app.connect("doctree-read", give_alt)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
