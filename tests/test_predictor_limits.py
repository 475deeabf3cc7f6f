"""A conversation: rounds, undo and redo, zoom, objects, and that images are encoded once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from small import CONFIG

from vpuformer.config import ConfigError, ZoomConfig
from vpuformer.errors import ImageError, PromptError
from vpuformer.imaging import Frame, tight_box
from vpuformer.model import build
from vpuformer.predictor import Predictor, segment
from vpuformer.prompts import Box, Click, Scribble

SIZE = (90, 130)  # H, W
NO_ZOOM = ZoomConfig(mode="none")
MODEL = build(CONFIG).eval()
IMAGE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
START = np.zeros(SIZE, bool)
START[20:50, 30:60] = True
GESTURES = [
    Click(60, 40),
    Click(10, 80, positive=False),
    Box.from_corners(20, 10, 90, 70),
    Scribble([(30, 30), (60, 50)], positive=False),
]


class Counting:
    """Stands in front of a model and counts; where told, it answers with discs of its own.

    Given a list, each answer takes the next disc, and the last one stays.
    """

    def __init__(self, model=MODEL, disc=None):
        self.model, self.config, self.disc, self.encodings = model, model.config, disc, 0
        self.prevs = []

    def parameters(self):
        return self.model.parameters()

    def encode_image(self, *args):
        self.encodings += 1
        return self.model.encode_image(*args)

    def decode(self, features, prompts, prev_mask=None):
        self.prevs.append(None if prev_mask is None else prev_mask.clone())
        answer = self.model.decode(features, prompts, prev_mask)
        if self.disc is None:
            return answer
        discs = self.disc
        if not isinstance(discs, list):
            discs = [discs]
        x, y, radius = discs.pop(0) if len(discs) > 1 else discs[0]
        at = torch.arange(answer.logits.shape[-1])
        inside = (at - x) ** 2 + (at[:, None] - y) ** 2 <= radius**2
        blank = torch.zeros_like(answer.F_v_hat)  # nothing for the head to learn from
        return replace(answer, logits=torch.where(inside, 8.0, -8.0)[None, None], F_v_hat=blank)


def talk(model=MODEL, image=IMAGE, mask=None, **options):
    predictor = Predictor(model, precision="float32", **({"zoom": NO_ZOOM} | options))
    predictor.set_image(image, mask)
    return predictor


def test_an_answer_is_in_the_image_s_coordinates():
    answer = talk().add(*GESTURES)
    assert answer.prob.shape == SIZE and answer.prob.dtype == np.float32
    assert answer.mask.shape == SIZE and answer.mask.dtype == bool
    assert answer.prob.min() >= 0 and answer.prob.max() <= 1


def test_the_same_conversation_gives_the_same_mask():
    def last():
        predictor = talk()
        return [predictor.add(g) for g in GESTURES][-1].prob

    np.testing.assert_array_equal(last(), last())


def test_late_fusion_encodes_once():
    model = Counting()
    predictor = talk(model)
    for gesture in GESTURES:
        predictor.add(gesture)
    predictor.remove(1)
    predictor.undo()
    predictor.add_object()
    predictor.add(Click(5, 5))
    assert model.encodings == 1
    predictor.set_image(IMAGE[:, ::-1])
    predictor.add(Click(5, 5))
    assert model.encodings == 2


def test_early_fusion_encodes_each_round():
    model = Counting(build(replace(CONFIG, fusion="early")).eval())
    predictor = talk(model)
    for gesture in GESTURES:
        predictor.add(gesture)
    assert model.encodings == len(GESTURES)


def test_each_round_sees_the_last_probability():
    model = Counting(disc=(20, 30, 9))
    predictor = talk(model)
    predictor.add(GESTURES[0])
    predictor.add(GESTURES[1])
    assert model.prevs[0] is None
    logits = torch.from_numpy(predictor.rounds[0].logits)
    torch.testing.assert_close(model.prevs[1][0, 0], logits.sigmoid())


def test_a_start_mask_is_the_first_answer_and_the_first_previous_mask():
    model = Counting()
    predictor = talk(model, mask=START)
    np.testing.assert_array_equal(predictor.predict().mask, START)
    predictor.add(Click(60, 40))
    share = model.prevs[0].mean().item()
    assert share == pytest.approx(START.mean(), abs=0.01)
    np.testing.assert_array_equal(predictor.undo().mask, START)
    np.testing.assert_array_equal(predictor.reset().mask, START)


@pytest.mark.parametrize("threshold", [0.02, 0.5, 0.98])
def test_a_click_s_own_pixel_obeys_and_the_latest_wins(threshold):
    predictor = talk(threshold=threshold)
    for positive in (True, False, True):
        answer = predictor.add(Click(60.4, 39.6, positive), Click(129.4, -0.5, not positive))
        assert answer.mask[40, 60] == positive and answer.mask[0, 129] != positive
    assert not predictor.undo().mask[40, 60]


def test_remove_replays_from_that_round():
    predictor = talk()
    for gesture in GESTURES:
        predictor.add(gesture)
    answer = predictor.remove(1)
    other = talk()
    for gesture in (GESTURES[0], *GESTURES[2:]):
        expected = other.add(gesture)
    assert predictor.prompts == other.prompts
    np.testing.assert_array_equal(answer.prob, expected.prob)


def test_remove_takes_one_prompt_out_of_a_round():
    predictor = talk()
    predictor.add(*GESTURES[:3])
    predictor.add(GESTURES[3])
    answer = predictor.remove(1)
    other = talk()
    other.add(GESTURES[0], GESTURES[2])
    np.testing.assert_array_equal(answer.prob, other.add(GESTURES[3]).prob)


def test_without_prompts_there_is_no_answer():
    predictor = talk()
    with pytest.raises(PromptError, match="Nothing has been marked"):
        predictor.predict()
    predictor.add(GESTURES[0])
    assert predictor.remove(0) is None and predictor.undo() is not None
    assert predictor.undo() is None and predictor.undo() is None
    assert predictor.redo() is not None and predictor.reset() is None


def test_objects_do_not_know_of_each_other():
    predictor = talk()
    first = predictor.add(GESTURES[0]).prob
    number = predictor.add_object()
    second = predictor.add(GESTURES[2]).prob
    np.testing.assert_array_equal(predictor.select(0).prob, first)
    np.testing.assert_array_equal(predictor.select(number).prob, second)
    np.testing.assert_array_equal(talk().add(GESTURES[2]).prob, second)
    predictor.remove_object(number)
    assert predictor.objects == [0] and predictor.selected == 0
    np.testing.assert_array_equal(predictor.predict().prob, first)
    predictor.remove_object(0)
    assert len(predictor.objects) == 1 and predictor.prompts == []


PHOTO = (600, 900)


def photo(size=PHOTO):
    return np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)


SMALL, LARGER = (20, 30, 4), (32, 32, 22)  # one object, in the whole image and in the crop
LARGE, WIDE = (32, 32, 28), (32, 32, 31)  # of 64 cells; the second spans more than 95 % of them


def disc_of(disc):
    x, y, radius = disc
    at = np.arange(64)
    return (at - x) ** 2 + (at[:, None] - y) ** 2 <= radius**2


def test_a_small_first_mask_is_answered_again_in_a_crop_that_is_kept():
    model = Counting(disc=[SMALL, LARGER])
    predictor = talk(model, photo(), zoom=ZoomConfig())
    mask = predictor.add(Click(290, 280)).mask
    (turn,) = predictor.rounds
    left, top, right, bottom = crop = turn.frame.crop
    assert left <= 290 < right and top <= 280 < bottom and turn.prompts == (Click(290, 280),)
    x0, y0, x1, y1 = Frame(PHOTO, 64).bounds_of(disc_of(SMALL))
    assert 60 < y1 - y0 < x1 - x0 < 140  # so 60 px beside it make more than 1.4 times
    assert right - left == pytest.approx(x1 - x0 + 60, abs=1)
    assert bottom - top == pytest.approx(y1 - y0 + 60, abs=1)
    again = tight_box(mask)  # the second answer: 45 of the crop's 64 cells across
    assert again[2] - again[0] == pytest.approx(45 / 64 * (right - left), abs=3)
    assert predictor.settings["looks"] == [4, 6] and (len(model.prevs), model.encodings) == (2, 2)
    predictor.add(Click(300, 290))  # one look suffices
    assert predictor.rounds[-1].frame.crop == crop
    assert (len(model.prevs), model.encodings) == (3, 2)


@pytest.mark.parametrize("mode", ["none", "ritm"])
def test_other_kinds_of_zoom_look_once(mode):
    model = Counting(disc=SMALL)
    predictor = talk(model, photo(), zoom=ZoomConfig(mode=mode))
    predictor.add(Click(290, 280))
    assert predictor.settings["looks"] == len(model.prevs) == 1


def test_the_second_look_sees_the_first_mask():
    model = Counting(disc=[SMALL, LARGER])
    predictor = talk(model, photo(), zoom=ZoomConfig())
    predictor.add(Click(290, 280))
    before, seen = model.prevs
    left, top, right, bottom = predictor.rounds[-1].frame.crop
    area = np.pi * (4 / 64) ** 2 * 600 * 900  # of the first mask, in the image
    share = (seen > 0.5).float().mean().item()
    assert before is None
    assert share == pytest.approx(area / (right - left) / (bottom - top), abs=0.05)


def test_zoom_carries_the_mask_over():
    model = Counting(disc=[SMALL, LARGER])
    predictor = talk(model, photo(), zoom=ZoomConfig())
    whole = predictor.add(Click(290, 280), Click(291, 280)).mask
    predictor.add(Click(400, 250))  # outside: another crop
    left, top, right, bottom = predictor.rounds[-1].frame.crop
    share = (model.prevs[-2] > 0.5).float().mean().item()
    assert share == pytest.approx(whole[top:bottom, left:right].mean(), abs=0.03) and share > 0.05


def test_zoom_is_renewed_by_a_prompt_outside():
    model = Counting(disc=[SMALL, LARGER])
    predictor = talk(model, photo(), zoom=ZoomConfig())
    predictor.add(Click(290, 280), Click(291, 280))
    old = predictor.rounds[-1].frame.crop
    predictor.add(Click(500, 300))
    new = predictor.rounds[-1].frame.crop
    assert new != old and new[2] > 500 and model.encodings == 3


@pytest.mark.parametrize(
    ("half", "quarter", "crop"),
    [
        ((32, 32, 5), (44, 32, 16), (65, 55, 515, 505)),  # the click is the middle of this one
        ((36, 32, 6), (32, 32, 12), (178, 168, 403, 393)),  # of that in a quarter, 225 px
    ],
)
def test_a_first_mask_that_spans_the_photo_is_answered_again_nearer(half, quarter, crop):
    model = Counting(disc=[WIDE, half, quarter, LARGER])
    predictor = talk(model, photo(), zoom=ZoomConfig())
    predictor.add(Click(290, 280))
    *unseen, last = model.prevs  # all but the last see no mask
    assert unseen == [None] * 3 and last is not None and model.encodings == 4
    left, top, right, bottom = predictor.rounds[-1].frame.crop
    assert predictor.rounds[-1].prompts == (Click(290, 280),)
    chosen = half if crop[2] - crop[0] == 450 else quarter
    x0, y0, x1, y1 = Frame(PHOTO, 64, crop).bounds_of(disc_of(chosen))
    assert left < x0 < x1 < right and top < y0 < y1 < bottom
    assert right - left == pytest.approx(x1 - x0 + 60, abs=2)
    predictor.add(Click((left + right) // 2, (top + bottom) // 2))  # in the mask
    assert (len(model.prevs), model.encodings) == (5, 4)


@pytest.mark.parametrize(
    ("told", "prompts"),
    [
        ({}, [Click(450, 300, positive=False)]),  # nothing to look at
        ({}, [Box.from_corners(5, 5, 890, 590)]),  # it spans the photo itself
        ({"mask": np.ones((600, 900), bool)}, [Click(450, 300)]),  # it was begun with that
        ({"zoom": ZoomConfig(mode="none")}, [Click(450, 300)]),
    ],
)
def test_what_spans_the_photo_may_stay(told, prompts):
    model = Counting(disc=WIDE)
    talk(model, photo(), **{"zoom": ZoomConfig()} | told).add(*prompts)
    assert (len(model.prevs), model.encodings) == (1, 1)


def test_later_masks_may_span_the_photo():
    model = Counting(disc=[LARGE, WIDE])
    predictor = talk(model, photo(), zoom=ZoomConfig())
    predictor.add(Click(450, 300))
    predictor.add(Click(460, 310))
    assert (len(model.prevs), model.encodings) == (2, 1)


@pytest.mark.parametrize("disc", ["large", "missing"])
def test_no_zoom_on_large_or_missing_objects(disc):
    model = Counting(disc=LARGE if disc == "large" else (-50, -50, 1))
    predictor = talk(model, photo(), zoom=ZoomConfig())
    for _ in range(3):
        # a second click where nothing was found would look anew
        missed = Box.from_corners(440, 290, 460, 310)
        predictor.add(Click(450, 300) if disc == "large" else missed)
    assert model.encodings == 1 and predictor.rounds[-1].frame.crop is None


BAD = [
    (Click(500, 5), PromptError, "outside"),
    (Box.from_corners(-9, -9, -1, -1), PromptError, "outside"),
    ("click", PromptError, "Not a prompt"),
]


@pytest.mark.parametrize(("prompt", "error", "message"), BAD)
def test_a_failing_call_leaves_everything(prompt, error, message):
    predictor = talk()
    before = predictor.add(GESTURES[0]).prob
    for fail in (
        lambda: predictor.add(GESTURES[1], prompt),
        lambda: predictor.add(),
        lambda: predictor.remove(5),
        lambda: predictor.select(7),
        lambda: predictor.set_image(np.zeros((3, 4, 5, 6))),
        lambda: predictor.set_image(IMAGE, START.T),
    ):
        with pytest.raises((PromptError, ImageError)):
            fail()
        assert predictor.prompts == [GESTURES[0]] and predictor.size == SIZE
        np.testing.assert_array_equal(predictor.predict().prob, before)
    with pytest.raises(error, match=message):
        predictor.add(prompt)


def test_a_model_that_breaks_leaves_everything(monkeypatch):
    model = Counting()
    predictor = talk(model)
    before = predictor.add(GESTURES[0]).prob
    monkeypatch.setattr(model, "decode", lambda *args: 1 / 0)
    for fail in (lambda: predictor.add(GESTURES[1]), lambda: predictor.add(GESTURES[2])):
        with pytest.raises(ZeroDivisionError):
            fail()
    assert predictor.prompts == [GESTURES[0]]
    np.testing.assert_array_equal(predictor.predict().prob, before)


def test_impossible_settings_are_refused():
    for options in ({"threshold": 0.0}, {"threshold": 1.0}, {"precision": "float16"}):
        with pytest.raises(ConfigError, match="expected"):
            Predictor(MODEL, **options)
    with pytest.raises(ImageError, match="no image yet"):
        Predictor(MODEL).add(Click(1, 2))


def test_bfloat16_answers_nearly_the_same():
    exact, rough = talk().add(*GESTURES), Predictor(MODEL, precision="bfloat16", zoom=NO_ZOOM)
    rough.set_image(IMAGE)
    answer = rough.add(*GESTURES)
    assert answer.prob.dtype == np.float32
    assert np.abs(answer.prob - exact.prob).mean() < 0.02
    assert not np.array_equal(answer.prob, exact.prob)


def test_segment_is_one_round():
    answer = segment(IMAGE, GESTURES, MODEL)
    predictor = Predictor(MODEL)
    predictor.set_image(IMAGE)
    np.testing.assert_array_equal(answer.prob, predictor.add(*GESTURES).prob)


def test_writing_to_an_answer_leaves_the_start_mask():
    predictor = talk(mask=START)
    predictor.predict().prob[:] = 0
    np.testing.assert_array_equal(predictor.predict().mask, START)


def test_a_box_that_leaves_the_image_does_not_renew_the_crop():
    model = Counting(disc=[(4, 30, 3), (20, 32, 16)])
    predictor = talk(model, photo(), zoom=ZoomConfig())
    predictor.add(Box.from_corners(-60, 240, 110, 330))
    crop = predictor.rounds[-1].frame.crop
    model.disc = (22, 32, 18)  # a little larger, so another crop would be wanted
    for _ in range(2):
        predictor.add(Click(50, 285))
    assert crop is not None and predictor.rounds[-1].frame.crop == crop and model.encodings == 2


class Conversation(RuleBasedStateMachine):
    """Whatever was done: undo takes it back exactly, redo brings it back exactly."""

    @initialize(start=st.booleans())
    def begin(self, start):
        self.predictor = talk(mask=START if start else None)

    def state(self):
        rounds = self.predictor.rounds
        answer = self.predictor._prediction(self.predictor._object)
        prob = None if answer is None else answer.prob.tobytes()
        return [(r.prompts, r.frame, r.logits.tobytes()) for r in rounds], prob

    def check(self, action):
        before = self.state()
        action()
        after = self.state()
        assert after[0] != before[0]
        self.predictor.undo()
        assert self.state() == before
        self.predictor.redo()
        assert self.state() == after

    @rule(gestures=st.lists(st.sampled_from(GESTURES), min_size=1, max_size=3))
    def add(self, gestures):
        self.check(lambda: self.predictor.add(*gestures))

    @precondition(lambda self: self.predictor.prompts)
    @rule(data=st.data())
    def remove(self, data):
        index = data.draw(st.integers(0, len(self.predictor.prompts) - 1))
        self.check(lambda: self.predictor.remove(index))

    @precondition(lambda self: self.predictor.rounds)
    @rule()
    def undo_then_redo(self):
        before = self.state()
        self.predictor.undo()
        self.predictor.redo()
        assert self.state() == before

    @rule()
    def undo(self):
        self.predictor.undo()

    @rule()
    def other_object(self):
        before, mine = self.state(), self.predictor.selected
        number = self.predictor.add_object()
        self.predictor.add(GESTURES[0])
        self.predictor.remove_object(number)
        self.predictor.select(mine)
        assert self.state() == before


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=8,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
