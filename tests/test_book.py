"""The book: what its makers do, and (slow) that it builds without a warning or a dead link."""

import http.server
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("myst_nb")
pytest.importorskip("sphinx_book_theme")

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "docs" / "book"


def load(file):
    """A file of docs/book; they import each other by name, as scripts in one folder do."""
    spec = importlib.util.spec_from_file_location(f"book_{file}", BOOK / f"{file}.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(BOOK))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BOOK))
    return module


links, names, build = load("links"), load("names"), load("build")
equations, alt = build.equations, load("alt")


def site(folder, body, head=""):
    (folder / "sub").mkdir()
    (folder / "sub" / "b.html").write_text("<p id='here'>b</p>", encoding="utf-8")
    (folder / "a.html").write_text(f"<head>{head}</head>{body}", encoding="utf-8")
    return links.problems(folder)


def test_good_links_pass(tmp_path):
    body = (
        "<a href='sub/b.html'>b</a><a href='sub/b.html#here'>b</a><a href='#'>top</a>"
        "<a href='https://arxiv.org/abs/2306.06656'>out</a><a href='mailto:a@b.c'>m</a>"
    )
    assert site(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<a href='sub/c.html'>c</a>", "leads to no file"),
        ("<a href='sub/b.html#there'>b</a>", "leads to no place"),
        ("<a href='#there'>b</a>", "leads to no place"),
        ("<img src='no.png'>", "leads to no file"),
        ("<img src='https://a.b/c.png'>", "from the network"),
        ("<script src='//cdn.b/c.js'></script>", "from the network"),
        ("<iframe src='http://a.b'></iframe>", "from the network"),
    ],
)
def test_bad_links_are_named(tmp_path, body, said):
    found = site(tmp_path, body)
    assert len(found) == 1 and found[0].startswith("a.html: ") and said in found[0]


def test_remote_style_sheets_are_named(tmp_path):
    head = "<link rel='stylesheet' href='https://a.b/c.css'><link rel='next' href='a.html'>"
    assert site(tmp_path, "", head) == ["a.html: loads https://a.b/c.css from the network"]
    (tmp_path / "own.css").write_text("p {background: url(//a.b/c.png)}", encoding="utf-8")
    assert "own.css: loads //a.b/c.png from the network" in links.problems(tmp_path)


def test_links_to_files_follow_the_book():
    book = build.pages()
    notebook = ROOT / "notebooks" / "02_click_to_vector.ipynb"
    text = "[R](../docs/readings.md#r1), [`box`](../vpuformer/pue/box.py), [out](https://a.b)"
    wanted = "[R](../docs/readings.md#r1), `box`, [out](https://a.b)"
    assert build.relink(text, notebook, book) == wanted
    front = ROOT / build.FRONT
    assert build.relink("[r](readings.md)", front, book) == "[r](docs/readings.md)"
    assert build.relink("rows[0](x)", front, book) == "rows[0](x)"


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("vpuformer/pue/box.py", "vpuformer.pue.box"),
        ("vpuformer/pue/", "vpuformer.pue"),
        ("pue/scribble.py", "vpuformer.pue.scribble"),
        ("vpu.load('lite0')", "vpuformer.weights.load"),
        ("vpu.preset", "vpuformer.config.preset"),
        ("config.literal()", "vpuformer.config.literal"),
        ("vpuformer.data.shards.write_index('x')", "vpuformer.data.shards.write_index"),
        ("sigma", "sigma"),
    ],
)
def test_code_means_objects(code, meant):
    assert names.object_of(code) == meant


def test_code_means_pages():
    pages = {"docs/readings", "notebooks/02_click_to_vector"}
    assert names.page_of("docs/readings.md", pages) == "docs/readings"
    assert names.page_of("02_click_to_vector", pages) == "notebooks/02_click_to_vector"
    assert names.page_of("tests/test_model.py", pages) is None


def test_mathjax_is_found_in_jupyterlab():
    static = equations.lab_static()
    code = equations.script(static)
    assert "/*CHUNKS*/" not in code and "/*MODULES*/" not in code
    for name, module in json.loads(re.search(r"const ids = (\{.*\});", code)[1]).items():
        assert re.search(rf"[{{,]{module}(?:\(|:)", code), f"{name}'s module is not in the script"
    assert equations.licence(static).startswith("MathJax 3.")
    with pytest.raises(equations.MathJaxError, match=r"constraints\.txt"):
        equations.parts("another JupyterLab")


def test_every_picture_has_its_words():
    pictures = sum(
        kind.startswith("image/")
        for file in (ROOT / "notebooks").rglob("*.ipynb")
        for cell in json.loads(file.read_text("utf-8"))["cells"]
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    )
    assert pictures and len(alt.alt_texts(ROOT / "notebooks")) == pictures


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit, match="holds something else"):
        build.build(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "book"
    done = subprocess.run(
        [sys.executable, BOOK / "build.py", "--out", out],
        capture_output=True,
        text=True,
        cwd=out.parent,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return out


@pytest.mark.slow
def test_the_book_holds_everything(book):
    assert (book / "index.html").is_file() and (book / "searchindex.js").is_file()
    for file, place in build.pages().items():
        page = (book / place.with_suffix(".html")).read_text(encoding="utf-8")
        assert "<h1>" in page, f"{file.name} has no page"
        pictures = re.findall(r"<img[^>]*_images/[0-9a-f]{64}\.[^>]*>", page)
        assert pictures or place.parent.name != "notebooks", f"{file.name} shows no picture"
        assert all('alt="' in tag and 'alt="../' not in tag for tag in pictures)
        if place.parent.name == "notebooks":  # its masthead's strip
            assert re.search(rf'<img alt="You are here: [^>]*_images/{file.name[:2]}\.png"', page)
    import vpuformer as vpu

    objects = (book / "genindex.html").read_text(encoding="utf-8")
    for name in vpu.__all__:
        owner = getattr(vpu, name)
        assert f'#{owner.__module__}.{name}"' in objects, f"{name} is not in the reference"


@pytest.fixture
def served(book):
    handler = partial(QuietHandler, directory=book)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.browser
def test_equations_and_search_without_other_servers(served):
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or pytest.skip("chromium is not on the PATH")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        said, asked = [], []
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: said.append(str(e)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served}/notebooks/02_click_to_vector.html")
        page.wait_for_selector("mjx-container")
        assert page.locator("mjx-container").count() == page.locator(".math").count() > 5
        assert page.locator("mjx-merror").count() == 0
        page.goto(f"{served}/search.html?q=gaussian")
        page.wait_for_selector("#search-results li a")
        browser.close()
    assert not said and not [url for url in asked if not url.startswith(served)]
