"""Sphinx's settings of the book; docs/book/build.py gathers the pages and runs it."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [
    str(HERE / "book"),
    str(HERE.parent),
]  # alt, docstrings, names; this checkout's package
_pyproject = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))

project = "VPUFormer"
author = "VPUFormer authors"
project_copyright = "VPUFormer authors, MIT licence"
version = release = _pyproject["project"]["version"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "alt",
    "docstrings",
    "names",
]
templates_path: list[str] = []
exclude_patterns = ["_*"]

# Notebooks are shown as committed. Their controls left static strips behind, so no widget
# manager (which would come from the network) is wanted.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
mathjax_path = "mathjax/mathjax.js"  # written by equations.py

# Docstrings are Google's form in plain words, where `code` is code.
default_role = "code"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
add_module_names = False

# Names of other packages cannot be looked up offline; our own must all resolve.
nitpicky = True
_foreign = "torch|numpy|np|PIL|jaxtyping|collections|contextlib|pathlib|typing|matplotlib|rich"
nitpick_ignore_regex = [
    (r"py:.*", rf"({_foreign})\b.*"),
    (r"py:class", r"Tensor|T|vpuformer\.config\.T|t\.Any"),  # t.Any: traitlets'
]

html_theme = "sphinx_book_theme"
html_title = "VPUFormer"
html_css_files = ["book.css"]
html_copy_source = True
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_persistent": [],
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
