"""While a pointer is down no file is written, and what ended in between is written after it."""

import json
import threading

import numpy as np
import pytest
from widget.test_keeper import OTHER, png
from widget.test_panel import MODEL, PHOTO, answering_late, files, key, settle

from vpuformer.prompts import Click
from vpuformer.widget.session import Session
from vpuwidget import worker
from vpuwidget.panel import PromptWidget
from vpuwidget.picture import made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "session.json"


@pytest.fixture
def widget(path):
    one = PromptWidget(PHOTO, MODEL, width=160, autosave=path)
    settle(one)
    yield one
    one.close()


def press(widget, x, y, *kinds):
    for kind in kinds:
        widget.point(kind, *widget.canvas.view.to_canvas(x, y))


@pytest.fixture
def stroke(widget):
    """stroke(tool): a click whose answer comes only after a stroke with a tool has begun."""

    def begin(tool):
        with answering_late() as began:
            press(widget, 20, 20, "down", "up")
            assert began.wait(60)
            widget.act(tool)
            press(widget, 40, 30, "down")
            press(widget, 50, 35, "move")
        settle(widget)
        assert widget.session.prompts == [Click(20, 20)] and widget._stroke

    return begin


def kept(path):
    first = json.loads(path.read_text())["objects"][0]
    return len(first["rounds"]), len(first["strokes"])


@pytest.mark.parametrize(
    ("tool", "after"),
    [("scribble", (2, 0)), ("box", (2, 0)), ("brush", (1, 1)), ("click", (2, 0)), ("pan", (1, 0))],
)
def test_a_late_answer_is_written_when_the_stroke_ends(widget, path, stroke, tool, after):
    stroke(tool)
    assert not path.exists()
    press(widget, 60, 40, "move")
    settle(widget)
    assert not path.exists()
    press(widget, 60, 40, "up")
    settle(widget)
    assert kept(path) == after


ENDS = {
    "escape": lambda w: key(w, "Escape"),
    "another tool": lambda w: key(w, "b"),
    "close": lambda w: w.close(),
    "show": lambda w: w.show(Session(OTHER, MODEL)),
    "photo": lambda w: setattr(w.value["upload"], "value", files(png(OTHER))),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_stroke_given_up_loses_nothing_before_it(widget, path, stroke, end):
    stroke("scribble")
    session = widget.session
    assert not path.exists()
    ENDS[end](widget)
    if end != "close":
        settle(widget)
    assert kept(path) == (1, 0) and not widget._stroke
    path.unlink()
    session.undo()
    assert kept(path) == (0, 0)  # at once again


def test_a_stroke_that_stands_still_keeps_nothing_back_for_ever(monkeypatch, path):
    monkeypatch.setattr(worker, "REST", 0.05)
    one, written = PromptWidget(PHOTO, MODEL, width=160, autosave=path), threading.Event()
    press(one, 20, 20, "down")
    one.session.add(Click(5, 5))  # from Python, say
    write = one.session._save
    one._put_off(lambda: (write(), written.set()))
    assert written.wait(60) and kept(path) == (1, 0) and one._stroke
    one.close()


def test_a_stroke_that_ends_while_a_save_is_put_off_forgets_none(widget, path):
    press(widget, 20, 20, "down")
    put_off = widget.session.saving
    press(widget, 20, 20, "up")
    settle(widget)
    path.unlink()
    put_off(widget.session._save)  # another thread had asked where to, just before
    assert kept(path) == (1, 0)


def test_a_save_that_fails_after_a_stroke_is_told(widget, path, stroke):
    stroke("scribble")
    path.mkdir()
    key(widget, "Escape")
    assert "a restart would lose it" in widget.status.value


@pytest.mark.parametrize("tool", ["box", "scribble"])
def test_a_preview_follows_the_stroke_and_goes_with_it(widget, tool):
    widget.switch["preview"].value = True
    widget.act(tool)
    press(widget, 20, 20, "down")
    press(widget, 50, 40, "move")
    settle(widget)
    drawn = made(tool, [(20, 20), (50, 40)], True)
    assert np.array_equal(widget._ghost > 0, widget.session.preview(drawn))
    press(widget, 60, 70, "move")
    settle(widget)
    longer = made(tool, [(20, 20), (50, 40), (60, 70)], True)
    assert np.array_equal(widget._ghost > 0, widget.session.preview(longer))
    assert not widget.session.prompts
    key(widget, "Escape")
    settle(widget)
    assert not widget._ghost.size and not widget._stroke and not widget.session.prompts


def test_a_preview_that_comes_after_its_stroke_is_not_shown(widget, monkeypatch):
    began, go, preview = threading.Event(), threading.Event(), Session.preview

    def slow(session, *prompts):
        began.set()
        assert go.wait(60)
        return preview(session, *prompts)

    monkeypatch.setattr(Session, "preview", slow)
    widget.switch["preview"].value = True
    widget.act("box")
    press(widget, 20, 20, "down")
    press(widget, 50, 40, "move")
    assert began.wait(60)
    press(widget, 50, 40, "up")
    go.set()
    settle(widget)
    assert not widget._ghost.size and len(widget.session.prompts) == 1
