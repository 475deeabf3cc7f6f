"""A session played again: the identical masks, and a picture of its rounds."""

import json
import re
from importlib import resources

import numpy as np
import pytest
from PIL import Image
from small import CONFIG

from vpuformer.drawing.overlay import overlay
from vpuformer.errors import DataError
from vpuformer.model import build
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.weights import load
from vpuformer.widget.export import exported, save
from vpuformer.widget.replay import agreement, replay
from vpuformer.widget.session import Session
from vpuwidget.strip import COLUMNS, GAP, strip

H, W = SIZE = (60, 90)
IMAGE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
MODEL = build(CONFIG).eval()


def played(**options):
    session = Session(IMAGE, MODEL, **{"precision": "float32", **options})
    session.add(Click(40, 30))
    session.add(Click(80, 10, False), Box(40, 30, 30, 20))
    session.paint([(5, 5), (20, 9)], 3)
    session.add_object("second")
    session.add(Scribble([(10, 40), (30, 50)]))
    return session


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_file_gives_identical_masks(tmp_path, precision):
    session = played(precision=precision)
    file = save(tmp_path / "session.json", exported("session", session))
    again = replay(file, IMAGE, MODEL)
    record = json.loads(file.read_text())
    assert agreement(again, record) == 1 and record["precision"] == precision
    for number, mask in session.masks().items():
        assert np.array_equal(again.masks()[number], mask)
    assert np.array_equal(again.prob, session.prob)


def test_a_removed_prompt_and_an_undone_one_leave_no_trace():
    session = played()
    session.add(Click(3, 3, False))
    session.undo()
    session.select(1)
    session.remove(0)
    session.add(Click(70, 50))
    record = session.to_json()
    assert agreement(replay(record, IMAGE, MODEL), record) == 1


def test_other_images_and_weights_are_refused():
    record = played().to_json()
    with pytest.raises(DataError, match="another image") as equal:
        replay(record, 255 - IMAGE, MODEL)
    theirs, ours = re.search(
        r"\(pixels' hash (\w{16}), this one (\w{16})\)", str(equal.value)
    ).groups()
    assert record["image"].startswith(theirs) and theirs != ours
    with pytest.raises(DataError, match=r"\(size \[\d+, \d+\], this one \[\d+, \d+\]\)"):
        replay(record, IMAGE[1:], MODEL)
    with pytest.raises(DataError, match="weights"):
        replay(record, IMAGE, build(CONFIG, seed=1).eval())
    with pytest.raises(DataError, match="no session"):
        replay({"schema": 1}, IMAGE, MODEL)


def test_other_weights_play_when_told_to():
    record = played().to_json()
    other = replay(record, IMAGE, build(CONFIG, seed=1).eval(), any_weights=True)
    assert [t.name for t in other.objects] == ["object 1", "second"]


def test_agreement_is_the_worst_iou():
    session = Session(IMAGE, MODEL)
    session.paint([(20, 20)], 6)
    session.add_object()
    session.paint([(60, 30)], 6)
    record = session.to_json()
    assert agreement(session, record) == 1
    small = session.masks()[2].sum()
    session.paint([(80, 50)], 6)
    assert agreement(session, record) == small / session.masks()[2].sum() < 1
    session.add_object()
    assert agreement(session, record) == 0


def test_the_strip_shows_each_round_and_the_brush():
    session = played()
    alone = strip(session, width=100)
    assert alone.size == (100, round(100 * H / W))
    session.select(1)
    assert strip(session, width=100).size == (3 * 100 + 2 * GAP, round(100 * H / W))
    for k in range(COLUMNS):
        session.add(Click(10 + k, 50))
    before = json.dumps(session.to_json())
    picture = strip(session, width=100)
    height = round(100 * H / W)
    assert picture.size == (COLUMNS * (100 + GAP) - GAP, 2 * height + GAP)
    assert json.dumps(session.to_json()) == before
    pixels = np.asarray(picture)
    options = {"prompts": session.prompts, "scale": 100 / W}
    painted = overlay(IMAGE, session.mask, **options)
    bare = overlay(IMAGE, session.prob > 0.5, **options)
    assert np.array_equal(pixels[height + GAP :, 2 * (100 + GAP) :][:, :100], painted)
    assert np.array_equal(pixels[height + GAP :, 100 + GAP :][:, :100], bare)


def test_the_strip_of_an_empty_session_is_the_photo():
    picture = strip(Session(IMAGE, MODEL), width=W)
    assert np.array_equal(np.asarray(picture), IMAGE)


def shipped():
    return resources.files("vpuformer").joinpath("shipped", "lite0.safetensors").is_file()


@pytest.mark.skipif(not shipped(), reason="the shipped weights are not here")
def test_the_shipped_model_replays_to_the_identical_mask(tmp_path):
    rows, columns = np.indices((120, 160))
    photo = np.full((120, 160, 3), 60, np.uint8)
    photo[(columns - 70) ** 2 + (rows - 60) ** 2 < 35**2] = (220, 120, 40)
    session = Session(Image.fromarray(photo), load("lite0"))
    session.add(Click(70, 60))
    session.add(Click(10, 10, False))
    session.add(Box(70, 60, 72, 72))
    assert 0.7 < session.mask.sum() / (np.pi * 35**2) < 1.3
    record = json.loads(json.dumps(session.to_json()))
    again = replay(record, photo, load("lite0"))
    assert np.array_equal(again.mask, session.mask) and agreement(again, record) == 1
