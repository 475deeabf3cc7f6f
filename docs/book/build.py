"""The course, the notes and the API as web pages: `python docs/book/build.py` fills build/book/.

Pages are gathered in one folder, where they keep their paths in the repository; Sphinx then reads
them with every warning an error, and the links of what it wrote are checked.
"""

import argparse
import ast
import importlib.util
import os
import re
import shutil
import sys
import tomllib
from pathlib import Path

import equations
import links
from sphinx.cmd.build import build_main

from vpuformer.drawing.palette import POSITIVE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = ("docs/*.md", "notebooks/*.ipynb", "notebooks/solutions/*.ipynb")
ALONE = ("README.md", "CONTRIBUTING.md")
FRONT = "docs/index.md"  # becomes the root page
MD_LINK = r"(?<!!)\[([^\]\[]*)\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)"
PICTURE = r"!\[[^\]]*\]\((?!\w+:)([^)\s]+)\)"


def pages() -> dict[Path, Path]:
    """Repository file -> its path in the book."""
    files = [file for pattern in (*ALONE, *PAGES) for file in sorted(ROOT.glob(pattern))]
    kept = {file: file.relative_to(ROOT) for file in files}
    return kept | {ROOT / FRONT: Path("index.md")}


def relink(text: str, file: Path, book: dict[Path, Path]) -> str:
    """Links to pages of the book follow them; links to other files of the repository are code."""

    def turn(found: re.Match[str]) -> str:
        target = (file.parent / found[2]).resolve()
        if target in book:
            where = os.path.relpath(book[target], book[file].parent)
            return f"[{found[1]}]({Path(where).as_posix()}{found[3] or ''})"
        if not target.exists():  # code like rows[0](x), or a dead link, of which Sphinx warns
            return found[0]
        return f"`{found[1].strip('`')}`"

    return re.sub(MD_LINK, turn, text)


def gather(source: Path) -> None:
    """Copy the pages and their pictures, write the table of the course and the API's pages."""
    book = pages()
    for file, place in book.items():
        text = file.read_text(encoding="utf-8")
        target = source / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(relink(text, file, book), encoding="utf-8")
        for picture in re.findall(PICTURE, text):
            copy = source / (file.parent / picture).resolve().relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file.parent / picture, copy)
    (source / "course.table").write_text(course_table(), encoding="utf-8")
    for name, text in api(ROOT / "vpuformer").items():
        page = source / "api" / f"{name}.rst"
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")
    shutil.copy2(HERE / "vpuwidget.rst", source / "api")
    (source / "_static").mkdir()
    shutil.copy2(HERE / "book.css", source / "_static")
    (source / "_static" / "icon.svg").write_text(icon(), encoding="utf-8")
    equations.write(source / "_static" / "mathjax")


def icon() -> str:
    """A positive click, for the browser's tab."""
    disc = f'<circle cx="8" cy="8" r="7" fill="{POSITIVE}"/>'
    plus = '<path d="M8 4v8M4 8h8" stroke="white" stroke-width="2"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{disc}{plus}</svg>'


def course_table() -> str:
    """The table of the notebooks, from their mastheads, as in README."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "notebooks" / "build.py")
    notebooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebooks)
    return notebooks.course_table()


def api(package: Path) -> dict[str, str]:
    """One page of reStructuredText for every room of the package, and a page that lists them."""
    rooms: dict[str, list[str]] = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if len(parts) > 1 and (len(parts) == 2 or file.stat().st_size):  # no empty inner room
            rooms.setdefault(parts[1], []).append(".".join(parts))
    written = {room: room_page(names, package) for room, names in rooms.items()}
    order = sorted(rooms, key=floors().index)  # a room that the contract lacks is an error
    table = "\n".join(f"   * - :doc:`{r}`\n     - {about(rooms[r], package)}" for r in order)
    front = (HERE / "api.rst").read_text(encoding="utf-8").replace("{table}", table)
    return written | {"index": front.replace("{rooms}", "\n".join(f"   {r}" for r in order))}


def floors() -> list[str]:
    """The rooms from the top floor to the ground, `drawing` beside them, as the contract has it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = next(c for c in contracts["importlinter"]["contracts"] if c["type"] == "layers")
    return [*re.findall(r"vpuformer\.(\w+)", " ".join(layers["layers"])), "drawing"]


def about(names: list[str], package: Path) -> str:
    """What a room is for: its docstring's first line, or its modules."""
    path = package.parent / names[0].replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    inner = ", ".join(f"``{name.removeprefix(f'{names[0]}.')}``" for name in names[1:])
    return words.splitlines()[0].replace("|", "\\|") if words else inner


def room_page(names: list[str], package: Path) -> str:
    """The modules of one room, each with all that is public in it; `__init__` only re-exports."""
    room = names[0]
    parts = []
    for name in names:
        is_room = (package.parent / name.replace(".", "/")).is_dir()
        title = name.removeprefix(f"{room}.")
        mark = "=" if name == room else "-"
        parts += [title, mark * len(title), "", f".. automodule:: {name}"]
        parts += ["   :no-members:", ""] if is_room else [""]
    return "\n".join(parts)


def build(out: Path) -> int:
    """Build the site into a folder; the number of things that are wrong."""
    if out.exists() and any(out.iterdir()) and not (out / ".buildinfo").is_file():
        raise SystemExit(f"{out} holds something else. Give an empty folder.")
    work = out.with_name(f"{out.name}-source")
    for old in (out, work):
        shutil.rmtree(old, ignore_errors=True)
    gather(work)
    options = ["-b", "html", "-W", "--keep-going", "-q", "-c", str(HERE.parent)]
    options += ["-d", str(work / "_doctrees"), "-D", f"html_static_path={work / '_static'}"]
    options += ["-D", f"html_favicon={work / '_static' / 'icon.svg'}"]
    failed = build_main([*options, str(work), str(out)])
    found = links.problems(out)
    sys.stderr.writelines(f"{line}\n" for line in found)
    return failed + len(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "book")
    folder = parser.parse_args().out
    wrong = build(folder)
    if not wrong:
        sys.stdout.write(f"Open {folder / 'index.html'}\n")
    sys.exit(bool(wrong))
