"""What JupyterLab and Notebook 7 do to a widget: reload, restart, views, themes, small windows."""

import json
import re

import pytest
from widget.conftest import PHOTO, SHOW

pytestmark = pytest.mark.browser
COUNT = "len(w.session.prompts)"
SAID = "[p.to_json() for p in w.session.prompts]"


def yellow(book, x=180, y=120):
    """Whether the mask is painted at a point of the disc."""
    _, green, _, alpha = book.pixel(x, y)
    return alpha == 255 and green > 140


def test_touch_taps_and_drags(opened):
    hand = opened("touch.ipynb", PHOTO, SHOW, has_touch=True)
    hand.run()
    hand.page.touchscreen.tap(*hand.at(150, 140))
    hand.until(COUNT, 1)
    (said,) = hand.kernel(SAID)
    assert abs(said["x"] - 150) < 1.5 and abs(said["y"] - 140) < 1.5 and said["positive"]
    hand.page.locator(".vpu-widget button", has_text="negative").tap()
    hand.page.locator('.vpu-widget button[title^="Draw a scribble"]').tap()
    hand.settle()
    finger = hand.page.context.new_cdp_session(hand.page)
    path = [hand.at(*p) for p in ((300, 200), (320, 240), (350, 260))]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), path, strict=True):
        points = [{"x": x, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    hand.until(COUNT, 2)
    stroke = hand.kernel(SAID)[1]
    assert stroke["kind"] == "scribble" and not stroke["positive"]
    assert abs(stroke["points"][-1][0] - 350) < 2
    hand.settle()
    hand.shot("touch")
    near, middle = hand.kernel("w.canvas.view.zoom"), hand.at(200, 150)
    for kind, apart in (("touchStart", 30), ("touchMove", 45), ("touchMove", 60)):
        pair = [{"x": middle[0] + side * apart, "y": middle[1]} for side in (-1, 1)]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": pair})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    hand.until(f"abs(w.canvas.view.zoom / {near} - 2) < 0.1")
    hand.settle()
    hand.shot("pinch")
    assert hand.kernel(COUNT) == 2 and abs(hand.at(200, 150)[0] - middle[0]) < 3
    hand.close()


def lands_right(book, name):
    """Clicks and a dragged box are where they were made; the mask is painted there."""
    book.run()
    book.click(150, 140)
    book.click(330, 240, button="right")
    book.until(COUNT, 2)
    first, second = book.kernel(SAID)
    assert abs(first["x"] - 150) < 1 and abs(first["y"] - 140) < 1
    assert abs(second["x"] - 330) < 1 and abs(second["y"] - 240) < 1
    book.settle()
    book.shot(name)
    assert yellow(book)
    book.press("b")
    book.drag((70, 60), (232, 222))
    book.until(COUNT, 3)
    box = book.kernel(SAID)[2]
    assert abs(box["cx"] - 151) < 1 and abs(box["h"] - 162) < 2


def test_clicks_land_right_at_two_pixels_for_one(opened):
    book = opened("ratio2.ipynb", PHOTO, SHOW, device_scale_factor=2)
    lands_right(book, "ratio-2")
    book.close()


@pytest.mark.parametrize(("ratio", "zoom"), [(1, 1.5), (1.5, 0.8), (1, 0.5)])
def test_clicks_land_right_at_any_browser_zoom(opened, playwright, tmp_path, ratio, zoom):
    from widget.browser import zoomed

    window = zoomed(playwright, tmp_path / "profile", zoom, ratio)
    book = opened(f"zoom{zoom}.ipynb", PHOTO, SHOW, window=window)
    found = book.page.evaluate("[devicePixelRatio, innerWidth / outerWidth, visualViewport.scale]")
    assert [round(f, 2) for f in found] == [round(ratio * zoom, 2), round(1 / zoom, 2), 1]
    lands_right(book, f"zoom-{zoom}-ratio-{ratio}")
    book.close()


def test_a_reloaded_page_shows_the_same_and_goes_on(lab):
    lab.click(150, 140)
    lab.until(COUNT, 1)
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    lab.pause(1500)
    lab.open()
    lab.page.wait_for_selector(".jp-OutputArea-output canvas", timeout=60_000)
    lab.settle()
    lab.page.wait_for_function(
        "() => document.querySelector('.jp-OutputArea-output canvas').getContext('2d')"
        ".getImageData(150, 140, 1, 1).data[3] == 255"
    )
    lab.shot("reloaded")
    assert yellow(lab)
    lab.click(330, 240, button="right")
    lab.until(COUNT, 2)
    lab.settle()
    lab.page.wait_for_function(
        "() => document.querySelector('.vpu-widget [role=status]')"
        "?.innerText.includes('prompts: 2')"
    )


def test_two_views_show_the_same(lab):
    page = lab.page
    page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-InputPrompt").click()
    lab.command("notebook:create-output-view")
    page.locator(".jp-LinkedOutputView canvas").wait_for()
    lab.settle()
    u, v = lab.kernel("[float(s) for s in w.canvas.view.to_canvas(150, 140)]")
    page.locator(".jp-LinkedOutputView canvas").click(position={"x": u, "y": v})
    lab.until(COUNT, 1)
    lab.settle()
    lab.shot("two-views")
    script = (
        "() => { const seen = [...document.querySelectorAll('.vpu-widget canvas')].map(c => {"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return d.reduce((a, b) => (a * 31 + b) % 1000003, 7) }); return seen }"
    )
    one, other = page.evaluate(script)
    assert one == other and yellow(lab)
    page.evaluate(
        "() => [...window.jupyterapp.shell.widgets('main')]"
        ".filter(w => w.node.querySelector('.jp-LinkedOutputView')).forEach(w => w.close())"
    )
    lab.pause(500)


STANDS = "[w.session.mask.sum().item()] + [p.to_json() for p in w.session.prompts]"


def files(server):
    """The kept sessions, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in server.cache.glob("sessions/*.json")}


def test_a_restarted_kernel_loses_nothing(opened, server):
    book = opened("restart.ipynb", PHOTO, "w = PromptWidget(photo)\nw")
    book.run()
    book.click(150, 140)
    book.click(330, 240, button="right")
    book.until(COUNT, 2)
    book.settle()
    before = book.kernel(STANDS)
    assert len(files(server)) == 1
    book.kernel.close()
    book.kernel = None
    server.restart_kernel("restart.ipynb")
    book.pause(2000)
    book.open()
    book.run()
    book.until(COUNT, 2)
    status = book.page.locator(".vpu-widget [role=status]", has_text="Back from before")
    status.wait_for()
    book.settle()
    status.scroll_into_view_if_needed()
    book.shot("restarted")
    assert book.kernel(STANDS) == before and yellow(book) and "clear [k]" in status.inner_text()
    book.press("z")
    book.until(COUNT, 1)
    book.press("y")
    book.until(COUNT, 2)
    assert book.kernel(STANDS) == before and len(files(server)) == 1
    book.close()


SLOW = """
import threading
asked, go = threading.Event(), threading.Event()
hook = model.decoder.register_forward_pre_hook(lambda *_: asked.set() or go.wait(60) and None)
"""


@pytest.mark.parametrize(("key", "kind"), [("s", "rounds"), ("b", "rounds"), ("p", "strokes")])
def test_nothing_is_saved_in_mid_stroke(opened, server, key, kind):
    book = opened(f"stroke-{key}.ipynb", PHOTO, SHOW)
    book.run()
    book.click(330, 240, button="right")
    book.until(COUNT, 1)
    book.settle()
    before, ((path, _),) = files(server), files(server).items()
    content = path.read_bytes()
    places = [book.at(*point) for point in ((90, 80), (150, 140), (210, 200))]
    book.kernel("0", SLOW)
    book.page.mouse.click(*book.at(60, 250))
    book.until("asked.is_set()")  # and is not answered before the stroke has begun
    book.page.keyboard.press(key)
    book.page.mouse.move(*places[0])
    book.page.mouse.down()
    for place in places[1:]:
        book.page.mouse.move(*place, steps=8)
        book.until("len(w._stroke) > 4")  # the kernel has heard of it
        assert files(server) == before
        book.kernel("0", "go.set(), hook.remove()")
        book.until(COUNT, 2)
        book.pause(600)
        book.settle()
        assert files(server) == before and path.read_bytes() == content
    book.shot(f"mid-stroke-{key}")
    book.page.mouse.up()
    book.until("len(w._stroke)", 0)
    book.settle()
    book.shot(f"after-stroke-{key}")
    now, made = json.loads(path.read_text())["objects"][0], {"rounds": 2, "strokes": 0}
    made[kind] += 1
    assert {name: len(now[name]) for name in made} == made
    assert files(server) != before
    book.close()


def test_a_cell_run_again_leaks_no_widget(opened):
    book = opened("again.ipynb", PHOTO, SHOW)
    book.run()
    alive = "len(__import__('ipywidgets').widgets.widget._instances)"
    first = book.kernel(alive)
    for _ in range(3):
        book.run()
        book.pause(800)
        book.settle()
    assert book.kernel(alive) <= first
    book.click(150, 140)
    book.until(COUNT, 1)
    book.close()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("size", [(1280, 900), (820, 1100)])
def test_both_themes_at_two_sizes(lab, theme, size):
    page = lab.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    lab.pause(1200)
    lab.click(150, 140)
    lab.click(330, 240, button="right")
    lab.press("v")
    lab.until(COUNT, 2)
    lab.settle()
    lab.shot(f"{theme.split()[1].lower()}-{size[0]}")
    box = lab.box()
    assert box["x"] + box["width"] <= size[0]
    assert (
        abs(
            box["width"] / box["height"]
            - lab.kernel("w.canvas.widget.width / w.canvas.widget.height")
        )
        < 0.02
    )
    colours = page.evaluate(
        "() => { const s = getComputedStyle(document.querySelector('.vpu-widget'));"
        " const b = getComputedStyle(document.body).getPropertyValue('--jp-layout-color1');"
        " return [s.color, b] }"
    )
    light = sum(map(int, re.findall(r"\d+", colours[0])[:3])) > 380
    assert light == (theme == "JupyterLab Dark")
    lab.press("v")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme',"
        " {theme: 'JupyterLab Light'})"
    )
    lab.pause(800)


def test_notebook_7_smoke(opened):
    book = opened("seven.ipynb", PHOTO, SHOW, app="notebooks")
    book.run()
    book.click(150, 140)
    book.click(330, 240, button="right")
    book.until("[p.positive for p in w.session.prompts]", [True, False])
    book.press("z")
    book.until(COUNT, 1)
    book.settle()
    book.shot("notebook7")
    assert yellow(book) and book.page.locator(".lm-Menu").count() == 0
    book.close()
