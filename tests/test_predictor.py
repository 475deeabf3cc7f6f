"""One conversation: rounds, undo, objects, zoom, encode once, and errors that lose nothing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from small import CONFIG

from vpuformer.config import DmaConfig, ModelConfig, PueConfig, ZoomConfig
from vpuformer.errors import ConfigError, ImageError, PromptError
from vpuformer.imaging import Frame
from vpuformer.model import build
from vpuformer.predictor import Predictor, segment
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch

SIZE = (80, 120)  # H, W
IMAGE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
MODEL = build(CONFIG).eval()
NO_ZOOM = ZoomConfig(mode="none")
MIXED = (Click(60, 40), Box(60, 40, 30, 20, False), Scribble([(10, 10), (50, 60)]))


def fresh(model=MODEL, **options):
    predictor = Predictor(model, precision="float32", **{"zoom": NO_ZOOM, **options})
    predictor.set_image(IMAGE)
    return predictor


class Counting:
    """A model that counts its encodings and answers with a fixed blob."""

    def __init__(self):
        self.config, self.encoded = CONFIG, 0

    def parameters(self):
        return iter([torch.zeros(1)])

    def encode_image(self, image, prev_mask=None, prompts=None):
        self.encoded += 1
        return MODEL.encode_image(image)

    def decode(self, features, prompts, prev_mask=None):
        answer = MODEL.decode(features, prompts, prev_mask)
        answer.logits[:] = -8
        answer.logits[..., 26:38, 26:38] = 8
        return answer


def test_answers_in_the_images_own_coordinates():
    prediction = fresh().add(*MIXED)
    assert prediction.mask.shape == prediction.prob.shape == SIZE
    assert prediction.mask.dtype == bool and prediction.prob.dtype == np.float32
    assert np.array_equal(prediction.mask, prediction.prob > 0.5)


def test_a_clicks_own_pixel_obeys_and_the_latest_wins():
    predictor = fresh()
    for x, y, sign in ((60, 40, True), (3, 79, False), (119, 0, True), (60, 40, False)):
        mask = predictor.add(Click(x, y, sign)).mask
        assert mask[y, x] == sign  # row = y
    assert predictor.predict().mask[0, 119]


def test_a_part_that_no_positive_prompt_reaches_is_left_out(monkeypatch):
    def decode(self, features, prompts, prev_mask=None):
        seen.append(prev_mask)
        answer = MODEL.decode(features, prompts, prev_mask)
        answer.logits[:] = -8
        answer.logits[..., 10:20, 10:20] = answer.logits[..., 40:50, 40:50] = 8
        return answer

    monkeypatch.setattr(Counting, "decode", decode)
    seen, predictor = [], fresh(Counting())
    assert predictor.settings["islands"] == "left out"
    near, far = (25, 20), (85, 55)  # pixels of the image in either part
    first = predictor.add(Click(*near)).mask
    assert first[near[::-1]] and not first[far[::-1]]
    second = predictor.add(Click(*far)).mask  # asked for now
    assert second[near[::-1]] and second[far[::-1]]
    assert seen[1][0, 0, 15, 15] > 0.99 and seen[1][0, 0, 45, 45] < 0.02  # nor is it shown again
    start = np.zeros(SIZE, bool)
    start[50:60, 80:90] = True  # around the far one
    predictor.set_image(IMAGE, start)
    assert np.array_equal(predictor.add(Click(*near)).mask, second)


def test_each_round_sees_the_last_one():
    one_by_one, at_once = fresh(), fresh()
    for prompt in MIXED:
        last = one_by_one.add(prompt)
    assert len(one_by_one.rounds) == 3 and len(at_once.add(*MIXED).prob)
    assert not np.array_equal(last.prob, at_once.predict().prob)


def test_resumes_stored_rounds_exactly():
    predictor = fresh()
    for prompt in MIXED:
        predictor.add(prompt)
    rounds, prob = predictor.rounds, predictor.predict().prob
    other = fresh()
    other.add_object()
    other.resume(rounds[:2])
    assert other.objects == [0] and other.prompts == list(MIXED[:2])
    assert np.array_equal(other.add(MIXED[2]).prob, prob)
    assert len(other.undo().prob) and other.prompts == list(MIXED[:2])
    start = np.zeros(SIZE, np.float32)
    start[10:40, 20:60] = 1
    other.resume((), start)
    begun = fresh()
    begun.set_image(IMAGE, start > 0)
    assert np.array_equal(other.add(MIXED[0]).prob, begun.add(MIXED[0]).prob)


def test_removal_plays_from_the_start_when_logits_were_forgotten():
    predictor = fresh()
    for prompt in MIXED:
        predictor.add(prompt)
    thin = [replace(turn, logits=np.empty((0, 0))) for turn in predictor.rounds[:2]]
    forgetful = fresh()
    forgetful.resume((*thin, predictor.rounds[2]))
    assert np.array_equal(forgetful.predict().prob, predictor.predict().prob)
    assert np.array_equal(forgetful.remove(2).prob, predictor.remove(2).prob)


def test_similarity_is_the_models_rho_on_the_whole_image():
    predictor = fresh()
    predictor.add(*MIXED[:2])
    frame = Frame(SIZE, CONFIG.size)
    batch = PromptBatch.of([frame.prompts(list(MIXED[:2]))])
    picture = torch.from_numpy(frame.picture(IMAGE).copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        rho = MODEL.decode(MODEL.encode_image(picture), batch, details=True).rho
    for index in range(2):
        found = predictor.similarity(index)
        assert np.allclose(found, rho[0, index], atol=1e-5) and 0 <= found.min() <= found.max() <= 1
    with pytest.raises(PromptError, match="no prompt 2"):
        predictor.similarity(2)


def test_prepare_encodes_ahead_and_changes_nothing():
    prepared, plain = (fresh(Counting(), zoom=ZoomConfig(min_side=20)) for _ in range(2))
    wrong = Click(59, 39, positive=False)  # in the first answer: there are looks anew
    for prompt, encoded in ((MIXED[0], 1), (wrong, 5), (Click(61, 41), 5)):
        prepared.prepare()
        assert prepared.model.encoded == encoded
        assert np.array_equal(prepared.add(prompt).prob, plain.add(prompt).prob)
    assert prepared.rounds[0].frame.crop and prepared.model.encoded == plain.model.encoded == 5


def test_prepare_encodes_no_crop_that_a_start_mask_rules_out():
    predictor = fresh(Counting(), zoom=ZoomConfig(min_side=20))
    start = np.zeros(SIZE, bool)
    start[30:50, 50:70] = True
    predictor.set_image(IMAGE, start)
    predictor.add(MIXED[0])
    before = predictor.model.encoded
    predictor.prepare()
    assert predictor.model.encoded == before
    predictor.add(Click(59, 39, positive=False))
    assert predictor.model.encoded == before


def test_spare_slots_for_prompts_change_nothing():
    spare, plain, asked = fresh(), fresh(), []
    spare.step = 8
    decode = MODEL.decode

    def counted(features, prompts, *rest):
        asked.append(prompts.valid.sum(1).tolist() + list(prompts.valid.shape))
        return decode(features, prompts, *rest)

    spare.model = SimpleNamespace(
        config=CONFIG, encode_image=MODEL.encode_image, decode=counted, parameters=MODEL.parameters
    )
    for prompt in (*MIXED, *MIXED, *MIXED):
        close = np.abs(spare.add(prompt).prob - plain.add(prompt).prob).max()
        assert close < 1e-5
    assert asked == [[n, 1, 8 if n < 9 else 16] for n in range(1, 10)]
    counts = (25, 32, 33, 49, 65, 97, 129, 193)
    for count in counts:
        spare.reset()
        spare.add(*MIXED[:1] * count)
    slots = (32, 32, 64, 64, 128, 128, 256, 256)  # one shape to a doubling
    assert asked[9:] == [[n, 1, slot] for n, slot in zip(counts, slots, strict=True)]


def test_says_how_long_encoding_and_decoding_took():
    predictor = fresh()
    predictor.add(MIXED[0])
    assert predictor.seconds.keys() == {"encode", "decode"}
    assert min(predictor.seconds.values()) > 0


def test_undo_redo_and_remove_are_exact():
    predictor = fresh()
    first = predictor.add(MIXED[0]).prob
    second = predictor.add(MIXED[1]).prob
    third = predictor.add(MIXED[2]).prob
    assert np.array_equal(predictor.undo().prob, second)
    assert np.array_equal(predictor.redo().prob, third)
    removed = predictor.remove(1).prob
    other = fresh()
    other.add(MIXED[0])
    assert np.array_equal(removed, other.add(MIXED[2]).prob)
    assert np.array_equal(predictor.undo().prob, third)
    for _ in range(5):
        predictor.undo()
    assert predictor.prompts == [] and predictor.undo() is None
    assert np.array_equal(predictor.redo().prob, first)
    with pytest.raises(PromptError, match="no prompt 7"):
        predictor.remove(7)


def test_removing_one_of_a_round_keeps_the_others():
    predictor, other = fresh(), fresh()
    predictor.add(*MIXED)
    assert np.array_equal(predictor.remove(1).prob, other.add(MIXED[0], MIXED[2]).prob)
    predictor.remove(1)
    assert predictor.remove(0) is None and predictor.prompts == []


def test_nothing_marked_is_none_or_an_error():
    predictor = fresh()
    assert predictor.undo() is None and predictor.reset() is None
    with pytest.raises(PromptError, match="Nothing has been marked"):
        predictor.predict()


def test_start_mask_is_the_first_answer_and_is_refined():
    mask = np.zeros(SIZE, bool)
    mask[20:50, 30:80] = True
    predictor = Predictor(MODEL, precision="float32", zoom=NO_ZOOM)
    assert np.array_equal(predictor.set_image(IMAGE, mask).mask, mask)
    with_mask = predictor.add(MIXED[0]).prob
    assert not np.array_equal(with_mask, fresh().add(MIXED[0]).prob)
    assert np.array_equal(predictor.undo().mask, mask)
    prob = np.where(mask, 0.8, 0.3)  # a probability is a mask above one half
    assert np.array_equal(Predictor(MODEL, zoom=NO_ZOOM).set_image(IMAGE, prob).mask, mask)
    with pytest.raises(ImageError, match="start mask"):
        predictor.set_image(IMAGE, mask.T)
    assert np.array_equal(predictor.predict().mask, mask)


@pytest.mark.parametrize(
    "bad",
    [
        lambda p: p.add(),
        lambda p: p.add(Click(500, 3)),
        lambda p: p.add(Click(5, 3), Box(400, 400, 5, 5)),
        lambda p: p.add("click"),
        lambda p: p.remove(9),
        lambda p: p.select(4),
        lambda p: p.remove_object(4),
        lambda p: p.add_object(np.zeros((3, 3), bool)),
        lambda p: p.set_image("nowhere.png"),
        lambda p: p.set_image(np.zeros((2, 2, 2, 2))),
    ],
)
def test_a_failing_call_leaves_everything_as_it_was(bad):
    predictor = fresh()
    before = predictor.add(MIXED[0]).prob
    with pytest.raises((PromptError, ImageError)):
        bad(predictor)
    assert predictor.prompts == [MIXED[0]] and predictor.objects == [0]
    assert np.array_equal(predictor.predict().prob, before)


def test_a_model_that_fails_leaves_everything_as_it_was(monkeypatch):
    predictor = fresh()
    before = predictor.add(MIXED[0]).prob

    def fail(*args, **kwargs):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(MODEL, "decode", fail)
    for call in (lambda: predictor.add(MIXED[1]), lambda: predictor.add(MIXED[2])):
        with pytest.raises(RuntimeError, match="out of memory"):
            call()
    monkeypatch.undo()
    assert predictor.prompts == [MIXED[0]] and np.array_equal(predictor.predict().prob, before)


def test_the_image_is_encoded_once_for_all_prompts_and_objects():
    model = Counting()
    predictor = fresh(model)
    for prompt in MIXED:
        predictor.add(prompt)
    predictor.add_object()
    predictor.add(MIXED[0])
    predictor.undo()
    assert model.encoded == 1


def test_zoom_encodes_one_crop_and_keeps_it():
    model = Counting()
    predictor = fresh(model, zoom=ZoomConfig(min_side=20))
    predictor.add(Click(60, 40))
    crop = predictor.rounds[-1].frame.crop
    assert model.encoded == 2 and crop is not None
    left, top, right, bottom = crop
    assert left <= 48 and right >= 71 and top <= 32 and bottom >= 47 and right - left < 60
    predictor.add(Click(62, 42, False))
    assert predictor.rounds[-1].frame.crop != None and model.encoded <= 3  # noqa: E711
    mask = predictor.predict().mask
    assert mask.any() and not mask[:, : left - 1].any() and not mask[: top - 1].any()


def test_objects_do_not_disturb_each_other():
    predictor = fresh()
    first = predictor.add(MIXED[0]).prob
    number = predictor.add_object()
    assert predictor.prompts == []
    second = predictor.add(MIXED[2]).prob
    assert np.array_equal(predictor.select(0).prob, first)
    assert np.array_equal(predictor.select(number).prob, second)
    left = predictor.remove_object(number)
    assert predictor.objects == [0] and np.array_equal(predictor.predict().prob, first)
    assert np.array_equal(left.prob, first)
    assert predictor.remove_object(0) is None
    assert predictor.objects == [0] and predictor.prompts == []


def test_early_fusion_encodes_every_round():
    config = ModelConfig(
        encoder="tiny",
        size=64,
        fusion="early",
        pue=PueConfig(length=64),
        dma=DmaConfig(embed_dim=32),
        decoder_dim=16,
        decoder_depth=1,
    )
    predictor = fresh(build(config).eval())
    a = predictor.add(MIXED[0]).prob
    b = predictor.add(MIXED[1]).prob
    assert a.shape == SIZE and not np.array_equal(a, b)


def test_bfloat16_agrees_with_float32():
    exact = fresh().add(*MIXED).prob
    predictor = Predictor(MODEL, precision="bfloat16", zoom=NO_ZOOM)
    predictor.set_image(IMAGE)
    assert np.abs(predictor.add(*MIXED).prob - exact).mean() < 0.02


def test_same_twice_and_the_one_liner():
    a, b = fresh().add(*MIXED).prob, fresh().add(*MIXED).prob
    assert np.array_equal(a, b)
    assert segment(IMAGE, list(MIXED), MODEL).mask.shape == SIZE
    assert np.array_equal(
        segment(IMAGE, MIXED[0], MODEL).prob, segment(IMAGE, [MIXED[0]], MODEL).prob
    )


def test_wrong_settings_and_no_image():
    with pytest.raises(ConfigError, match="threshold is 2"):
        Predictor(MODEL, threshold=2)
    with pytest.raises(ConfigError, match="precision is"):
        Predictor(MODEL, precision="half")
    with pytest.raises(ConfigError, match=r"a name, .* say load\('lite0'\)"):
        Predictor("lite0")
    with pytest.raises(ImageError, match="no image yet"):
        Predictor(MODEL).add(Click(1, 1))


class Conversation(RuleBasedStateMachine):
    """Any sequence of actions keeps undo after do, and redo after undo, the identity."""

    @initialize()
    def start(self):
        self.predictor = fresh()

    def look(self):
        try:
            return self.predictor.prompts, self.predictor.predict().prob
        except PromptError:
            return self.predictor.prompts, None

    def same(self, a, b):
        assert a[0] == b[0] and np.array_equal(a[1], b[1]) if a[1] is not None else b[1] is None

    def undone(self, action):
        before = self.look()
        action()
        after = self.look()
        self.predictor.undo()
        self.same(before, self.look())
        self.predictor.redo()
        self.same(after, self.look())

    @rule(x=st.integers(0, 119), y=st.integers(0, 79), positive=st.booleans())
    def click(self, x, y, positive):
        self.undone(lambda: self.predictor.add(Click(x, y, positive)))

    @rule(x=st.integers(0, 100), y=st.integers(0, 60), w=st.integers(1, 90))
    def box(self, x, y, w):
        self.undone(lambda: self.predictor.add(Box.from_corners(x, y, x + w, y + w / 2)))

    @rule(share=st.floats(0, 0.99))
    def remove(self, share):
        if count := len(self.predictor.prompts):
            self.undone(lambda: self.predictor.remove(int(share * count)))

    @rule()
    def undo(self):
        self.predictor.undo()


Conversation.TestCase.settings = settings(max_examples=8, stateful_step_count=8, deadline=None)
TestConversation = Conversation.TestCase


def test_the_answer_does_not_hang_on_the_default_type():
    def answer():
        predictor = Predictor(MODEL, precision="float32")
        predictor.set_image(IMAGE)
        predictor.add(Click(60, 40))
        predictor.add(Box.from_corners(20, 10, 90, 70), Click(10, 70, positive=False))
        return predictor.add(Click(70, 40, positive=False)).prob

    expected = answer()
    torch.set_default_dtype(torch.float64)
    try:
        assert np.array_equal(answer(), expected)
    finally:
        torch.set_default_dtype(torch.float32)
