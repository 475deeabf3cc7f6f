"""Notebook 08's dots on a real page: what a click, a tap and a small window choose."""

import pytest

pytestmark = pytest.mark.browser
GAMES = """
from vpucourse import browsing
def row(name, *ious):
    prompts = [{"x": 10.0 + k, "y": 20.0, "positive": True} for k in range(len(ious))]
    return {"image": name, "instance": 1, "ious": [*ious], "prompts": prompts}
games = [(row("a", 0.2, 0.5, 0.93), row("a", 0.1)), (row("b", *[0.3] * 20), row("b", 0.95)),
         (row("c", 0.96), row("c", 0.5, 0.92))]
browser = browsing.browse({"one": games})
"""
IMAGE = ".jp-OutputArea-output img"
PLACE = "browser.place.value"


def spot(book, name):
    """The page's point of a game's dot, and the game's place."""
    place = book.kernel(f"[g[0]['image'] for g in browser.games].index('{name}')")
    x, y = book.kernel(f"browser._spots[{place}].tolist()")
    box = book.page.locator(IMAGE).first.bounding_box()
    wide, high = book.page.evaluate(
        "s => { const i = document.querySelector(s); return [i.naturalWidth, i.naturalHeight] }",
        IMAGE,
    )
    return (box["x"] + x * box["width"] / wide, box["y"] + y * box["height"] / high), place


@pytest.mark.parametrize(("ratio", "width"), [(1, 1280), (2, 620)])
def test_a_click_on_a_dot_chooses_its_game(opened, ratio, width):
    from widget.browser import Kernel

    viewport = {"width": width, "height": 700}
    book = opened(f"dots{width}.ipynb", GAMES, device_scale_factor=ratio, viewport=viewport)
    book.command("notebook:run-all-cells")
    book.page.wait_for_selector(IMAGE, timeout=90_000)
    book.kernel = Kernel(book.server, book.name)
    book.page.locator(IMAGE).first.scroll_into_view_if_needed()
    book.pause(300)
    for name in ("b", "a", "c"):
        at, place = spot(book, name)
        book.page.mouse.click(*at)
        book.until(PLACE, place)
        book.pause(200)
    book.shot(f"dots{width}")
    slider = book.page.locator(".widget-slider .noUi-handle").last
    slider.focus()
    book.page.keyboard.press("ArrowRight")
    book.until(PLACE, 1)
    book.close()
