"""The course's toy model, and what notebook 04 draws and measures with."""

import numpy as np
import pytest
import torch

pytest.importorskip("matplotlib")
pytest.importorskip("skimage")
pytest.importorskip("IPython")

import vpucourse as course
from vpucourse import looking
from vpuformer.metrics import iou
from vpuformer.model import build, preset
from vpuformer.predictor import Predictor
from vpuformer.prompts import Click
from vpuformer.pue import PromptBatch


def test_the_toy_model_is_a_trained_tiny():
    model = course.toy_model()
    assert model.config == preset("tiny") and not model.training
    predictor, (picture, labels) = Predictor(model, precision="float32"), course.toy()
    predictor.set_image(picture)
    coin = predictor.add(Click(26, 26))
    assert iou(labels == 1, coin.mask) > 0.8
    assert course.toy_model() is not model


def test_a_ladder_has_a_square_for_each_map():
    rows = {"a\n1 M": [(8, 16, 24), (16, 8, 12)], "b": [(32, 4, 6)]}
    (ax,) = looking.ladder(rows, "finding").axes
    sides = [square.get_width() for square in ax.patches]
    assert sides == pytest.approx([looking.LARGEST, looking.LARGEST / 2, looking.LARGEST / 4])
    said = [text.get_text() for text in ax.texts]
    assert {"a", "1 M", "b", "8 × 16²", "16 × 8²", "32 × 4²"} <= set(said)


def test_points_over_weights_lie_where_they_are_told():
    figure = looking.by_weights([1, 2], ["a", "b"], "finding", work_done=[3, 4], ms=[5, 6])
    left, right = figure.axes
    assert left.get_ylabel() == "work done" and right.get_ylabel() == "ms"
    assert [line.get_ydata()[0] for line in right.lines] == [5, 6]


def test_seconds_takes_turns_and_keeps_the_shortest(monkeypatch):
    calls, clock = [], iter([0, 5, 10, 11, 20, 23, 30, 37])
    monkeypatch.setattr(looking.time, "perf_counter", lambda: next(clock))
    found = looking.seconds(lambda: calls.append("a"), lambda: calls.append("b"), repeats=2)
    assert calls == ["a", "b", "a", "b"] and found == [3, 1]


def test_seconds_leaves_the_threads_as_they_were():
    before, seen = torch.get_num_threads(), []
    looking.seconds(lambda: seen.append(torch.get_num_threads()), repeats=1, threads=1)
    assert seen == [1] and torch.get_num_threads() == before


def test_work_is_counted_in_products():
    found, work = looking.work_of(torch.nn.Linear(10, 20), torch.zeros(3, 10))
    assert found.shape == (3, 20) and work == 600 / 1e9


def test_colours_follow_the_main_direction():
    ramp = torch.arange(24.0).reshape(4, 6)
    picture = looking.colours(torch.stack([ramp, torch.zeros(4, 6), 0.1 * ramp.flip(1)]))
    assert picture.shape == (4, 6, 3) and picture.dtype == np.uint8
    assert sorted((picture[0, 0, 0], picture[-1, -1, 0])) == [0, 255]


def test_a_share_of_variance_is_one_for_a_map_of_the_mask():
    mask = np.zeros((8, 12), bool)
    mask[:4, :6] = True
    same = torch.tensor(mask[::2, ::2] / 1)[None]
    assert looking.share_of(mask, same) == pytest.approx(1)
    assert looking.share_of(mask, torch.cat([same, same.roll(3, 2)])) < 0.9


def test_dma_receives_another_map_with_a_mask():
    model = build(preset("tiny")).eval()
    last = torch.zeros(1, 1, 64, 96)
    last[..., :16, :16] = 1
    with torch.inference_mode():
        features = model.encode_image(torch.rand(1, 3, 64, 96))
        click = PromptBatch.of([[Click(9, 9)]])
        a, b = (looking.received(model, features, click, m) for m in (None, last))
    moved = (a - b).abs().amax(0) > 0
    assert a.shape == (64, 4, 6) and moved[0, 0] and not moved[2:, 2:].any()
    assert not model.dma._forward_pre_hooks
