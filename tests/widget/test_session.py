"""The session without a browser: every sequence of actions can be undone, redone and saved."""

import json

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vpuformer.config import DmaConfig, ModelConfig, PueConfig, ZoomConfig
from vpuformer.errors import ConfigError, DataError, ImageError, PromptError
from vpuformer.model import build
from vpuformer.predictor import Predictor
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.weights import load, shipped_names
from vpuformer.widget import saved
from vpuformer.widget.items import Stroke
from vpuformer.widget.session import Session

H, W = 40, 56
IMAGE = np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)
CONFIG = ModelConfig(
    encoder="tiny",
    size=32,
    pue=PueConfig(length=32),
    dma=DmaConfig(embed_dim=32),
    decoder_dim=16,
    decoder_depth=1,
)
MODEL = build(CONFIG).eval()


class Painter:
    """A model in two lines: +4 near positive prompts, -4 near negative, plus half the last mask."""

    config, weights_hash = CONFIG, "painter"

    def parameters(self):
        return iter([torch.zeros(1)])

    def encode_image(self, image, prev_mask=None, prompts=None):
        return MODEL.encode_image(image)

    def decode(self, features, prompts, prev_mask=None):
        answer = MODEL.decode(features, prompts, prev_mask)
        grid = torch.arange(32.0)
        logits = torch.full((32, 32), -3.0) if prev_mask is None else 4 * prev_mask[0, 0] - 3
        for i in range(prompts.kind.shape[1]):
            x, y = prompts.xywh[0, i, :2] if prompts.kind[0, i] < 2 else prompts.points[0, i, 0]
            near = ((grid[:, None] - y) ** 2 + (grid - x) ** 2) < 40
            logits = logits + near * (4.0 if prompts.positive[0, i] else -4.0)
        answer.logits[:] = logits
        return answer


def predictor(model=None, **options):
    model = Painter() if model is None else model
    return Predictor(
        model, **{"precision": "float32", "zoom": ZoomConfig(mode="none"), **options}
    )


def session(**options):
    return Session(predictor(), IMAGE, **options)


def seen(s):
    """All that an export or a person could tell apart."""
    masks = [
        (n, m.tobytes(), s.prob_of(i).tobytes())
        for (n, m), i in zip(s.masks.items(), s.items, strict=True)
    ]
    return s.state, masks


inside = st.tuples(st.floats(0, W - 1), st.floats(0, H - 1))
signs = st.booleans()
clicks = st.builds(lambda p, s: Click(*p, s), inside, signs)
boxes = st.builds(
    lambda p, w, h, s: Box(*p, w, h, s), inside, st.floats(1, 30), st.floats(1, 30), signs
)
scribbles = st.builds(
    lambda ps, s: Scribble(tuple(ps), s), st.lists(inside, min_size=1, max_size=4), signs
)
strokes = st.builds(
    lambda ps, r, a: Stroke(tuple(ps), r, a),
    st.lists(inside, min_size=1, max_size=4),
    st.floats(0.5, 9),
    signs,
)


class Actions(RuleBasedStateMachine):
    """Any actions in any order. After each: undo∘do and redo∘undo are identity."""

    def __init__(self):
        super().__init__()
        self.s = session()

    def do(self, action):
        before, at = seen(self.s), self.s._at
        action()
        after = seen(self.s)
        if self.s._at != at:
            assert self.s.undo() and seen(self.s) == before
            assert self.s.redo() and seen(self.s) == after

    @rule(prompts=st.lists(clicks | boxes | scribbles, min_size=1, max_size=2))
    def add(self, prompts):
        self.do(lambda: self.s.add(*prompts))

    @rule(stroke=strokes)
    def paint(self, stroke):
        self.do(lambda: self.s.paint(stroke))

    @rule(pick=st.integers(0, 9))
    def remove(self, pick):
        if self.s.prompts:
            self.do(lambda: self.s.remove(pick % len(self.s.prompts)))

    @rule()
    def clear(self):
        self.do(self.s.clear)

    @rule(start=st.booleans())
    def add_object(self, start):
        mask = np.zeros((H, W), bool)
        mask[5:20, 10:40] = True
        self.do(lambda: self.s.add_object(mask=mask if start else None))

    @rule(pick=st.integers(0, 9))
    def select(self, pick):
        number = self.s.items[pick % len(self.s.items)].number
        self.do(lambda: self.s.select(number))

    @rule(pick=st.integers(0, 9))
    def remove_object(self, pick):
        number = self.s.items[pick % len(self.s.items)].number
        self.do(lambda: self.s.remove_object(number))

    @rule(name=st.sampled_from(["cup", "leaf"]))
    def rename(self, name):
        self.do(lambda: self.s.edit_object(name=name, colour="#123456"))

    @rule(steps=st.integers(1, 5))
    def undo(self, steps):
        before = seen(self.s)
        done = sum(self.s.undo() for _ in range(steps))
        assert done == sum(self.s.redo() for _ in range(done)) and seen(self.s) == before
        for _ in range(done):
            self.s.undo()

    @rule()
    def import_is_export_backwards(self):
        record = json.loads(json.dumps(saved.to_json(self.s)))
        again = saved.from_json(record, predictor(), IMAGE)
        assert min(saved.agreement(again, record)) == 1
        for old, new in zip(self.s.items, again.items, strict=True):
            assert (old.name, old.colour, old.rounds, old.strokes) == (
                new.name,
                new.colour,
                new.rounds,
                new.strokes,
            )
            np.testing.assert_array_equal(self.s.prob_of(old), again.prob_of(new))

    @invariant()
    def masks_have_the_images_size(self):
        assert self.s.mask.shape == (H, W)
        assert self.s.state.selected in [i.number for i in self.s.items]


Actions.TestCase.settings = settings(max_examples=12, stateful_step_count=18, deadline=None)
TestActions = Actions.TestCase


def test_a_failing_action_changes_nothing():
    s = session()
    s.add(Click(20, 20))
    before = seen(s)
    for action in (
        lambda: s.add(Click(500, 20)),
        lambda: s.remove(3),
        lambda: s.select(7),
        lambda: s.edit_object(colour="blue"),
        lambda: s.set_threshold(1.5),
        lambda: s.paint(Stroke((), 3, True)),
    ):
        with pytest.raises((PromptError, ConfigError)):
            action()
        assert seen(s) == before


def test_brush_and_eraser_lie_over_later_answers():
    s = session()
    s.add(Click(20, 20))
    s.paint(Stroke(((20, 20),), 3, add=False))
    s.paint(Stroke(((50, 5), (50, 35)), 2, add=True))
    assert not s.mask[20, 20] and s.mask[5:35, 50].all() and s.mask[20, 26]
    s.add(Click(30, 20))
    assert not s.mask[20, 20] and s.mask[5, 50]


def test_the_threshold_moves_the_mask_without_a_new_answer():
    s = session()
    s.add(Click(20, 20))
    s.set_threshold(0.2)
    wide = s.mask.sum()
    s.set_threshold(0.9)
    assert s.mask.sum() < wide and s.can_undo and not s.can_redo


def test_a_new_action_ends_redo():
    s = session()
    s.add(Click(20, 20))
    s.undo()
    assert s.can_redo
    s.add_object("other")
    assert not s.can_redo and not s.redo()
    s.select(1)
    s.add(Click(5, 5))
    assert [p.x for p in s.prompts] == [5]


def test_autosave_writes_every_change_and_leaves_no_torn_file(tmp_path):
    path = tmp_path / "a" / "session.json"
    s = session(on_change=saved.autosave(path))
    s.add(Click(20, 20))
    assert len(json.loads(path.read_text())["items"][0]["rounds"]) == 1
    s.undo()
    assert json.loads(path.read_text())["items"][0]["rounds"] == []
    assert [p.name for p in path.parent.iterdir()] == ["session.json"]


def test_resume_takes_the_file_and_keeps_one_that_does_not_fit(tmp_path, caplog):
    path = tmp_path / "session.json"
    s = session(on_change=saved.autosave(path))
    s.add(Click(20, 20))
    assert saved.resume(path, predictor(), IMAGE).prompts == s.prompts
    other = saved.resume(path, predictor(), IMAGE[:, ::-1])
    assert not other.prompts and not path.exists() and "another image" in caplog.text
    assert len(list(tmp_path.glob("session.json.kept-*"))) == 1


@pytest.mark.parametrize(
    "damage", [{"schema": 7}, {"items": [{}]}, {"selected": 9}, {"items": 3}]
)
def test_a_damaged_record_is_refused(damage):
    s = session()
    s.add(Click(20, 20))
    with pytest.raises(DataError, match="session"):
        saved.from_json({**saved.to_json(s), **damage}, predictor(), IMAGE)
    with pytest.raises(ImageError, match="another image"):
        saved.from_json(saved.to_json(s), predictor(), IMAGE[::-1])


def test_other_weights_are_noticed(caplog):
    s = session()
    s.add(Click(20, 20))
    record = saved.to_json(s)
    record["items"][0]["mask"] = saved.to_rle(~s.mask)
    saved.from_json(record, predictor(), IMAGE)
    assert "IoU of 0.0000" in caplog.text


@pytest.mark.skipif("lite0" not in shipped_names(), reason="the shipped weights are not here")
def test_the_shipped_model_replays_to_the_identical_mask(tmp_path):
    model = load("lite0")
    grid = np.indices((120, 160))
    image = np.repeat(
        (40 + 150 * (np.hypot(grid[0] - 60, grid[1] - 90) < 35))[..., None], 3, -1
    )
    image = (image + np.random.default_rng(0).integers(0, 20, image.shape)).astype(np.uint8)
    s = Session(predictor(model, zoom=None), image)
    s.add(Click(90, 60))
    s.add(Box.from_corners(54, 24, 126, 96))
    s.add(Click(5, 5, positive=False))
    s.remove(1)
    s.paint(Stroke(((10, 10), (30, 10)), 4, add=True))
    assert 0.05 < s.mask.mean() < 0.5
    saved.save(s, tmp_path / "s.json")
    again = saved.load(tmp_path / "s.json", predictor(model, zoom=None), image)
    np.testing.assert_array_equal(s.mask, again.mask)
    again.undo()
    again.undo()
    s.undo()
    s.undo()
    assert again.prompts == s.prompts[:1]
