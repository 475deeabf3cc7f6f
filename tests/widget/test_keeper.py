"""What a photo's widget finds again: its session, in a file of the cache, where a page is."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from small import CONFIG
from widget.test_panel import MODEL, PHOTO, click, files, key, settle

from vpuformer.errors import DataError, PromptError
from vpuformer.model import build
from vpuformer.prompts import Click
from vpuformer.widget.session import Session
from vpuwidget import cells, keeper
from vpuwidget.keeper import Keeper, cache
from vpuwidget.panel import PromptWidget

OTHER = PHOTO[:40].copy()


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """The cache of a test, which other tests do not see."""
    monkeypatch.setenv("VPUFORMER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sessions"


@pytest.fixture
def page(monkeypatch, kept):
    """A page that runs cells: page("a") is a new run of cell a; what it made is closed after."""
    runs, ask = iter(range(99)), SimpleNamespace(get_parent=dict)
    monkeypatch.setattr(cells, "get_ipython", lambda: ask)

    def run(cell, *args, **options):
        parent = {"metadata": {"cellId": cell}, "header": {"msg_id": f"run {next(runs)}"}}
        ask.get_parent = lambda: parent
        one = PromptWidget(*args, **{"model": MODEL, "width": 160, **options})
        settle(one)
        return one

    yield run
    for _, widgets in cells._of_cell.values():
        for one in widgets:
            one.close()
    cells._of_cell.clear()


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pick(widget, pixels):
    widget.value["upload"].value = files(png(pixels))
    settle(widget)


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_the_cell_run_again_goes_on_with_the_same_mask_and_says_so(page, kept):
    one = page("a", PHOTO)
    assert "Back" not in one.status.value and not list(kept.glob("*.json"))
    click(one, 20, 20)
    click(one, 60, 40, button=2)
    one.session.undo()
    before = one.session.to_json()
    again = page("a", PHOTO)
    assert one.comm is None and again.session is not one.session
    assert again.session.to_json() == before and again.session.can_redo
    assert "Back from before" in again.status.value and "clear [k]" in again.status.value
    key(again, "k")
    assert again.session.prompts == [] and "Back" not in again.status.value
    key(again, "z")
    assert again.session.prompts == [Click(20, 20)]
    key(again, "k")
    assert "Back" not in page("a", PHOTO).status.value  # nothing marked, so nothing to start anew


def test_several_objects_are_back_and_how_to_be_rid_of_them_is_told(page):
    one = page("a", PHOTO)
    click(one, 20, 20)
    one.session.add_object("dog")
    settle(one)
    again = page("a", PHOTO)
    assert list(again.objects) == ["object 1", "dog"] and "delete [d]" in again.status.value


def test_without_a_page_nothing_is_kept_and_nothing_found(page, kept, monkeypatch):
    one = page("a", PHOTO)
    click(one, 20, 20)
    one.close()
    stamp = names(kept)
    monkeypatch.setattr(cells, "get_ipython", lambda: SimpleNamespace(get_parent=dict))
    for _ in range(2):  # as papermill runs a notebook
        alone = PromptWidget(PHOTO, MODEL, width=160)
        assert alone.session.prompts == [] and alone.session.autosave is None
        alone.session.add(Click(5, 5))
        pick(alone, OTHER)
        assert alone.session.size == (40, 80) and alone.session.autosave is None
        alone.close()
    assert names(kept) == stamp


@pytest.mark.parametrize("off", [False, None])
def test_it_can_be_left_off(page, kept, off):
    one = page("a", PHOTO, autosave=off)
    click(one, 20, 20)
    pick(one, OTHER)
    click(one, 20, 20)
    assert not names(kept) and page("a", PHOTO).session.prompts == []


def test_each_photo_has_its_own_session_and_an_earlier_one_comes_back(page):
    one = page("a", PHOTO)
    click(one, 20, 20)
    pick(one, OTHER)
    assert one.session.prompts == [] and "Back" not in one.status.value
    click(one, 5, 6)
    pick(one, PHOTO)
    assert one.session.prompts == [Click(20, 20)] and "Back from before" in one.status.value
    pick(one, OTHER)
    assert one.session.prompts == [Click(5, 6)]
    pick(one, OTHER)  # the one that is open
    assert one.session.prompts == [Click(5, 6)]
    assert one.session.name == "0.png" and page("c", PHOTO).session.name == "image"
    one.value["upload"].value = files(b"no picture")
    settle(one)
    click(one, 50, 30)
    assert len(page("b", OTHER).session.prompts) == 0  # the other widget still has it
    assert len(page("a", OTHER).session.prompts) == 2


def test_a_refused_call_closes_nothing(page):
    one = page("a", PHOTO)
    with pytest.raises(PromptError, match="has its own truth"):
        page("a", one.session, model=None, truth=np.ones((60, 80)))
    assert one.comm is not None


def test_what_was_asked_for_before_another_photo_or_run_is_kept(page):
    one = page("a", PHOTO)
    for x in (10, 30, 50):
        at = one.canvas.view.to_canvas(x, 20)
        one.point("down", *at)
        one.point("up", *at)
    one.value["upload"].value = files(png(OTHER))
    settle(one)
    assert one.session.size == (40, 80) and one.session.prompts == []
    for x in (10, 30):
        at = one.canvas.view.to_canvas(x, 20)
        one.point("down", *at)
        one.point("up", *at)
    assert [p.x for p in page("a", OTHER).session.prompts] == [10, 30]
    assert [p.x for p in page("b", PHOTO).session.prompts] == [10, 30, 50]


def test_two_widgets_on_a_photo_have_two_files(page, kept):
    one, two = page("a", PHOTO), page("b", PHOTO)
    click(one, 20, 20)
    click(two, 60, 40)
    assert one.session.autosave != two.session.autosave and len(list(kept.glob("*.json"))) == 2
    one, two = page("a", PHOTO), page("b", PHOTO)
    assert one.session.prompts == [Click(20, 20)] and two.session.prompts == [Click(60, 40)]


@pytest.mark.skipif(sys.platform == "win32", reason="locks by another name")
def test_a_file_that_another_kernel_has_is_left_to_it(page, kept):
    path = page("a", PHOTO).session.autosave
    page("a", OTHER)
    code = "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, fcntl.LOCK_EX)"
    words = [sys.executable, "-c", code + "; print(); input()", path.with_suffix(".lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, **pipes) as kernel:
        kernel.stdout.readline()
        assert page("a", PHOTO).session.autosave.stem == f"{path.stem}-2"
        kernel.stdin.close()
    assert page("b", PHOTO).session.autosave == path  # it ended


@pytest.mark.skipif(sys.platform == "win32", reason="an open file stays there")
def test_a_lock_leaves_no_file(page, kept):
    one = page("a", PHOTO)
    assert names(kept) == [f"{one.session.autosave.stem}.lock"]
    pick(one, OTHER)
    assert names(kept) == [f"{one.session.autosave.stem}.lock"]
    click(one, 5, 6)
    one.close()
    assert names(kept) == [one.session.autosave.name]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file stays there")
def test_a_lock_let_go_between_opening_and_locking_is_not_taken_for_one(page, kept, monkeypatch):
    one, lock, files = page("a", PHOTO), keeper._lock, []

    def slow(file):
        files.append(file)
        if len(files) == 1:
            one.keeper.release()
        lock(file)

    with monkeypatch.context() as patch:
        patch.setattr(keeper, "_lock", slow)
        two = page("b", PHOTO)
    assert two.session.autosave == one.session.autosave and len(files) == 2
    there = two.session.autosave.with_suffix(".lock").stat()
    assert os.path.samestat(os.fstat(two.keeper._held.fileno()), there) and files[0].closed
    assert page("c", PHOTO).session.autosave.stem.endswith("-2")


def test_a_start_mask_is_another_beginning(page):
    start = np.zeros(PHOTO.shape[:2], bool)
    start[10:20, 10:30] = True
    one = page("a", PHOTO)
    click(one, 20, 20)
    two = page("a", PHOTO, mask=start)
    assert np.array_equal(two.mask, start) and two.session.prompts == []
    click(two, 60, 40)
    again = page("a", PHOTO, mask=start, truth=start)
    assert again.session.prompts == [Click(60, 40)] and again.session.score is not None


def test_with_other_weights_the_prompts_stay_and_the_masks_are_anew(page):
    one, model = page("a", PHOTO), build(CONFIG, seed=1).eval()
    click(one, 20, 20)
    again = page("a", PHOTO, model=model)
    fresh = Session(PHOTO, model)
    fresh.add(Click(20, 20))
    assert again.session.prompts == [Click(20, 20)] and "computed anew" in again.status.value
    assert np.array_equal(again.session.prob, fresh.prob)
    assert not np.array_equal(again.session.prob, one.session.prob)


def test_it_answers_with_the_precision_asked_for(page):
    one = page("a", PHOTO, precision="bfloat16")
    click(one, 20, 20)
    again, fresh = page("a", PHOTO, precision="float32"), Session(PHOTO, MODEL, precision="float32")
    fresh.add(Click(20, 20))
    assert np.array_equal(again.session.prob, fresh.prob)


def test_a_path_is_kept_to_with_or_without_a_page(page, kept, tmp_path):
    path = tmp_path / "mine" / "s.json"
    one = page("a", PHOTO, autosave=path)
    click(one, 20, 20)
    assert json.loads(path.read_text())["objects"][0]["rounds"] and not names(kept)
    keeper = Keeper(str(path))
    assert keeper.opened(PHOTO, MODEL).prompts == [Click(20, 20)]
    before = path.read_bytes()
    for content, why in ((before, "another image"), (b"{", "JSON")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=why):
            page("a", OTHER if content == before else PHOTO, autosave=path)
        assert path.read_bytes() == content
    path.write_bytes(before)
    one = page("a", PHOTO, autosave=path)
    pick(one, OTHER)  # has its own
    click(one, 5, 6)
    assert path.read_bytes() == before and len(list(kept.glob("*.json"))) == 1


def test_a_damaged_file_is_put_aside_and_said(page, kept):
    one = page("a", PHOTO)
    click(one, 20, 20)
    one.session.autosave.write_text('{"schema": 1}')
    again = page("a", PHOTO)
    assert again.session.prompts == [] and "cannot be opened" in again.status.value
    assert [p.read_text() for p in kept.glob("*.bad")] == ['{"schema": 1}']
    click(again, 30, 30)
    assert page("a", PHOTO).session.prompts == [Click(30, 30)]


def test_a_cache_that_cannot_be_written_is_said_and_loses_nothing(page, kept):
    kept.parent.mkdir()
    kept.write_text("no folder")
    one = page("a", PHOTO)
    assert "wrong" not in one.status.value
    click(one, 20, 20)
    click(one, 60, 40)
    status = one.status.value
    assert "a restart would lose it" in status and "Could not write" in status
    assert len(one.session.prompts) == 2 and "prompts: 2" in status
    kept.unlink()
    click(one, 40, 30)
    assert "restart" not in one.status.value
    assert len(page("a", PHOTO).session.prompts) == 3


def test_a_session_given_or_shown_is_its_owners(page, kept):
    one = page("a", PHOTO)
    click(one, 20, 20)
    path, before = one.session.autosave, one.session.autosave.read_bytes()
    one.show(Session(PHOTO, MODEL))
    click(one, 60, 40)
    assert one.session.autosave is None and path.read_bytes() == before
    two = page("b", PHOTO)  # the file is free again
    assert two.session.autosave == path
    three = page("c", Session(OTHER, MODEL))
    click(three, 5, 6)
    assert three.session.autosave is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_the_cache_is_the_systems_unless_named(monkeypatch):
    monkeypatch.delenv("VPUFORMER_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache() == Path.home() / ".cache" / "vpuformer" / "sessions"
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache() == Path("/elsewhere/vpuformer/sessions")


def test_tests_have_a_cache_of_their_own():
    assert cache() == Path(os.environ["VPUFORMER_CACHE"]) / "sessions"
    assert Path.home() / ".cache" not in cache().parents
