"""A session: actions, undo of everything, the brush, previews, JSON, autosave, threads."""

import json
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from PIL import Image
from small import CONFIG

from vpuformer.errors import ConfigError, DataError, ImageError, PromptError, VPUError
from vpuformer.model import build
from vpuformer.predictor import Predictor
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import encode
from vpuformer.widget.answers import KEPT
from vpuformer.widget.session import STEPS, Session
from vpuformer.widget.things import COLOURS, MOST, swept

H, W = SIZE = (40, 60)
IMAGE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
MODEL = build(CONFIG).eval()
ROUNDS = (Click(30, 20), Box(30, 20, 15, 10, False), Scribble([(5, 5), (25, 30)]))


def fresh(**options):
    return Session(IMAGE, MODEL, **{"precision": "float32", **options})


def logits(session):
    return [[turn.logits for turn in thing.rounds] for thing in session.objects]


def same(a, b):
    flat = ([x for rounds in side for x in rounds] for side in (a, b))
    return all(np.array_equal(x, y) for x, y in zip(*flat, strict=True))


def spot(x, y, radius=0.5):
    """The pixels whose centres lie within `radius` of (x, y)."""
    rows, columns = np.indices(SIZE)
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def test_answers_as_the_predictor_does():
    session, predictor = fresh(), Predictor(MODEL, precision="float32")
    predictor.set_image(IMAGE)
    for prompt in ROUNDS:
        session.add(prompt)
        assert np.array_equal(session.prob, predictor.add(prompt).prob)
    assert np.array_equal(session.mask, predictor.predict().mask) and session.mask.any()
    session.remove(1)
    assert np.array_equal(session.prob, predictor.remove(1).prob)
    assert session.prompts == [ROUNDS[0], ROUNDS[2]]


def test_a_round_may_hold_several_prompts():
    session, predictor = fresh(), Predictor(MODEL, precision="float32")
    predictor.set_image(IMAGE)
    session.add(*ROUNDS)
    assert np.array_equal(session.prob, predictor.add(*ROUNDS).prob)
    session.undo()
    assert session.prompts == [] and not session.mask.any() and session.prob is None


def test_begins_empty_with_one_object():
    session = fresh()
    assert session.size == SIZE and session.mask.shape == SIZE and not session.mask.any()
    assert [t.number for t in session.objects] == [1] and session.objects[0].is_empty
    assert session.selected == 1 and session.score is None
    assert not session.can_undo and not session.can_redo
    session.undo()
    session.redo()
    assert session.objects[0].is_empty


def test_a_mask_to_start_from_is_the_first_answer_and_stays():
    start = spot(20, 10, 6)
    session = fresh(mask=start)
    assert np.array_equal(session.mask, start) and not session.objects[0].is_empty
    session.add(ROUNDS[0])
    assert not np.array_equal(session.mask, start)
    other = fresh()
    other.add(ROUNDS[0])
    assert not np.array_equal(session.prob, other.prob)
    session.clear()
    assert np.array_equal(session.mask, start)
    with pytest.raises(ImageError, match="start mask"):
        fresh(mask=start.T)


def test_a_cleared_object_is_undone_whole():
    session = fresh()
    session.add(ROUNDS[0])
    session.paint([(5, 5)], 3)
    before, kept = session.mask, logits(session)
    session.clear()
    assert not session.mask.any() and session.prompts == []
    session.undo()
    assert np.array_equal(session.mask, before) and same(logits(session), kept)


def test_undo_runs_across_objects():
    session = fresh()
    session.add(ROUNDS[0])
    assert session.add_object("dog") == 2
    session.add(ROUNDS[1])
    session.select(1)
    session.undo()
    assert session.selected == 2 and session.prompts == []
    session.undo()
    assert [t.number for t in session.objects] == [1] and session.selected == 1
    session.redo()
    session.redo()
    assert session.masks().keys() == {1, 2} and session.objects[1].name == "dog"


def test_a_new_action_drops_what_was_undone():
    session = fresh()
    session.add(ROUNDS[0])
    session.undo()
    session.add(ROUNDS[2])
    assert not session.can_redo and session.prompts == [ROUNDS[2]]
    session.undo()
    assert session.prompts == [] and not session.can_undo


def test_objects_have_names_colours_and_numbers():
    session = fresh()
    for _ in range(len(COLOURS)):
        session.add_object()
    assert [t.colour for t in session.objects] == [*COLOURS, COLOURS[0]]
    session.rename(2, "cup")
    session.recolour(2, "#00ff7F")
    assert (session.objects[1].name, session.objects[1].colour) == ("cup", "#00ff7F")
    session.remove_object(2)
    assert [t.number for t in session.objects] == [1, *range(3, len(COLOURS) + 2)]
    session.undo()
    assert session.objects[1].name == "cup"


def test_the_last_object_is_emptied_instead():
    session = fresh(mask=spot(20, 10, 5))
    session.rename(1, "cup")
    session.add(ROUNDS[0])
    session.remove_object(1)
    assert session.objects[0].is_empty and session.objects[0].name == "cup"


def test_labels_count_the_objects_and_the_later_is_on_top():
    session = fresh()
    session.paint([(10, 10)], 6)
    session.add_object()
    session.add_object()
    session.paint([(14, 10)], 6)
    session.remove_object(2)
    first, second = spot(10, 10, 6), spot(14, 10, 6)
    assert np.array_equal(session.labels(), np.where(second, 2, first))


def test_more_objects_than_labels_are_refused():
    session = fresh()
    for _ in range(253):
        session.add_object()
    with pytest.raises(PromptError, match="254"):
        session.add_object()
    assert len(session.objects) == 254


def test_a_brush_covers_the_pixels_near_its_line():
    ends = np.array([(8.3, 5.1), (20.7, 11.9), (20.7, 30.0)])
    session = fresh()
    session.paint(ends.tolist(), 3.2)
    rows, columns = np.indices(SIZE)
    line = np.concatenate([np.linspace(a, b, 4000) for a, b in pairwise(ends)])
    points = np.stack([columns.ravel(), rows.ravel()], 1)
    near = np.array([np.hypot(*(line - point).T).min() for point in points]).reshape(SIZE)
    assert np.array_equal(session.mask, near <= 3.2)


def test_the_thinnest_brush_paints_one_pixel_at_least():
    assert swept(((7.5, 3.5),), 0.1, SIZE)[2].any()
    session = fresh()
    session.paint([(7.2, 3.1)], 0.1)
    assert np.argwhere(session.mask).tolist() == [[3, 7]]


def test_a_brush_may_leave_the_image_but_must_touch_it():
    session = fresh()
    session.paint([(-2, -2)], 4)
    assert np.array_equal(session.mask, spot(-2, -2, 4))
    with pytest.raises(PromptError, match="touches no pixel"):
        session.paint([(-20, 5), (-20, 9)], 4)
    with pytest.raises(PromptError, match="radius"):
        session.paint([(5, 5)], 0)
    with pytest.raises(PromptError, match="vertex"):
        session.paint([], 3)
    assert len(session.objects[0].strokes) == 1


def test_strokes_outlive_prompts_and_later_clicks_win_on_their_pixel():
    session = fresh()
    session.add(ROUNDS[0])
    session.paint([(50, 30)], 4)
    session.paint([(10, 30)], 4, erase=True)
    session.add(Click(50, 30, False))
    session.add(Click(10, 30, True))
    expected = session.prob > 0.5
    expected |= spot(50, 30, 4)
    expected &= ~spot(10, 30, 4)
    expected[30, 50], expected[30, 10] = False, True
    assert np.array_equal(session.mask, expected)
    session.paint([(50, 30)], 1)  # later still
    assert session.mask[30, 50]
    session.remove(0)
    assert [s.after for s in session.objects[0].strokes] == [0, 0, 2]
    assert session.mask[30, 50] and session.mask[30, 10]
    session.undo()
    session.remove(1)
    assert [s.after for s in session.objects[0].strokes] == [1, 1, 2]


def test_the_same_prompt_twice_is_two_rounds():
    session, predictor = fresh(), Predictor(MODEL, precision="float32")
    predictor.set_image(IMAGE)
    for _ in range(2):
        session.preview(ROUNDS[0])
        session.add(ROUNDS[0])
        predictor.add(ROUNDS[0])
    assert session.prompts == [ROUNDS[0]] * 2
    assert np.array_equal(session.prob, predictor.predict().prob)


def test_the_brush_does_not_touch_what_the_model_hears():
    painted, plain = fresh(), fresh()
    painted.paint([(50, 30)], 4)
    for session in (painted, plain):
        session.add(ROUNDS[0])
    assert np.array_equal(painted.prob, plain.prob)


def test_a_preview_is_what_add_gives_and_changes_nothing():
    session = fresh()
    session.add(ROUNDS[0])
    session.paint([(50, 30)], 4)
    before, told = json.dumps(session.to_json()), []
    session.changed.append(lambda: told.append(1))
    shown = session.preview(ROUNDS[2])
    assert json.dumps(session.to_json()) == before and not told and not session.can_redo
    session.add(ROUNDS[2])
    assert np.array_equal(session.mask, shown) and len(told) == 1


def test_a_click_after_its_preview_computes_nothing(monkeypatch):
    session = fresh()
    session.preview(ROUNDS[0])
    other = session.preview(ROUNDS[2])
    kept = fresh()
    kept.add(ROUNDS[2])
    monkeypatch.setattr(Predictor, "add", None)
    session.add(ROUNDS[2])
    assert np.array_equal(session.mask, other) and same(logits(session), logits(kept))


def test_the_threshold_is_no_step_and_keeps_clicks():
    session = fresh()
    session.add(ROUNDS[0])
    prob = session.prob
    for threshold in (0.05, 0.95):
        session.threshold = threshold
        assert np.array_equal(session.mask, prob > threshold) and session.mask[20, 30]
    session.undo()
    assert not session.can_undo and session.threshold == 0.95
    for wrong in (0, 1, float("nan")):
        with pytest.raises(ConfigError, match="threshold"):
            session.threshold = wrong
    assert session.threshold == 0.95


def test_the_score_is_the_iou_with_the_truth():
    session = fresh(truth=spot(10, 10, 6))
    assert session.score == 0
    session.paint([(10, 10)], 6)
    assert session.score == 1
    with pytest.raises(ImageError):
        fresh(truth=np.zeros((W, H), bool))


def test_masks_cannot_be_written_on():
    session = fresh()
    session.add(ROUNDS[0])
    for mask in (session.mask, *session.masks().values()):
        with pytest.raises(ValueError, match="read-only"):
            mask[0, 0] = True


def test_vectors_are_those_of_the_whole_image():
    session = fresh()
    session.add(ROUNDS[0])
    session.add(ROUNDS[1])
    side = CONFIG.pue.length
    for index, prompt in enumerate(ROUNDS[:2]):
        q_h, q_v, q_b = session.vectors(index)
        q = encode([prompt.rescaled(SIZE, (side, side))], (side, side), CONFIG.pue)[0].numpy()
        assert np.allclose(np.concatenate([q_h, q_v, q_b]), q, atol=1e-6)
        assert q_h.shape == q_v.shape == (side,) and q_b.tolist() == [index == 0, index == 1]
    with pytest.raises(PromptError, match="no prompt 2"):
        session.vectors(2)


def test_rho_is_a_map_for_each_prompt():
    session = fresh()
    session.add(*ROUNDS)
    before = json.dumps(session.to_json())
    maps = [session.rho(index) for index in range(3)]
    assert all(m.shape == SIZE and 0 <= m.min() < m.max() <= 1 for m in maps)
    assert not np.array_equal(maps[0], maps[1])
    for wrong in (-1, 3):
        with pytest.raises(PromptError, match="no prompt"):
            session.rho(wrong)
    assert json.dumps(session.to_json()) == before


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s.add(),
        lambda s: s.add(Click(W, 5)),
        lambda s: s.add(Click(5, 5), Box(-30, 5, 4, 4)),
        lambda s: s.remove(2),
        lambda s: s.remove(-1),
        lambda s: s.select(7),
        lambda s: s.rename(7, "cup"),
        lambda s: s.rename(1, "  "),
        lambda s: s.recolour(1, "red"),
        lambda s: s.remove_object(0),
        lambda s: s.add_object(""),
        lambda s: s.paint([(5, 5)], float("nan")),
        lambda s: s.preview(Click(5, H)),
    ],
)
def test_a_failing_action_changes_nothing(wrong):
    session = fresh()
    session.add(*ROUNDS[:2])
    session.add(ROUNDS[2])
    session.undo()
    before, told = json.dumps(session.to_json()), []
    session.changed.append(lambda: told.append(1))
    with pytest.raises(VPUError):
        wrong(session)
    assert json.dumps(session.to_json()) == before and session.can_redo and not told


def test_a_model_that_breaks_changes_nothing(monkeypatch):
    session = fresh()
    session.add(ROUNDS[0])
    kept, before = logits(session), json.dumps(session.to_json())
    with monkeypatch.context() as broken:
        broken.setattr(MODEL, "decode", lambda *_, **__: 1 / 0)
        for action in (lambda: session.add(ROUNDS[1]), lambda: session.preview(ROUNDS[1])):
            with pytest.raises(ZeroDivisionError):
                action()
    assert json.dumps(session.to_json()) == before and same(logits(session), kept)
    session.add(ROUNDS[1])
    assert session.prompts == list(ROUNDS[:2])


def test_many_rounds_keep_few_logits_and_stay_exact():
    points = [(3 + 5 * i % 50, 2 + 7 * i % 35) for i in range(KEPT + 6)]
    prompts = [Click(x, y, i % 3 > 0) for i, (x, y) in enumerate(points)]
    session, predictor = fresh(), Predictor(MODEL, precision="float32")
    predictor.set_image(IMAGE)
    for prompt in prompts:
        session.add(prompt)
        predictor.add(prompt)
    assert sum(turn.logits.size > 0 for turn in session.objects[0].rounds) == KEPT
    for index in (len(prompts) - 2, 2):
        session.remove(index)
        assert np.array_equal(session.prob, predictor.remove(index).prob)
    for _ in range(2):
        session.undo()
    assert session.prompts == prompts
    session.rho(len(prompts) - 1)


def test_the_last_steps_can_be_undone_and_no_more_are_kept():
    session = fresh()
    for k in range(STEPS + 10):
        session.rename(1, f"name {k}")
    for k in reversed(range(STEPS + 9)):
        if not session.can_undo:
            break
        session.undo()
        assert session.objects[0].name == f"name {k}"
    assert session.objects[0].name == "name 9"
    for _ in range(STEPS):
        session.redo()
    assert not session.can_redo and session.objects[0].name == f"name {STEPS + 9}"


def test_every_change_is_told_with_the_lock_let_go():
    session, seen = fresh(), []

    def look():
        other = threading.Thread(target=lambda: seen.append(session.preview(ROUNDS[1]).shape))
        other.start()
        other.join(20)

    session.changed.append(look)
    session.add(ROUNDS[0])
    session.undo()
    session.select(1)
    session.threshold = 0.4
    assert seen == [SIZE] * 4


def test_threads_lose_no_action():
    session = fresh()
    actions = [
        lambda i: session.add(Click(5 * i + 3, 20)),
        lambda i: session.paint([(5 * i + 3, 10)], 2),
        lambda i: session.preview(Click(5 * i + 3, 30)),
        lambda i: session.masks(),
    ]
    threads = [threading.Thread(target=a, args=(i,)) for a in actions for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(session.prompts) == 8 and len(session.objects[0].strokes) == 8
    alone = fresh()
    for prompt in session.prompts:
        alone.add(prompt)
    assert np.array_equal(session.prob, alone.prob)


def filled():
    session = fresh(mask=spot(20, 10, 6))
    session.add(ROUNDS[0], ROUNDS[2])
    session.paint([(50, 30), (52.5, 31)], 4)
    session.add(Click(50, 30, False))
    session.add_object("dog")
    session.add(ROUNDS[1])
    session.recolour(2, "#123456")
    session.add_object()
    session.paint([(5, 30)], 3, erase=True)
    session.select(2)
    session.threshold = 0.45
    return session


def test_json_gives_the_same_session_again():
    session = filled()
    record = json.loads(json.dumps(session.to_json()))
    again = Session.from_json(record, IMAGE, MODEL)
    assert again.to_json() == record and same(logits(again), logits(session))
    assert np.array_equal(again.labels(), session.labels()) and not again.can_redo
    assert again.answers.predictor.precision == "float32" and again.threshold == 0.45


def masks(session):
    return {number: mask.tobytes() for number, mask in session.masks().items()}


def walked(session):
    """All that undo and redo lead to, back to the first step and forth to the last."""
    seen = []
    for go, can in ((session.undo, "can_undo"), (session.redo, "can_redo")):
        while getattr(session, can):
            go()
            seen.append(
                (
                    session.selected,
                    masks(session),
                    session.prob.tobytes() if session.prob is not None else None,
                )
            )
    return seen


def test_a_file_keeps_what_can_be_undone_and_redone():
    session = filled()
    session.select(1)
    session.remove(1)
    session.remove_object(3)
    session.rename(2, "cat")
    session.clear()
    for _ in range(3):
        session.undo()
    record = json.loads(json.dumps(session.to_json()))
    again = Session.from_json(record, IMAGE, MODEL)
    assert again.can_undo and again.can_redo and walked(again) == walked(session)
    again.undo()
    again.add(ROUNDS[1])
    assert not again.can_redo


def test_a_file_keeps_the_last_steps_and_no_more():
    session = fresh()
    session.add(ROUNDS[0])
    for k in range(STEPS + 5):
        session.rename(1, f"name {k}")
    again = Session.from_json(json.loads(json.dumps(session.to_json())), IMAGE, MODEL)
    assert again.to_json() == session.to_json() and walked(again) == walked(session)


def test_an_older_file_and_one_changed_by_hand_begin_anew():
    record = json.loads(json.dumps(filled().to_json()))
    older = {key: part for key, part in record.items() if key != "past"}
    again = Session.from_json(older, IMAGE, MODEL)
    assert np.array_equal(again.labels(), filled().labels()) and not again.can_undo
    record["objects"][1]["rounds"] = []
    again = Session.from_json(record, IMAGE, MODEL)
    assert again.prompts == [] and not again.can_undo and not again.can_redo


@pytest.mark.parametrize(
    "change",
    [{"at": 99}, {"first": []}, {"steps": []}, {"steps": [[1], [1, 1, "to_json"]]}, {"steps": 5}],
)
def test_a_damaged_past_is_refused_in_plain_words(change):
    record = filled().to_json()
    record["past"] = record["past"] | change
    with pytest.raises((DataError, PromptError), match=r"\w{4}"):
        Session.from_json(record, IMAGE, MODEL)


def test_objects_that_share_a_number_or_are_too_many_are_refused():
    record = {key: part for key, part in filled().to_json().items() if key != "past"}
    first = record["objects"][0]
    many = [first | {"number": n, "rounds": [], "strokes": []} for n in range(1, MOST + 2)]
    for objects in ([first, first], many):
        with pytest.raises(DataError, match="its own number"):
            Session.from_json(record | {"objects": objects}, IMAGE, MODEL)


def test_numbers_of_numpy_leave_nothing_that_json_cannot_hold():
    session, one = fresh(), np.int64(1)
    session.add(Click(30, 20), Click(20, 10))
    session.paint([(5, 5)], np.float32(3))
    session.remove(one)
    session.rename(one, "cup")
    json.dumps(session.to_json())
    session.remove_object(one)
    record = json.loads(json.dumps(session.to_json()))
    assert Session.from_json(record, IMAGE, MODEL).to_json() == session.to_json()


def test_json_is_about_one_image_and_one_model():
    record = filled().to_json()
    other = IMAGE.copy()
    other[0, 0, 0] ^= 1
    for wrong in (other, IMAGE.reshape(W, H, 3)):
        with pytest.raises(DataError, match="another image"):
            Session.from_json(record, wrong, MODEL)
    model = build(CONFIG, seed=1).eval()
    with pytest.raises(DataError, match="any_weights"):
        Session.from_json(record, IMAGE, model)
    again = Session.from_json(record, IMAGE, model, any_weights=True)
    assert again.prompts == [ROUNDS[1]] and again.to_json()["weights"] != record["weights"]


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"objects": 5},
        {"objects": []},
        {"objects": [{}]},
        {"selected": 9},
        {"threshold": "half"},
        {"threshold": 2},
        {"precision": "int4"},
    ],
)
def test_a_damaged_record_is_refused_in_plain_words(change):
    record = filled().to_json() | change
    with pytest.raises((DataError, ConfigError, PromptError), match=r"\w{4}"):
        Session.from_json(record, IMAGE, MODEL)


@pytest.mark.parametrize("key", ["number", "name", "colour", "start", "rounds", "strokes"])
@pytest.mark.parametrize("value", ["x", None, [1], {}])
def test_a_damaged_object_is_refused_or_read(key, value):
    record = filled().to_json()
    record["objects"][0][key] = value
    try:
        Session.from_json(record, IMAGE, MODEL)
    except VPUError:
        return
    assert (key, value) in (("name", "x"), ("start", None), ("rounds", {}), ("strokes", {}))


def test_strokes_out_of_order_are_refused():
    record = filled().to_json()
    record["objects"][0]["strokes"][0]["after"] = 9
    with pytest.raises(DataError, match="out of order"):
        Session.from_json(record, IMAGE, MODEL)


def test_each_change_is_saved_and_a_new_session_goes_on(tmp_path):
    path = tmp_path / "deep" / "session.json"
    session = fresh(autosave=path)
    assert not path.exists()
    saved = []
    session.changed.append(lambda: saved.append(path.exists()))
    session.add(ROUNDS[0])
    session.paint([(5, 5)], 3)
    assert json.loads(path.read_text()) == session.to_json() and saved == [False, True]
    assert [p.name for p in path.parent.iterdir()] == ["session.json"]
    again = Session(IMAGE, MODEL, autosave=path)
    assert again.to_json() == session.to_json()
    again.undo()
    again.add(ROUNDS[1])
    assert json.loads(path.read_text())["objects"][0]["rounds"][1][0]["kind"] == "box"
    session.select(1)
    session.undo()
    assert json.loads(path.read_text())["objects"][0]["strokes"] == []


def test_an_autosave_of_another_image_is_left_alone(tmp_path):
    path = tmp_path / "session.json"
    fresh(autosave=path).add(ROUNDS[0])
    before = path.read_bytes()
    with pytest.raises(DataError, match="another image"):
        Session(255 - IMAGE, MODEL, autosave=path)
    assert path.read_bytes() == before
    path.write_text("{")
    with pytest.raises(DataError, match="JSON"):
        fresh(autosave=path)


def test_an_autosave_that_fails_is_told_and_loses_nothing(tmp_path):
    folder = tmp_path / "session.json"
    session = fresh(autosave=folder)
    folder.mkdir()
    session.add(ROUNDS[0])
    assert "session.json" in session.trouble and session.prompts == [ROUNDS[0]]
    folder.rmdir()
    session.add(ROUNDS[1])
    assert session.trouble is None and folder.is_file()


def test_a_listener_that_breaks_does_not_stop_the_autosave(tmp_path):
    session = fresh(autosave=tmp_path / "session.json")
    session.changed.append(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        session.add(ROUNDS[0])
    assert json.loads(session.autosave.read_text())["objects"][0]["rounds"]


def test_a_path_is_read(tmp_path):
    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    session = Session(tmp_path / "a.png", MODEL)
    assert np.array_equal(session.image, IMAGE)


def test_no_widget_library_is_loaded():
    code = "import vpuformer.widget.session, vpuformer.widget.replay, vpuwidget.folder, sys\n"
    code += "heavy = {'ipywidgets', 'ipycanvas', 'ipyevents', 'matplotlib', 'IPython', 'cv2'}\n"
    code += "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


xs, ys = st.integers(0, W - 1), st.integers(0, H - 1)
points = st.tuples(xs, ys)
strokes = st.lists(points, min_size=1, max_size=4)
prompts = st.one_of(
    st.builds(Click, xs, ys, st.booleans()),
    st.builds(Box, xs, ys, st.integers(1, 30), st.integers(1, 30), st.booleans()),
    st.builds(Scribble, strokes, st.booleans()),
)


class Sessions(RuleBasedStateMachine):
    """Any sequence of actions; each state is written down, and must come back to the last bit."""

    @initialize(start=st.none() | st.just(spot(20, 10, 6)))
    def begin(self, start):
        self.session = fresh(mask=start)
        self.past, self.at = [self.seen()], 0

    def seen(self):
        record = self.session.to_json()
        record.pop("past")  # it tells what redo gives, too
        record = json.dumps(record)
        masks = {n: m.tobytes() for n, m in self.session.masks().items()}
        return record, masks, [[x.tobytes() for x in rounds] for rounds in logits(self.session)]

    def step(self):
        self.past, self.at = [*self.past[: self.at + 1], self.seen()], self.at + 1

    @rule(turn=st.lists(prompts, min_size=1, max_size=2))
    def add(self, turn):
        self.session.add(*turn)
        self.step()

    @precondition(lambda self: self.session.prompts)
    @rule(data=st.data())
    def remove(self, data):
        self.session.remove(data.draw(st.integers(0, len(self.session.prompts) - 1)))
        self.step()

    @rule()
    def clear(self):
        self.session.clear()
        self.step()

    @rule(line=strokes, radius=st.floats(0.2, 8), erase=st.booleans())
    def paint(self, line, radius, erase):
        self.session.paint(line, radius, erase)
        self.step()

    @rule(name=st.none() | st.just("dog"))
    def add_object(self, name):
        number = self.session.add_object(name)
        assert self.session.selected == number and self.session.objects[-1].number == number
        self.step()

    def any_object(self, data):
        return data.draw(st.sampled_from([t.number for t in self.session.objects]))

    @rule(data=st.data())
    def select(self, data):
        self.session.select(self.any_object(data))
        self.past[self.at] = self.seen()

    @rule(data=st.data(), name=st.sampled_from(["cup", "cat", "é"]))
    def rename(self, data, name):
        self.session.rename(self.any_object(data), name)
        self.step()

    @rule(data=st.data(), colour=st.sampled_from(COLOURS))
    def recolour(self, data, colour):
        self.session.recolour(self.any_object(data), colour)
        self.step()

    @rule(data=st.data())
    def remove_object(self, data):
        self.session.remove_object(self.any_object(data))
        self.step()

    @rule(threshold=st.sampled_from([0.3, 0.5, 0.7]))
    def threshold(self, threshold):
        before = self.session.threshold
        self.session.threshold = threshold
        self.session.threshold = before

    @rule(prompt=prompts)
    def preview(self, prompt):
        self.session.preview(prompt)

    @rule(prompt=prompts)
    def do_and_undo(self, prompt):
        self.session.add(prompt)
        self.session.undo()
        del self.past[self.at + 1 :]
        self.past.append(None)  # what redo would give, not written down
        self.session.redo()
        self.past[self.at + 1] = self.seen()
        self.session.undo()

    @rule()
    def undo(self):
        self.session.undo()
        self.at = max(self.at - 1, 0)

    @rule()
    def redo(self):
        self.session.redo()
        self.at = min(self.at + 1, len(self.past) - 1)

    @rule()
    def export_and_import(self):
        record = json.loads(json.dumps(self.session.to_json()))
        self.session = Session.from_json(record, IMAGE, MODEL)  # and goes on: undo and redo too
        assert json.loads(json.dumps(self.session.to_json())) == record

    @invariant()
    def is_as_written_down(self):
        if hasattr(self, "past"):
            assert self.seen() == self.past[self.at]
            assert self.session.can_undo == (self.at > 0)
            assert self.session.can_redo == (self.at < len(self.past) - 1)


Sessions.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
test_any_sequence_of_actions = Sessions.TestCase
