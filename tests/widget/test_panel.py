"""The widget without a browser: what its callbacks do to the session, and what it leaves behind."""

import base64
import io
import re
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import ipywidgets
import numpy as np
import pytest
from PIL import Image
from small import CONFIG

from vpuformer.errors import PromptError
from vpuformer.model import build
from vpuformer.prompts import Click
from vpuformer.widget.session import Session
from vpuwidget import panel, picture
from vpuwidget.controls import BUTTONS, MORE_KEYS, SWITCHES, TABLES, TOOLS
from vpuwidget.panel import KEYS, PromptWidget
from vpuwidget.stepper import FolderWidget

MODEL = build(CONFIG).eval()
PHOTO = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
INSTANCES = ipywidgets.widgets.widget._instances


@contextmanager
def answering_late():
    """The decoder waits until the block ends; gives the event that it has begun."""
    began, go = threading.Event(), threading.Event()

    def wait(*_):
        began.set()
        assert go.wait(60)

    hook = MODEL.decoder.register_forward_pre_hook(wait)
    try:
        yield began
    finally:
        go.set()
        hook.remove()


@pytest.fixture
def widget(tmp_path):
    one = PromptWidget(PHOTO, MODEL, width=160, out_dir=tmp_path)
    settle(one)
    yield one
    one.close()


def settle(widget):
    end = time.monotonic() + 60
    while not widget.idle:
        assert time.monotonic() < end
        time.sleep(0.005)


def click(widget, x, y, **how):
    at = widget.canvas.view.to_canvas(x, y)
    widget.point("down", *at, **how)
    widget.point("up", *at)
    settle(widget)


def drawn(widget):
    """The mask's picture as the page gets it."""
    data = bytes(widget.canvas._mask.value).removeprefix(b"data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def key(widget, *keys, shift=False, ctrl=False):
    for one in keys:
        widget._key(one, shift, ctrl, False)
        settle(widget)


def test_keys_are_all_different_and_all_listed(widget):
    keys = [spec[0] for table in TABLES for spec in table.values()]
    assert len(set(keys)) == len(keys) and not set(keys) & set(MORE_KEYS)
    shown = "".join(c.value for c in widget.children if isinstance(c, ipywidgets.HTML))
    for name in (*keys, *MORE_KEYS):
        assert f"<kbd>{name}</kbd>" in shown


def test_every_control_has_a_tool_tip_with_its_key(widget):
    for table, controls in ((TOOLS | BUTTONS, widget.button), (SWITCHES, widget.switch)):
        for name, spec in table.items():
            assert controls[name].tooltip == f"{spec[2]} [{spec[0]}]"
    assert all(control.tooltip for control in widget.value.values())


@pytest.mark.parametrize("name", sorted(set(KEYS.values()) | {"object", "name", "colour"}))
def test_nothing_fails_on_an_empty_session(widget, name):
    widget._key(next((k for k, v in KEYS.items() if v == name), "?"), False, False, False)
    widget.act(name)
    settle(widget)
    assert "vpu-wrong" not in widget.status.value or name == "write"


def test_signs(widget):
    click(widget, 10, 10)
    click(widget, 70, 10, button=2)
    click(widget, 10, 50, shift=True)
    key(widget, "x")
    click(widget, 70, 50)
    assert [p.positive for p in widget.session.prompts] == [True, False, False, False]
    assert widget.session.prompts[1].pixel == (70, 10)


def test_the_keys_alone(widget):
    key(widget, "ArrowLeft", "Enter")
    key(widget, "s", "Enter", "ArrowUp", "ArrowUp", "Enter")
    key(widget, "p", "Enter", "ArrowRight", "ArrowRight", "ArrowRight", "Enter", "c", "Enter")
    assert [type(p).__name__ for p in widget.session.prompts] == ["Click", "Scribble", "Click"]
    assert len(widget.session.objects[0].strokes) == 1
    key(widget, "ArrowRight", "ArrowRight", "ArrowRight")
    key(widget, "Enter", shift=True)
    assert not widget.session.prompts[-1].positive


def test_the_keys_go_on_where_the_mouse_was(widget):
    widget.point("move", 40.0, 60.0)
    widget.point("leave", -5.0, -9.0)
    key(widget, "Enter")
    assert widget.session.prompts == [Click(19.5, 29.5)]


def test_the_keys_stay_where_they_are_seen(widget):
    key(widget, "+", "+", "+", *["ArrowRight"] * 30, "Enter")
    left, _, right, _ = widget.canvas.view.window
    assert 0 < left < widget.session.prompts[0].x < right < 80


@pytest.mark.parametrize("name", ["s", "d", "k", "w", "r", "v", "b", "["])
def test_ctrl_makes_no_other_key_act(widget, tmp_path, name):
    key(widget, "n")
    click(widget, 10, 10)
    before = (widget.tool, [s.value for s in widget.switch.values()], widget.value["radius"].value)
    key(widget, name, ctrl=True)
    assert len(widget.session.objects) == 2 and len(widget.session.prompts) == 1
    shown = [s.value for s in widget.switch.values()]
    assert before == (widget.tool, shown, widget.value["radius"].value)
    assert not list(tmp_path.iterdir())
    key(widget, "z", ctrl=True)
    assert widget.session.prompts == []


def test_a_double_click_is_one_click(widget, monkeypatch):
    now = iter([10.0, 10.3, 10.9, 11.0])
    monkeypatch.setattr(panel, "perf_counter", lambda: next(now))
    click(widget, 30, 20)
    click(widget, 30.5, 20)  # the hand shakes
    assert widget.session.prompts == [Click(30, 20)]
    click(widget, 30, 20)  # later: it is deleted
    assert widget.session.prompts == []
    click(widget, 50, 20)
    assert widget.session.prompts == [Click(50, 20)]


def test_side_buttons_of_the_mouse_say_nothing(widget):
    rest = {"shiftKey": False, "boundingRectLeft": 0.0, "boundingRectWidth": 160.0}
    for event, button in (("mousemove", 0), ("mousedown", 3), ("mouseup", 3)):
        place = {"clientX": 20, "clientY": 30, "boundingRectTop": 0.0, "buttons": 0}
        widget.canvas._mouse({"event": event, "button": button, **place, **rest})
    settle(widget)
    assert widget.session.prompts == []


def test_beside_the_photo_there_is_nothing_to_click(tmp_path):
    one = PromptWidget(PHOTO[:6], MODEL, width=160, out_dir=tmp_path)
    assert one.canvas.view.place == (12, 160)
    for v, count in ((40.0, 0), (8.0, 1)):
        one.point("down", 30.0, v)
        one.point("up", 30.0, v)
        settle(one)
        assert len(one.session.prompts) == count
    one.close()


def test_escape_gives_the_stroke_up(widget):
    key(widget, "s", "Enter", "ArrowUp", "Escape", "ArrowUp")
    assert not widget._stroke and not widget.session.prompts


def test_leaving_the_canvas_ends_a_drag(widget):
    widget.act("box")
    place = {"boundingRectLeft": 100.0, "boundingRectTop": 50.0, "boundingRectWidth": 160.0}
    rest = {"shiftKey": False, "button": 0, "buttons": 1, **place}
    for event, x, y in (("mousemove", 110, 60), ("mousedown", 110, 60), ("mouseleave", 400, 90)):
        widget.canvas._mouse({"event": event, "clientX": x, "clientY": y, **rest})
    settle(widget)
    (box,) = widget.session.prompts
    assert np.allclose(box.bounds, (4.75, 4.75, 79.499, 19.75))  # of pixels their middle


def test_a_page_that_jumps_at_the_press_moves_no_prompt(widget):
    rest = {"shiftKey": False, "button": 0, "boundingRectLeft": 0.0, "boundingRectWidth": 160.0}
    for event, top in (("mousemove", -40.0), ("mousedown", 100.0), ("mouseup", 100.0)):
        place = {"clientX": 20, "clientY": 30, "boundingRectTop": top, "buttons": 0}
        widget.canvas._mouse({"event": event, **place, **rest})
    settle(widget)
    assert widget.session.prompts == [Click(9.75, 34.75)]


def test_what_fails_is_shown_and_the_drawing_goes_on(widget):
    widget.ask(lambda: 1 / 0)
    settle(widget)
    assert "division by zero" in widget.status.value and "Traceback" in widget.status.value
    with pytest.raises(ZeroDivisionError), widget.canvas.marks():
        1 / 0  # noqa: B018
    from ipycanvas.canvas import _CANVAS_MANAGER

    assert not _CANVAS_MANAGER._caching and not _CANVAS_MANAGER._commands_cache
    click(widget, 10, 10)
    assert "wrong" not in widget.status.value and len(widget.session.prompts) == 1


def test_working_is_said_until_the_answer_is_there(widget):
    with answering_late() as began:
        at = widget.canvas.view.to_canvas(10, 10)
        widget.point("down", *at)
        widget.point("up", *at)
        assert began.wait(60)
        assert "working" in widget.status.value and not widget.idle
    settle(widget)
    assert "working" not in widget.status.value and "decode" in widget.status.value


def test_working_is_said_while_a_newer_action_waits(widget):
    drawing, go, draw = threading.Event(), threading.Event(), widget.canvas.draw_mask

    def wait(*picture):
        drawing.set()
        assert go.wait(60)
        draw(*picture)

    widget.canvas.draw_mask = wait
    widget.ask(lambda: widget.session.paint([(40, 30)], 5))
    assert drawing.wait(60)  # the first answer is being drawn
    said = []
    widget.ask(lambda: said.append(widget.status.value))
    go.set()
    settle(widget)
    assert "working" in said[0] and "decode" in widget.status.value


def test_memory_is_given_back_when_the_answer_is_drawn(widget, monkeypatch):
    shown = []
    monkeypatch.setattr(picture, "give_back", lambda: shown.append(widget.status.value))
    click(widget, 20, 20)
    assert shown and "decode" in shown[-1]


@pytest.mark.parametrize("name", ["forget", "write", "undo", "name"])
def test_working_is_not_said_for_ever(widget, name):
    widget.act(name)
    settle(widget)
    assert "working ..." not in widget.status.value


def files(*contents):
    stamp = datetime(2026, 1, 1, tzinfo=UTC)
    kinds = {"type": "image/png", "last_modified": stamp}
    return [
        {"name": f"{k}.png", "size": len(one), "content": memoryview(one), **kinds}
        for k, one in enumerate(contents)
    ]


def test_a_file_that_is_no_photo_leaves_everything_as_it_was(widget):
    session, picture = widget.session, io.BytesIO()
    Image.fromarray(PHOTO[:30]).save(picture, "PNG")
    good = picture.getvalue()
    for given, why in (
        ((b"no picture",), "0.png: the file given is no image"),
        ((good, good), "2 files"),
        ((b"",), "10 MB"),
    ):
        widget.value["upload"].value = files(*given)
        settle(widget)
        assert why in widget.status.value and widget.session is session
    widget.value["upload"].value = files(good)
    settle(widget)
    assert widget.session.size == (30, 80) and "wrong" not in widget.status.value


def test_two_fingers_zoom_and_move_and_say_nothing(widget):
    touch, before = widget.canvas._touch, widget.canvas.view
    x, y = before.to_image(80.0, 60.0)
    touch("down", [(60.0, 60.0)])
    touch("down", [(60.0, 60.0), (100.0, 60.0)])
    touch("move", [(40.0, 70.0), (120.0, 70.0)])
    touch("up", [(40.0, 70.0)])
    touch("move", [(10.0, 10.0)])  # the other finger leaves later
    touch("up", [])
    settle(widget)
    view = widget.canvas.view
    assert np.isclose(view.zoom, 2 * before.zoom) and not widget.session.prompts
    assert np.allclose(view.to_canvas(x, y), (80, 70))  # still between the fingers
    touch("down", [(80.0, 60.0)])
    touch("up", [])
    settle(widget)
    assert len(widget.session.prompts) == 1


def test_python_and_the_page_share_the_session(widget):
    widget.session.add(Click(20, 20))
    settle(widget)
    assert "prompts: 1" in widget.status.value and not widget.button["undo"].disabled
    assert (widget.mask == widget.session.mask).all()
    assert (widget.prediction.prob == widget.session.prob).all()
    assert list(widget.objects) == ["object 1"]
    widget.session.threshold = 0.3
    settle(widget)
    assert widget.value["threshold"].value == 0.3


def test_objects_by_their_controls(widget):
    widget.act("new")
    settle(widget)
    widget.value["name"].value = "cup"
    settle(widget)
    widget.value["colour"].value = "#009E73"
    settle(widget)
    assert [t.name for t in widget.session.objects] == ["object 1", "cup"]
    assert widget.session.objects[1].colour == "#009E73"
    steps = 0
    while widget.session.can_undo:
        widget.session.undo()
        steps += 1
    assert steps == 3  # the controls that follow the session take no step of their own
    settle(widget)
    assert widget.value["name"].value == "object 1"


def test_objects_by_keys_in_the_order_they_were_pressed(widget):
    """Each action is about what is selected when its turn comes."""
    click(widget, 20, 20)
    with answering_late() as began:
        widget.ask(lambda: widget.session.add(Click(30, 20, False)))
        assert began.wait(60)
        widget.act("new")
        widget.act("delete")
    settle(widget)
    assert [(t.number, len(t.prompts)) for t in widget.session.objects] == [(1, 2)]
    for _ in range(2):
        widget.session.add_object()
    with answering_late() as began:
        widget.ask(lambda: widget.session.add(Click(5, 5)))
        assert began.wait(60)
        widget.act("next")
        widget.act("next")
    settle(widget)
    numbers = [t.number for t in widget.session.objects]
    assert widget.session.selected == numbers[1]


def test_a_refused_colour_gives_way_to_the_true_one(widget):
    widget.value["colour"].value = "red"
    settle(widget)
    assert "expected #RRGGBB" in widget.status.value
    assert widget.value["colour"].value == widget.session.objects[0].colour


def test_a_session_has_its_own_options(tmp_path):
    session = Session(PHOTO, MODEL)
    for options in ({"truth": np.ones((60, 80))}, {"autosave": tmp_path / "a.json"}):
        with pytest.raises(PromptError, match=f"A Session has its own {next(iter(options))}"):
            PromptWidget(session, **options)


def test_the_mask_is_drawn_in_the_objects_colour(widget):
    widget.session.paint([(40, 30)], 10)
    widget.switch["outline"].value = False
    settle(widget)
    with drawn(widget) as png:
        pixels = np.asarray(png.convert("RGBA"))
    assert pixels.shape == (120, 160, 4)
    assert pixels[60, 80].tolist() == [240, 228, 66, 115] and pixels[5, 5, 3] == 0


@pytest.mark.parametrize("shown", ["probability", "similarity"])
def test_maps_cover_the_photo(widget, shown):
    click(widget, 20, 20)
    widget.value["show"].value = shown
    settle(widget)
    with drawn(widget) as png:
        assert (np.asarray(png.convert("RGBA"))[..., 3] == 115).all()


def test_close_leaves_nothing_behind():
    before = set(INSTANCES)
    one = PromptWidget(PHOTO, MODEL)
    settle(one)
    one.close()
    one.close()
    assert not {type(INSTANCES[k]).__name__ for k in set(INSTANCES) - before}
    assert not one.session.changed


def test_another_photo_makes_no_new_widgets(widget):
    before = len(INSTANCES)
    for side in (50, 70):
        widget.show(Session(PHOTO[:side, :side], MODEL))
        settle(widget)
    assert len(INSTANCES) == before and widget.canvas.view.size == (60, 70)


def test_a_static_picture_goes_with_it(widget):
    click(widget, 20, 20)
    bundle = widget._repr_mimebundle_()
    with Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as picture:
        assert picture.size == (80, 60)
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_files_are_written_where_asked(tmp_path):
    one = PromptWidget(PHOTO, MODEL, out_dir=tmp_path / "out")
    one.value["format"].value = "labels"
    one.act("write")
    settle(one)
    first = (tmp_path / "out" / "labels.png").read_bytes()
    assert "labels.png" in one.status.value
    one.session.paint([(40, 30)], 5)
    one.act("write")
    settle(one)
    assert "Written" in one.status.value and "labels-2.png" in one.status.value
    assert (tmp_path / "out" / "labels.png").read_bytes() == first
    assert (tmp_path / "out" / "labels-2.png").read_bytes() != first
    one.close()


def test_a_folder_by_its_keys(tmp_path):
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.fromarray(PHOTO).save(tmp_path / "images" / f"{name}.png")
    one = FolderWidget(tmp_path / "images", model=MODEL, width=160)
    assert all(f"<kbd>{name}</kbd>" in one.panel.listed.value for name in one.panel.more_keys)
    key(one.panel, "PageDown")
    assert "Nothing is marked" in one.panel.status.value and one.folder.at == 0
    one.panel.session.paint([(40, 30)], 5)
    key(one.panel, "PageDown", "End")
    assert one.folder.at == 2 and one.bar.value == 2
    assert re.search(r"c\.png \(3 of 3\): 1 done, 1 open, 1 skipped", one.where.value)
    assert one.panel.session is one.folder.session
    before = set(INSTANCES)
    one.close()
    assert len(before - set(INSTANCES)) > 50
