"""One server, one browser, one kernel for the browser tests; each has a new session."""

import os
import shutil

import pytest

PHOTO = """
import numpy as np, vpuformer as vpu
from vpuwidget.panel import PromptWidget
from vpuformer.widget.session import Session
model = vpu.load("lite0", device="cpu")
y, x = np.mgrid[:300, :400]
truth = np.hypot(x - 150, y - 140) < 80
ground = np.linspace(40, 110, 400)[None, :, None] * [0.6, 1.0, 0.8]
noise = np.random.default_rng(0).normal(0, 6, (300, 400, 3))
photo = (np.where(truth[..., None], [215, 120, 40], ground) + noise).clip(0, 255).astype(np.uint8)
"""
SHOW = "w = PromptWidget(photo, model, truth=truth, width=480)\nw"
NEW = """
for name, switch in w.switch.items():
    switch.value = name == "outline"
w.value["show"].value, w.value["opacity"].value, w.value["radius"].value = "mask", 0.45, 8
w.show(Session(photo, model, truth=truth))
w.act("click")
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    browser = pytest.importorskip("widget.browser")
    if browser.CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    one = browser.Server(tmp_path_factory.mktemp("jupyter"))
    yield one
    one.close()


@pytest.fixture(scope="session")
def playwright(server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as one:
        yield one


@pytest.fixture(scope="session")
def chromium(playwright):
    from widget.browser import CHROMIUM, FLAGS

    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def opened(server, chromium):
    """Open a notebook of cells: opened(name, *cells, app=..., window=..., **context)."""
    from widget.browser import Notebook, write_notebook

    books = []

    def open_(name, *cells, app="lab/tree", window=None, **context):
        wide, high = map(int, os.environ.get("VPU_WINDOW", "1280x900").split("x"))
        context.setdefault("viewport", {"width": wide, "height": high})
        if cells:  # with no session of an earlier test's
            shutil.rmtree(server.cache, ignore_errors=True)
            write_notebook(server, name, *cells)
        page = (window or chromium.new_context(**context)).new_page()
        books.append(Notebook(page, server, name, app))
        return books[-1]

    yield open_
    for book in books:
        book.close()


@pytest.fixture(scope="session")
def desk(opened):
    """The notebook that most tests share."""
    book = opened("desk.ipynb", PHOTO, SHOW)
    book.run()
    return book


@pytest.fixture
def lab(desk, server, request):
    """The shared notebook with a new session; a failed test leaves a picture."""
    from widget.browser import CANVAS

    shutil.rmtree(server.cache, ignore_errors=True)

    desk.page.locator(CANVAS).first.scroll_into_view_if_needed()
    desk.page.mouse.move(2, 2)
    desk.kernel("0", NEW)
    desk.settle()
    yield desk
    if getattr(request.node, "failed", False):
        desk.shot(f"failed-{request.node.name}")


@pytest.fixture
def folder(server):
    """A folder of the server's, for what a notebook writes."""
    where = server.root / "written"
    where.mkdir()
    yield where
    shutil.rmtree(where)
