"""The mouse and the keys in a real JupyterLab: what is pointed at is what the session hears."""

from math import floor

import pytest

pytestmark = pytest.mark.browser
SAID = "[p.to_json() for p in w.session.prompts]"
COUNT = "len(w.session.prompts)"


def near(prompt, x, y, tolerance=1.0):
    return abs(prompt["x"] - x) <= tolerance and abs(prompt["y"] - y) <= tolerance


def test_the_left_button_is_positive_and_the_mask_follows(lab):
    before = lab.pixel(180, 120)
    lab.click(150, 140)
    lab.until(COUNT, 1)
    lab.settle()
    (said,) = lab.kernel(SAID)
    assert said["positive"] and near(said, 150, 140)
    assert lab.kernel("w.session.score > 0.9 and bool(w.mask[140, 150])")
    lab.shot("click")
    green = lab.pixel(180, 120)[1]
    assert green - before[1] > 20 and lab.pixel(350, 250)[1] < 120  # yellow on the disc alone
    status = lab.page.locator(".vpu-widget [role=status]").inner_text()
    assert "IoU 0.9" in status and "ms" in status and "decode" in status


@pytest.mark.parametrize("way", ["right button", "shift", "switch", "key"])
def test_four_ways_to_say_negative(lab, way):
    lab.click(150, 140)
    if way == "switch":
        lab.page.locator(".vpu-widget button", has_text="negative").click()
    if way == "key":
        lab.page.keyboard.press("x")
    if way == "shift":
        lab.page.keyboard.down("Shift")
    lab.click(330, 240, button="right" if way == "right button" else "left")
    lab.page.keyboard.up("Shift")
    lab.until(COUNT, 2)
    said = lab.kernel(SAID)
    assert [p["positive"] for p in said] == [True, False] and near(said[1], 330, 240)
    assert lab.page.locator(".lm-Menu").count() == 0  # JupyterLab's menu has "Delete Cell"


def test_a_box_is_dragged_from_corner_to_corner(lab):
    lab.press("b")
    lab.drag((70, 60), (232, 222))
    lab.until(COUNT, 1)
    (said,) = lab.kernel(SAID)
    assert said["kind"] == "box" and abs(said["w"] - 162) < 2 and abs(said["cx"] - 151) < 2
    lab.settle()
    lab.shot("box")
    lab.until("w.session.score > 0.8")


def test_a_scribble_keeps_its_bends_and_its_sign(lab):
    lab.click(150, 140)
    lab.press("s")
    lab.drag((300, 200), (340, 260), (380, 200), button="right")
    lab.until(COUNT, 2)
    stroke = lab.kernel(SAID)[1]
    assert stroke["kind"] == "scribble" and not stroke["positive"]
    assert len(stroke["points"]) > 6 and max(y for _, y in stroke["points"]) > 255
    lab.shot("scribble")


@pytest.mark.parametrize("kind", ["scribble", "box"])
def test_a_drag_may_leave_the_photo_and_come_back(lab, kind):
    lab.press(kind[0])
    box = lab.box()
    (u, v), (far, low) = lab.at(100, 8), lab.at(300, 200)
    lab.page.mouse.move(u, v)
    lab.page.mouse.down()
    for place in (
        (u + 40, v),
        (u + 50, box["y"] - 9),
        (u + 60, box["y"] - 9),
        (far, v),
        (far, low),
    ):
        lab.page.mouse.move(*place, steps=3)
    lab.page.mouse.up()
    lab.until(COUNT, 1)
    bounds = lab.kernel("list(w.session.prompts[0].bounds)")
    assert max(abs(a - b) for a, b in zip(bounds[2:], (300, 200), strict=True)) < 2
    lab.press(kind[0])
    lab.page.mouse.move(far, low)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] + 40, low + 30, steps=5)
    lab.page.mouse.up()  # out there
    lab.until(COUNT, 2)
    assert lab.kernel("w.session.prompts[1].bounds[2] > w.session.size[1] - 2 and not w._stroke")


def test_brush_and_eraser_change_the_pixels_under_them(lab):
    lab.press("p")
    lab.drag((330, 250), (370, 250))
    lab.until("bool(w.mask[250, 350])")
    lab.press("e")
    lab.drag((350, 230), (350, 280))
    lab.until("bool(w.mask[250, 350])", False)
    assert lab.kernel("bool(w.mask[250, 332])")
    lab.shot("brush")


def test_undo_redo_and_clear_by_button_and_by_key(lab):
    lab.click(150, 140)
    lab.click(330, 240, button="right")
    lab.until(COUNT, 2)
    first = lab.kernel("w.mask.sum().item()")
    lab.button("Undo")
    lab.until(COUNT, 1)
    lab.page.mouse.click(*lab.at(380, 20), button="middle")
    lab.press("z")
    lab.until(COUNT, 0)
    lab.press("y")
    lab.until(COUNT, 1)
    lab.button("Redo")
    lab.until(COUNT, 2)
    assert lab.kernel("w.mask.sum().item()") == first
    lab.button("Clear")
    lab.until(COUNT, 0)
    lab.press("Control+z")
    lab.until(COUNT, 2)


def test_a_click_on_a_mark_deletes_that_prompt(lab):
    lab.click(150, 140)
    lab.click(330, 240, button="right")
    lab.until(COUNT, 2)
    lab.settle()
    lab.click(150, 140)
    lab.until("[p.positive for p in w.session.prompts]", [False])


def test_the_chosen_prompt_is_deleted_by_key(lab):
    lab.click(150, 140)
    lab.click(330, 240, button="right")
    lab.until(COUNT, 2)
    lab.press(",")
    lab.press("Delete")
    lab.until("[p.positive for p in w.session.prompts]", [False])


def test_the_keyboard_alone_is_enough_and_is_not_trapped(lab):
    page = lab.page
    focused = "document.activeElement.tagName + ' ' + document.activeElement.title"
    page.locator('.vpu-widget button[title^="Show the whole"]').focus()
    page.keyboard.press("Tab")
    assert page.evaluate(focused).startswith("CANVAS")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    lab.until(COUNT, 1)
    (said,) = lab.kernel(SAID)
    assert said["positive"] and said["x"] < 190 and abs(said["y"] - 150) < 2
    lab.settle()
    lab.shot("keyboard")
    page.keyboard.press("b")
    for key in ("Enter", "ArrowRight", "ArrowDown", "ArrowDown", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    lab.until(COUNT, 2)
    assert lab.kernel(SAID)[1]["kind"] == "box"
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.title.startsWith('New object')")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.wait_for_function("document.activeElement.title.startsWith('Show the whole')")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.tagName != 'CANVAS'")
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2  # no key reached JupyterLab


def test_keys_are_listed(lab):
    lab.page.locator(".vpu-widget summary", has_text="Keys").click()
    listed = lab.page.locator(".vpu-keys").inner_text()
    lab.shot("keys")
    assert all(word in listed for word in ("Undo", "scribble", "cursor", "Leave the photo"))
    lab.page.locator(".vpu-widget summary", has_text="Keys").click()


def test_a_click_lands_right_when_the_canvas_is_partly_off_the_page(lab):
    page = lab.page
    page.locator(".jp-Cell-inputArea").first.click()
    page.evaluate(
        "() => { const c = document.querySelector('.vpu-widget canvas');"
        " let p = c.closest('.jp-WindowedPanel-outer'); p.style.paddingBottom = '900px';"
        " p.scrollTop += c.getBoundingClientRect().bottom - p.getBoundingClientRect().top - 150 }"
    )
    lab.pause(300)
    at = lab.at(150, 280)
    assert lab.box()["y"] < 60 and at[1] > 100
    page.mouse.move(at[0] + 2, at[1])
    page.mouse.move(*at)
    page.mouse.click(*at)
    lab.until(COUNT, 1)
    (said,) = lab.kernel(SAID)
    assert near(said, 150, 280)


def test_zoom_keeps_the_point_under_the_mouse_and_clicks_land_right(lab):
    at = [floor(side) for side in lab.at(150, 140)]  # the mouse stands on whole pixels
    lab.page.mouse.move(*at)
    for _ in range(4):
        lab.page.mouse.wheel(0, -200)
    lab.until("w.canvas.view.zoom > 2")
    lab.settle()
    moved = max(abs(a - b - 0.5) for a, b in zip(lab.at(150, 140), at, strict=True))
    assert moved < 2.5  # up to half a pixel before, 4.3 times nearer
    lab.page.mouse.click(*at)
    lab.until(COUNT, 1)
    assert near(lab.kernel(SAID)[0], 150, 140)
    lab.settle()
    lab.shot("zoom")
    left = lab.kernel("w.canvas.view.left")
    lab.press("g")
    lab.page.mouse.down()
    lab.page.mouse.move(at[0] - 40, at[1], steps=4)
    lab.page.mouse.up()
    lab.until(f"w.canvas.view.left > {left} + 5")
    assert lab.kernel(COUNT) == 1
    lab.press("0")
    lab.until("w.canvas.view.left == 0 and w.canvas.view.zoom < 2")
    lab.press("c")


def test_a_preview_shows_and_does_not_say(lab):
    lab.press("r")
    lab.page.mouse.move(*lab.at(150, 140))
    lab.until("w._ghost.size > 0 and bool(w._ghost[140, 150])")
    lab.settle()
    lab.shot("preview")
    assert lab.kernel(COUNT) == 0 and lab.pixel(180, 120)[2] > 100  # blue: would be added
    lab.page.mouse.move(2, 2)
    lab.until("w._ghost.size == 0")


def test_a_flood_of_events_loses_no_prompt(lab):
    page, points = lab.page, [(60 + 8 * k, 60 + 6 * k) for k in range(25)]
    places = [lab.at(*point) for point in points]
    for u, v in places:  # 25 clicks among 500 events
        page.mouse.move(u, v - 30)
        page.mouse.move(u, v, steps=16)
        page.mouse.click(u, v)
    lab.until(f"{COUNT} + 0", 25, seconds=120)
    said = lab.kernel(SAID)
    assert all(near(p, *point, 1.2) for p, point in zip(said, points, strict=True))


def test_what_goes_wrong_is_said_in_plain_words(lab):
    lab.press("b")
    lab.click(150, 140)  # a box without a second corner
    lab.page.locator(".vpu-widget [role=status]", has_text="Box is empty").wait_for()
    lab.shot("error")
    assert lab.kernel(COUNT) == 0
    lab.press("c")
    lab.click(150, 140)
    lab.until(COUNT, 1)
    lab.settle()
    assert "Box" not in lab.page.locator(".vpu-widget [role=status]").inner_text()
