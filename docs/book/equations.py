"""MathJax for the book, taken from the installed JupyterLab: nothing comes from the network.

JupyterLab ships MathJax in numbered chunks. The line of its core that loads them names every
chunk and module, so they can be found again, joined into one script, and started without it.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont

DRIVER = Path(__file__).with_name("equations.js")
WANTED = ("mathjax", "CHTML", "TeX", "AllPackages", "HTMLHandler", "browserAdaptor")
WANTED += ("AssistiveMmlHandler",)
LOADER = r"let\[((?:\{\w+:\w+\},?){6,})\]=await Promise\.all\(\["
PUSH = r"\(self\.(\w+)=self\.\1\|\|\[\]\)\.push\("


class MathJaxError(RuntimeError):
    """The installed JupyterLab does not hold MathJax where this file looks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One import of JupyterLab's loader: the chunks it needs and the module it gives."""

    chunks: tuple[str, ...]
    module: str


def lab_static() -> Path:
    """The folder of JupyterLab's built files."""
    folder = Path(sys.prefix) / "share" / "jupyter" / "lab" / "static"
    if not folder.is_dir():
        raise MathJaxError(
            f"Equations need JupyterLab's files; {folder} is not there. "
            "Install jupyterlab into this environment (make book does)."
        )
    return folder


def parts(core: str) -> dict[str, Part]:
    """MathJax's exports by name, as JupyterLab's core loads them."""
    found = re.search(LOADER, core)
    if not found:
        raise MathJaxError(
            "JupyterLab's core does not load MathJax by the line expected here. "
            "Install the version in constraints.txt."
        )
    names = re.findall(r"\{(\w+):", found[1])
    rest = core[found.end() :]
    imports = re.findall(r"((?:\w\.e\(\d+\),?)+)(?:\]\))?\.then\([\w.]*bind\(\w,(\d+)", rest)
    listed = {
        name: Part(chunks=tuple(re.findall(r"\d+", chunks)), module=module)
        for name, (chunks, module) in zip(names, imports, strict=False)
    }
    if missing := [name for name in WANTED if name not in listed]:
        raise MathJaxError(f"JupyterLab's loader lacks {missing}; it has {sorted(listed)}.")
    return {name: listed[name] for name in WANTED}


def script(static: Path) -> str:
    """MathJax as one script that typesets a page's equations once it has loaded."""
    core = next(static.glob("jlab_core.*.js")).read_text(encoding="utf-8")
    wanted = parts(core)
    chunks = dict.fromkeys(chunk for part in wanted.values() for chunk in part.chunks)
    code = []
    for chunk in chunks:
        text = next(static.glob(f"{chunk}.*.js")).read_text(encoding="utf-8")
        code.append(re.sub(PUSH, "take(", text, count=1))
    modules = {name: int(part.module) for name, part in wanted.items()}
    driver = DRIVER.read_text(encoding="utf-8")
    return driver.replace("/*CHUNKS*/", "\n".join(code)).replace("/*MODULES*/", json.dumps(modules))


def licence(static: Path) -> str:
    """The licence under which JupyterLab, and so the book, carries MathJax."""
    text = (static / "third-party-licenses.json").read_text(encoding="utf-8")
    package = next(p for p in json.loads(text)["packages"] if p["name"] == "mathjax-full")
    return f"MathJax {package['versionInfo']}\n{package['extractedText']}"


def write(folder: Path) -> None:
    """Put the script, its fonts under their own names, and the licence into a folder."""
    static = lab_static()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mathjax.js").write_text(script(static), encoding="utf-8")
    (folder / "LICENSE.txt").write_text(licence(static), encoding="utf-8")
    for file in static.glob("*.woff"):
        name = TTFont(file)["name"].getDebugName(6)
        if name.startswith("MathJax_"):
            (folder / f"{name}.woff").write_bytes(file.read_bytes())
