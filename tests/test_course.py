import hashlib
import importlib.util
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from small import CONFIG
from torch.nn import functional as F

pytest.importorskip("matplotlib")
pytest.importorskip("skimage")
pytest.importorskip("IPython")

import vpucourse as course
from vpucourse import pictures
from vpucourse.curves import strip
from vpucourse.scenes import SceneSamples, scene
from vpuformer import losses
from vpuformer.data import folders
from vpuformer.drawing import palette
from vpuformer.errors import ConfigError
from vpuformer.experiments import Cell
from vpuformer.model import build, preset
from vpuformer.predictor import Predictor
from vpuformer.prompts import Box, Click, Prediction, Scribble
from vpuformer.pue import PromptBatch
from vpuformer.robot.mistakes import depth
from vpuformer.robot.next_prompt import next_click, next_scribble
from vpuformer.robot.policy import Turn
from vpuformer.training import recipes, sampling
from vpuformer.training.crops import cut_batch
from vpuformer.training.rounds import Rounds

ROOT = Path(__file__).resolve().parents[1]


class Grower:
    """A segmenter that knows the answer: round n finds n thirds of it."""

    def __init__(self, truth):
        self.truth, self.rounds = truth, 0

    def reset(self):
        self.rounds = 0

    def add(self, *prompts):
        self.rounds += 1
        found = np.cumsum(self.truth).reshape(self.truth.shape) <= self.truth.sum() * (
            self.rounds / 3
        )
        return Prediction((self.truth & found).astype(np.float32))


@pytest.fixture
def truth():
    mask = np.zeros((20, 30), bool)
    mask[4:16, 6:24] = True
    return mask


def test_the_reference_is_the_cup():
    image, cup = course.photo("coffee")
    assert image.shape == (400, 600, 3) and image.dtype == np.uint8
    assert cup.shape == (400, 600) and cup.dtype == bool
    inside = [(290, 150), (290, 25), (178, 110), (300, 230), (225, 270), (300, 280)]
    outside = [(365, 290), (415, 85), (130, 240), (430, 200), (290, 10), (300, 320)]
    assert all(cup[y, x] for x, y in inside)  # coffee, rim, rim, body, handle, foot
    assert not any(cup[y, x] for x, y in outside)  # spoon, its handle, saucer, table
    assert 0.2 < cup.mean() < 0.25
    assert len(course.CUP.split()) >= 40
    with pytest.raises(ConfigError, match='Expected "coffee"'):
        course.photo("tea")


def test_same_tells_exact_from_close_and_refuses_the_rest():
    equal = course.same(np.arange(3), torch.arange(3))
    assert equal.exact and equal.close and equal.difference == 0
    near = course.same([1.0, 2.0], [1.0, 2.0 + 1e-9])
    assert not near.exact and near.close and "exact no | close yes" in repr(near)
    with pytest.raises(AssertionError, match=r"largest difference 0\.1"):
        course.same([1.0], [1.1])
    with pytest.raises(AssertionError, match="shape"):
        course.same([1.0], [1.0, 1.0])


def test_scores_begin_afresh(truth):
    segmenter = Grower(truth)
    prompts = [Click(1, 1)] * 3
    first = course.scores(segmenter, prompts, truth)
    assert first == pytest.approx([1 / 3, 2 / 3, 1.0], abs=0.01)
    assert course.scores(segmenter, prompts, truth) == first


def not_done():
    raise NotImplementedError


def test_an_exercise_never_raises(truth):
    given = {"predictor": Grower(truth), "truth": truth}
    ex = course.checks.ex
    assert ex("00.B", not_done, **given) == "00.B: not done yet."
    assert ex("00.P", None, scores={}) == "00.P: not done yet."
    assert "ZeroDivisionError" in ex("00.B", lambda: 1 / 0, **given)
    assert "no such exercise" in ex("99.Z", None)


def test_exercises_know_right_from_wrong(truth):
    given = {"predictor": Grower(truth), "truth": truth}
    ex = course.checks.ex
    assert ex("00.B", lambda: [Click(1, 1)] * 3, **given) == "00.B: right."
    assert "IoU 0.667" in ex("00.B", lambda: [Click(1, 1)] * 2, **given)
    assert "got 4" in ex("00.B", lambda: [Click(1, 1)] * 4, **given)
    assert ex("00.E", lambda: [Click(1, 1)] * 3, **given, beat=4) == "00.E: right."
    assert "at most 2, got 3" in ex("00.E", lambda: [Click(1, 1)] * 3, **given, beat=3)
    two = {"centre": 0.5, "edge": 0.4}
    assert ex("00.P", "centre", scores=two) == "00.P: right."
    assert "centre 0.500, edge 0.400" in ex("00.P", "edge", scores=two)
    assert "Answer one of centre, edge" in ex("00.P", "middle", scores=two)


def test_shapes_are_those_of_a_run():
    model = build(preset("tiny")).eval()
    image = np.zeros((90, 60, 3), np.uint8)
    prompts = [Click(9, 9), Box(30, 40, 10, 12), Scribble([(1, 2), (50, 80)], positive=False)]
    sizes = course.shapes(model, image, prompts)
    assert sizes["image"] == (3, 128, 128) and sizes["logits"] == (1, 128, 128)
    assert sizes["vectors"] == (3, 258) and sizes["tokens"] == (3, 64)
    assert sizes["x4"][1:] == (32, 32) and sizes["places"] == (64,)
    assert not model.prompt_embedding._forward_hooks


def test_show_gives_a_picture_and_its_words(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: shown.append((a, k)))
    course.show(strip([np.zeros((4, 7, 3), np.uint8)], ["black"]), "A black picture.")
    ((data,), options), ((words,), _) = shown
    (kind,) = [name for name in data if name.startswith("image/")]
    assert options["metadata"][kind]["alt"] == data["text/plain"] == "A black picture."
    assert words.data == "*A black picture.*"


def test_the_clock_and_versions_are_tables():
    clock = course.Clock()
    clock("first")
    clock("second")
    clock("first")
    assert list(clock.laps) == ["first", "second"] and min(clock.laps.values()) >= 0
    assert [line.split()[0] for line in repr(clock).splitlines()] == ["first", "second", "all"]
    text = course.versions(build(preset("tiny")))
    assert "torch" in text and "cpu" in text and torch.__version__ in text


def test_the_toy_scene_is_three_coins_and_a_leaf():
    image, labels = course.toy()
    assert image.shape == (96, 128, 3) and image.dtype == np.uint8
    assert np.unique(labels).tolist() == [0, 1, 2, 3, 4]
    click, box, scribble = course.LEAF.values()
    assert labels[int(click.y), int(click.x)] == 4
    rows, columns = np.nonzero(labels == 4)
    assert box == Box.from_pixels(columns.min(), rows.min(), columns.max(), rows.max())
    assert all(labels[int(y), int(x)] == 4 for x, y in scribble.points)
    again, _ = course.toy()
    assert (again == image).all()


def test_show_keeps_the_figure(monkeypatch, tmp_path):
    import IPython.display

    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: None)
    course.show(strip([np.zeros((4, 7, 3), np.uint8)], ["a"]), "A.", keep=tmp_path / "x" / "a.png")
    assert (tmp_path / "x" / "a.png").stat().st_size > 100


def test_explore_draws_with_the_controls_values(monkeypatch):
    pytest.importorskip("ipywidgets")
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: shown.append(a[0]))
    drawn = []

    def draw(sigma, colour):
        drawn.append((sigma, colour))
        return strip([np.zeros((4, 7, 3), np.uint8)], ["a"])

    course.explore(draw, "A.", sigma=(1, 9), colour=False)
    line, widget = shown[0], next(w for w in shown if hasattr(w, "children"))
    assert "`sigma`" in line.data and [c.description for c in widget.children[:2]] == [
        "sigma",
        "colour",
    ]
    widget.update()
    assert drawn[-1] == (5, False)
    widget.close()  # not close_all: it would close what ipycanvas shares


@pytest.mark.parametrize("live", [False, True])
def test_a_control_is_promised_only_where_no_page_shows_it(monkeypatch, live):
    pytest.importorskip("ipywidgets")
    import IPython.display

    from vpuwidget import cells

    parent = {"metadata": {"cellId": "a"}, "header": {"msg_id": "1"}} if live else {}
    page = type("Page", (), {"get_parent": lambda self: parent})()
    monkeypatch.setattr(cells, "get_ipython", lambda: page)
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: shown.append(a[0]))
    figure = strip([np.zeros((4, 7, 3), np.uint8)], ["a"])
    course.explore(lambda sigma: figure, "A.", sigma=(1, 9))
    widget = next(w for w in shown if hasattr(w, "children"))
    words = [one.data for one in shown if "appear here" in getattr(one, "data", "")]
    assert words == ([] if live else ["*Run it yourself, and controls for `sigma` appear here.*"])
    widget.close()


def with_cut(d, sigma, cut):
    d = np.array(d, float)
    bell = np.exp(-(d**2) / (2 * sigma**2))
    return bell if cut is None else np.where(d <= cut * sigma, bell, 0)


def test_exercises_of_the_click():
    ex = course.checks.ex
    assert ex("02.P", (7, 19)) == "02.P: right."
    assert "at most 3" in ex("02.P", (19, 7))
    assert ex("02.B", with_cut) == "02.B: right."
    assert "at distance 4" in ex("02.B", lambda d, s, c: with_cut(d, s, None if c == 1 else c))
    beat = course.clicks.read_out_error(course.clicks.our_bump)
    assert ex("02.E", lambda d: np.clip(1 - d / 16, 0, None), beat=beat) == "02.E: right."
    assert "to beat" in ex("02.E", course.clicks.our_bump, beat=beat)
    assert "at most 40" in ex("02.E", lambda d: np.exp(-(d**2) / 200), beat=beat)
    assert "distance 0 must be 1" in ex("02.E", lambda d: 0 * d, beat=beat)


def test_exercises_of_box_and_scribble():
    ex = course.checks.ex
    assert ex("03.P", "entries") == "03.P: right."
    assert "W + H + 2" in ex("03.P", "both") and "Answer one of" in ex("03.P", "none")

    def box(x0, w, length, reach=2.0):
        d = np.abs(np.arange(length) - x0)
        s = max(w / 6, 1)
        return np.where(d <= max(w / reach, 0.5), np.exp(-(d**2) / (2 * s * s)), 0)

    assert ex("03.B", box) == "03.B: right."
    assert "outside the box" in ex("03.B", lambda x, w, n: box(x, w, n, 1.0))
    assert "off by" in ex("03.B", lambda x, w, n: 0.5 * box(x, w, n))
    assert "w_0 = 0.4: off by" in ex("03.B", lambda x, w, n: (w >= 1) * box(x, w, n))
    corner = ((20, 80), (21, 16), (100, 15))
    far = Scribble((*corner, (99.5, 79.5), (20.2, 80)))
    near = Scribble((*corner, (34.5, 28.5), (20.2, 80)))
    assert ex("03.E", lambda: (far, near)) == "03.E: right."
    assert "wanted < 0.3" in ex("03.E", lambda: (far, far))
    assert "differ" in ex("03.E", lambda: (far, far.moved(3, 0)))


def test_a_stroke_by_a_few_of_its_points():
    bent = Scribble(((0, 0), (6, 0), (6, 2)), positive=False)
    assert course.strokes.discrete(bent) is bent
    assert course.strokes.discrete(bent, 3) == Scribble(((0, 0), (4, 0), (6, 2)), positive=False)


def test_a_page_shows_pool_choice_and_vectors():
    page = course.strokes.page([(2, 0), (1, 1)], [(1, 1)], np.arange(4) / 4, np.arange(3) / 3)
    assert page.shape == (5, 6) and page[0, 2] == 0.45 and page[1, 1] == 1
    assert np.isnan(page[3]).all() and np.isnan(page[:, 4]).all()
    assert (page[4, :4] == np.arange(4) / 4).all() and (page[:3, 5] == np.arange(3) / 3).all()


def click_by_hand(gt, pred, tie=False):
    if (gt == pred).all():
        return None
    fields = [depth(gt & ~pred), depth(pred & ~gt)]
    positive = bool(
        fields[0].max() >= fields[1].max() if tie else fields[0].max() > fields[1].max()
    )
    field = fields[0] if positive else fields[1]
    y, x = np.unravel_index(field.argmax(), field.shape)
    return int(x), int(y), positive


def test_exercises_of_the_robot():
    ex = course.checks.ex
    assert ex("01.P", (3, 20)) == "01.P: right."
    assert "first round" in ex("01.P", (4, 20))
    assert ex("01.B", click_by_hand) == "01.B: right."
    assert "Equal depths" in ex("01.B", lambda a, b: click_by_hand(a, b, tie=True))
    assert "perfect mask" in ex("01.B", lambda a, b: click_by_hand(a, b) or (0, 0, False))
    given = {"beat": 5.0, "target": 0.9, "count": 3}
    rng = np.random.default_rng(0)
    stroke = lambda gt, pred, _: next_scribble(gt, pred, rng=rng)  # noqa: E731
    assert ex("01.E", stroke, **given) == "01.E: right."
    assert "to beat: 1.00" in ex("01.E", stroke, **{**given, "beat": 1.0})


def test_the_reference_robot_is_asked_too(monkeypatch, tmp_path):
    found = course.robots.golden()
    assert len(found) == 208 and sum(click is None for *_, click in found) == 2
    assert all(click_by_hand(gt, pred) == click for gt, pred, click in found)
    monkeypatch.setattr(course.robots, "truths", lambda count: [])
    blind = lambda gt, pred: (9, 4, False) if (gt != pred).any() else None  # noqa: E731
    assert "expected" in course.checks.ex("01.B", blind)
    monkeypatch.setattr(course.robots, "GOLDEN", tmp_path / "none.npz")
    assert course.checks.ex("01.B", blind) == "01.B: right."


def test_a_scoreboard_counts_rounds_and_lost_games():
    turns = [Turn(Click(0, 0), 0.5), Turn(Click(1, 1), 0.92)]
    games = {"quick": [turns, turns], "slow": [turns, turns[:1]]}
    figure = course.robots.scoreboard(games, (0.5, 0.9))
    said = [[text.get_text().strip() for text in ax.texts] for ax in figure.axes]
    assert said == [["1.0", "1.0"], ["2.0", "11.0"], ["0", "0"], ["0", "1"]]


def test_a_game_ends_when_nothing_is_wrong(truth):
    game = course.robots.play(truth, lambda gt, pred, _: next_click(gt, pred))
    assert game[-1].iou == 1 and len(game) < 20
    assert [turn.iou for turn in game] == sorted(turn.iou for turn in game)
    assert len(course.robots.play(truth, lambda *_: Click(29, 19), rounds=4)) == 4
    oval = course.robots.answer(truth, np.zeros_like(truth), Box(15, 10, 18, 12))
    assert oval[10, 15] and not oval[4, 6] and 0.75 < oval.sum() / (18 * 12) < 0.85


def test_exercises_of_attention():
    ex = course.checks.ex
    assert ex("05.P", "equal") == "05.P: right." and "Equal queries" in ex("05.P", "shared")

    def attend(q, k, v, scale=8**0.5):
        return (q @ k.T / scale).softmax(-1) @ v

    assert ex("05.B", attend) == "05.B: right."
    assert "Off by" in ex("05.B", lambda q, k, v: attend(q, k, v, 1.0))
    tokens = torch.linspace(0, 1, 120).reshape(1, 40, 3)
    given = {"tokens": tokens, "trial": lambda phi: 3.5, "beat": 4.0}
    assert ex("05.E", lambda f: f.amax(-1).sigmoid(), **given) == "05.E: right."
    assert "one a place" in ex("05.E", lambda f: 2 * f.amax(-1), **given)
    assert "one a place" in ex("05.E", lambda f: f.sigmoid(), **given)
    assert "depend on the tokens" in ex("05.E", lambda f: 0 * f[..., 0] + 0.5, **given)
    assert "NoC@90 3.50, to beat: 3.00" in ex("05.E", lambda f: f[..., 0], **given | {"beat": 3.0})


def test_owners_are_blue_white_or_vermillion():
    picture = course.attending.owners(np.array([[1.0, 0.5, 0.0]]))
    assert picture[0, 0].tolist() == list(palette.rgb(palette.POSITIVE))
    assert picture[0, 1].tolist() == [255, 255, 255]
    assert picture[0, 2].tolist() == list(palette.rgb(palette.NEGATIVE))


def test_histograms_hold_every_value():
    values = {"channel": np.array([0.0, 0.1, 0.1, 1.0]), "pixel": np.full(10, 0.5)}
    figure = course.attending.histograms({"before": values, "after": values}, "finding")
    assert len(figure.axes) == 4
    for ax in figure.axes:
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)


def test_dma_states_come_from_a_run():
    model = build(preset("tiny")).eval()
    found = course.attending.states(model, np.zeros((90, 60, 3), np.uint8), [Click(9, 9)])
    assert len(found) == 3 and found[0].pixels.shape == (1, 64, 64)
    assert not model.dma._forward_hooks


def test_a_log_and_a_stored_result_are_read(tmp_path, monkeypatch):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step": 2}\n', "utf-8")
    assert course.logged(tmp_path) == [{"step": 1}, {"step": 2}]
    assert course.stored("no_such.json") == {}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mine.json").write_text('{"a": 1}', "utf-8")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert course.stored("mine.json") == {"a": 1}
    assert set(course.stored("toy_seeds.json")["runs"]) >= {"0"}


def test_long_lines_are_folded_between_words():
    text = ", ".join(f'"key_{i}": {i}' for i in range(60))
    lines = course.folded(text).splitlines()
    assert " ".join(lines) == text and len(lines) > 5 and max(map(len, lines)) <= 96
    short = course.folded(text, 2).splitlines()
    assert len(short) == 2 and short[0] == lines[0] and short[1].endswith(" ...")


def test_pictures_and_labels_are_laid_out(tmp_path):
    picture, truth = course.slices.mr_like(1)
    folder = course.slices.lay_out({"a": (picture, truth.astype(np.uint8))}, tmp_path / "new")
    (pair,) = folders.check_folders(folder / "images", folder / "masks")
    read, labels = pair.read()
    assert (read == picture).all() and (labels == truth).all()


def test_a_logged_number_becomes_means_of_equal_pieces():
    rows = [{"a": float(k)} for k in range(6)]
    assert course.means(rows, "a", 3) == [0.5, 2.5, 4.5]
    assert course.means(rows[:2], "a") == [0.0, 1.0]


def test_the_examination_is_the_largest_object_of_each_scene():
    found = course.examination(2)
    assert [sample.key[1] for sample in found] == ["000", "001"]
    for i, sample in enumerate(found):
        picture, labels = scene(1_000_000 + i)
        assert (sample.image == picture).all() and sample.gt.sum() == max(
            (labels == k).sum() for k in range(1, labels.max() + 1)
        )


class Knower:
    def set_image(self, image, mask=None):
        self.truth = next(s.gt for s in self.samples if s.image is image)

    def reset(self):
        pass

    def add(self, *prompts):
        self.count = getattr(self, "count", 0) + 1
        return Prediction(self.truth.astype(np.float32) if self.count % 2 == 0 else 0 * self.truth)


def test_examine_plays_the_robots_games():
    segmenter = Knower()
    segmenter.samples = course.examination(2)
    found = course.examine(segmenter, segmenter.samples, rounds=4)
    assert found["NoC@85"] == found["NoC@90"] == 2
    assert (found["IoU@1"], found["IoU@2"], found["IoU@5"]) == (0, 1, 1)


def test_a_chart_and_a_table_say_what_they_are_given(monkeypatch):
    shown = []
    monkeypatch.setattr(pictures, "show", lambda figure, alt: shown.append((figure, alt)))
    course.chart("Up.", {"a": [0, 1]}, ["few", "many"], "It rises", xlabel="n", ylabel="v")
    ((figure, alt),) = shown
    assert alt == "Up." and [t.get_text() for t in figure.axes[0].get_xticklabels()] == [
        "few",
        "many",
    ]
    table = course.table([[0.25, 1.0]], ["row"], ["x", "y"], "Numbers")
    assert [t.get_text() for t in table.axes[0].texts] == ["0.25", "1.00"]


def test_exercises_of_features_and_masks():
    ex = course.checks.ex
    assert ex("04.P", "mlps") == "04.P: right." and "8 D²" in ex("04.P", "attention")
    assert ex("06.P", (0.5, 0.69)) == "06.P: right." and "cosine is 0" in ex("06.P", (0, 1.0))
    assert ex("06.P", [0.5, 0.69]) == "06.P: right."
    x = torch.linspace(0.1, 2, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()
    given = {"package": lambda v: (v**2).mean(), "given": (x,)}
    assert ex("06.B", lambda v: (v**2).mean(), **given) == "06.B: right."
    assert "shape ()" in ex("06.B", lambda v: v**2, **given)
    assert "Off by" in ex("06.B", lambda v: (v**2).sum(), **given)
    half_detached = lambda v: (v * v.detach()).mean()  # noqa: E731
    assert "gradient is off" in ex("06.B", half_detached, **given)
    cheaper = {"trial": lambda make: make(), "beat": 0.02}
    assert ex("04.E", lambda: 0.01, **cheaper) == "04.E: right."
    assert "1.000, to beat: 0.020" in ex("04.E", lambda: 1.0, **cheaper)
    assert ex("06.E", 3, trial=lambda n: n / 10, beat=0.4) == "06.E: right."
    assert "0.300, to beat: 0.200" in ex("06.E", 3, trial=lambda n: n / 10, beat=0.2)


def given_in(notebook, first):
    """What the cell of an exercise gives, from the line that begins so to the one of `given`."""
    text = (ROOT / "notebooks" / "src" / notebook).read_text("utf-8")
    (lines,) = re.findall(rf"^{first} = .*?^given = .*?$", text, re.M | re.S)
    names = {"torch": torch, "Y_row": torch.tensor([[[[1.0, 1, 0]]]], dtype=torch.float64)}
    exec(lines, names)
    return names["given"]


@pytest.mark.parametrize("folder", ["", "solutions/"])
def test_a_batch_of_one_hides_no_scrambled_patches(folder):
    given = given_in(f"{folder}04_encoders_and_mask.py", "shapes")

    def patches(x, weight, bias, order=(0, 2, 4, 1, 3, 5)):
        b, _, h, w = (n // k for n, k in zip(x.shape, (1, 1, 4, 4), strict=True))
        rows = x.reshape(b, 3, h, 4, w, 4).permute(order).reshape(b, h * w, 48)
        return (rows @ weight.flatten(1).T + bias).transpose(1, 2).reshape(b, -1, h, w)

    package = lambda x, weight, bias: F.conv2d(x, weight, bias, stride=4)  # noqa: E731
    check = {"package": package, "given": given}
    assert course.checks.ex("04.B", patches, **check) == "04.B: right."
    scrambled = partial(patches, order=(2, 4, 0, 1, 3, 5))
    assert scrambled(given[0][:1], *given[1:]).equal(patches(given[0][:1], *given[1:]))
    assert "Off by" in course.checks.ex("04.B", scrambled, **check)


@pytest.mark.parametrize(("folder", "first"), [("", "uneven"), ("solutions/", "rho")])
def test_a_negative_prompt_counts_in_the_loss_by_hand(folder, first):
    given = given_in(f"{folder}06_features_to_mask.py", first)
    batch = PromptBatch.of([[Click(0, 0), Click(2, 0, positive=False)]])

    def by_hand(rho, mask, positive):
        labels = torch.where(positive[:, None, None], mask, 1 - mask)
        return -(labels * rho.log() + (1 - labels) * (1 - rho).log()).mean()

    package = lambda rho, mask, _: losses.p2cl(rho[None], batch, mask[None, None])[0]  # noqa: E731
    check = {"package": package, "given": given}
    assert course.checks.ex("06.B", by_hand, **check) == "06.B: right."
    deaf = lambda rho, mask, positive: by_hand(rho[positive], mask, positive[positive])  # noqa: E731
    assert "Off by" in course.checks.ex("06.B", deaf, **check)
    first_alone = lambda rho, mask, positive: by_hand(rho[:1], mask, positive[:1])  # noqa: E731
    assert "Off by" in course.checks.ex("06.B", first_alone, **check)
    signless = lambda rho, mask, positive: by_hand(rho, mask, positive | True)  # noqa: E731
    assert "Off by" in course.checks.ex("06.B", signless, **check)


def test_the_excess_follows_the_mirror():
    truth = torch.zeros(1, 1, 4, 6)
    truth[0, 0, 0, :2] = 1
    picture, lists = np.zeros((4, 6, 3), np.uint8), [[Click(1, 0)]]
    picture[0, :2] = 255

    def one_too_many(net, seen, size, at):
        assert seen[int(at[0][0].y), int(at[0][0].x)].all()  # the click is still on the object
        logits = torch.tensor(seen[None, None, :, :, 0].astype(np.float32)) - 1
        logits[0, 0, 2, 3] = 1
        return type("Answer", (), {"logits": logits})

    assert course.excess(one_too_many, None, picture, truth, lists) == pytest.approx(100 / 24)


def two_rounds(model, features, target, valid, chance):
    prompts = sampling.first_prompts(target, valid, chance, (6.0, 2.0, 2.0))
    prob = model.decode(features, prompts, torch.zeros_like(target)).logits.sigmoid()
    error = sampling.find_error(target, prob.detach(), valid)
    prompts = prompts.append(sampling.simulate(error, chance[:, 3], (6.0, 2.0, 2.0)))
    return model.decode(features, prompts, prob.detach()).logits.sigmoid()


def test_exercises_of_training():
    ex = course.checks.ex
    assert ex("07.P", "IoU@5", best="IoU@5") == "07.P: right."
    assert "otherwise" in ex("07.P", "IoU@1", best="IoU@5")
    recipe = replace(recipes.tiny(1), drop_prev=0.0)
    recipe = replace(recipe, crops=((0.0, 64),))
    image, target, valid = cut_batch(SceneSamples((56, 72)), recipe, 0, [0, 1], "cpu")
    rest = target, valid, sampling.uniforms(0, 0, [0, 1], 5, "cpu")
    model = build(CONFIG)
    wanted = float(Rounds(model, recipe)(image, *rest, torch.ones(2))[1]["iou2"])
    given = {"given": (model, model.encode_image(image / 255), *rest), "wanted": wanted}
    assert "graph" in ex("07.B", two_rounds, **given)
    assert ex("07.B", torch.no_grad()(two_rounds), **given) == "07.B: right."
    assert "expected" in ex("07.B", lambda *_: target, **given)
    lower = {"trial": len, "beat": 2}
    assert ex("07.E", [1], **lower) == ex("07.E", (1,), **lower) == "07.E: right."
    assert "to beat: 2.000" in ex("07.E", [1, 2, 3], **lower)


def test_exercises_of_the_ablations():
    ex = course.checks.ex
    assert ex("09.P", 0, best=0) == "09.P: right." and "otherwise" in ex("09.P", 3, best=0)
    seen = []

    def run(toy, folder, **more):
        seen.append(Path(folder).is_dir())
        return Cell({"cut": 1.0, **more}, toy, {})

    assert ex("09.B", run, toy="x") == "09.B: right." and seen == [True]
    wrong = {
        "visual is 'product', expected 'none'": {"visual": "product", "cut": 1.0},
        "cut is 3.0, expected 1.0": {},
        "not ['lam']": {"cut": 1.0, "lam": 0.0},
    }
    for said, changes in wrong.items():
        assert said in ex("09.B", lambda *_, c=changes, **more: Cell(c | more, "", {}), toy="x")
    assert "steps is 120" in ex("09.B", lambda *_, **__: Cell({"cut": 1.0}, "", {}), toy="x")
    assert "failed: E" in ex("09.B", lambda *_, **__: Cell({}, "", {}, "E"), toy="x")
    worst = {"trial": lambda make: max(make()), "beat": 7.0}
    assert ex("09.E", lambda: [6.0, 6.9], **worst) == "09.E: right."
    assert "not yet" in ex("09.E", lambda: [6.0, 7.5], **worst)


def test_exercises_of_real_data():
    ex = course.checks.ex
    best = {"best": (8, "RITM")}
    assert ex("08.P", (8, "RITM"), **best) == "08.P: right."
    assert "otherwise" in ex("08.P", (8, "FCFI"), **best)
    off = {"trial": lambda by_hand: abs(by_hand([0.5, 0.95]) - 2.0), "beat": 1e-3}
    assert ex("08.B", lambda ious: 1 + (np.array(ious) >= 0.9).argmax(), **off) == "08.B: right."
    assert "1.000, to beat" in ex("08.B", lambda ious: 1, **off)
    assert ex("08.E", not_done, trial=lambda make: make(), beat=1) == "08.E: not done yet."


def test_exercises_of_your_own_folder():
    ex = course.checks.ex
    assert ex("11.P", 4, best=4) == "11.P: right." and "otherwise" in ex("11.P", 8, best=4)

    def by_series(names, share):
        series = sorted({name.rsplit("_", 1)[0] for name in names})
        held = set(series[: round(share * len(series))])
        return [[n for n in names if (n.rsplit("_", 1)[0] in held) == k] for k in (0, 1)]

    assert ex("11.B", by_series) == "11.B: right."
    assert "Held out: 12 of 24" in ex("11.B", lambda names, _: by_series(names, 0.5))
    assert "['head01', 'head02'" in ex("11.B", lambda names, _: (names[6:], names[:6]))
    last = lambda names, share: np.split(np.sort(names), [round(len(names) * (1 - share))])  # noqa: E731
    assert "Series in both lists: ['knee09']" in ex("11.B", last)
    by_letter = lambda names, _: [[n for n in names if (n[0] == "h") == k] for k in (0, 1)]  # noqa: E731
    assert "Held out: 12 of 24" in ex("11.B", by_letter)
    assert "[]" in ex("11.B", lambda names, _: ([n for n in names if n[0] > "c"], ["a_0"]))
    assert ex("11.E", 1, trial=lambda x: x, beat=2) == "11.E: right."


def test_the_papers_tables_hold_what_was_counted_in_them():
    lines = (ROOT / "results" / "paper_tables.csv").read_text("utf-8").splitlines()[1:]
    rows = [line.split(",") for line in lines]
    ours = [row for row in rows if row[2] == "VPUFormer"]
    lost = cells = 0
    for number, backbone, _, *mine in ours:
        rivals = [r[3:] for r in rows if r[:2] == [number, backbone] and r[2] != "VPUFormer"]
        for others, value in zip(zip(*rivals, strict=True), mine, strict=True):
            found = [float(other) for other in others if other]
            cells += bool(found)
            lost += bool(found) and min(found) < float(value)
    assert (len(rows), len(ours), cells, lost) == (23, 5, 39, 8)


class Talk:
    def __init__(self, predictor):
        self.predictor, self.past = predictor, []

    def add(self, prompt):
        self.past.append(self.predictor.rounds)
        self.predictor.add(prompt)

    def undo(self):
        self.predictor.resume(self.past.pop())


class Asking(Talk):
    def undo(self):
        prompts = [p for turn in self.past.pop() for p in turn.prompts]
        self.predictor.reset()
        for prompt in prompts:
            self.predictor.add(prompt)


class Deaf(Talk):
    def undo(self):
        pass


@pytest.mark.skipif(not hasattr(Predictor, "resume"), reason="the widget's package is not here")
def test_exercises_of_live_prompting():
    ex = course.checks.ex
    predictor = Predictor(build(preset("tiny")).eval(), precision="float32")
    predictor.set_image(np.zeros((310, 300, 3), np.uint8))
    assert ex("10.B", Talk, predictor=predictor) == "10.B: right."
    assert "asked the model again" in ex("10.B", Asking, predictor=predictor)
    assert "has 2 rounds" in ex("10.B", Deaf, predictor=predictor)
    assert "decode" not in vars(predictor.model)
    assert ex("10.P", "box", best="box") == "10.P: right."
    assert "to beat: 3.000" in ex("10.E", 4, trial=lambda x: x, beat=3)


def test_a_cable_is_thin_and_drawn_from_its_number():
    picture, mask = course.prompting.wire(3, 4)
    assert picture.shape == (192, 256, 3) and mask.shape == (192, 256)
    columns = mask[:, 30:220].sum(0)
    assert 3 <= np.median(columns) <= 9 and columns.min() >= 2
    assert (course.prompting.wire(3, 4)[0] == picture).all()
    assert (course.prompting.wire(4, 4)[1] != mask).any()


def test_bars_have_a_panel_for_each_quantity():
    figure = course.bars({"weights": [1, 2], "seconds": [3, 4]}, ["a", "b"], "Two", "b")
    assert [ax.get_xlabel() for ax in figure.axes] == ["weights", "seconds"]
    widths = [[bar.get_width() for bar in ax.patches] for ax in figure.axes]
    assert widths == [[1, 2], [3, 4]]
    assert figure.axes[0].patches[0].get_facecolor() != figure.axes[0].patches[1].get_facecolor()


def test_mastheads_lead_from_page_to_page():
    pages = sorted((ROOT / "notebooks" / "src").glob("[01]*.py"))
    assert [page.name[:2] for page in pages] == [f"{n:02d}" for n in range(13)]
    for before, page, after in zip([None, *pages], pages, [*pages[1:], None], strict=False):
        told = re.findall(r"^# \[(\d\d)\]: (.+)\.ipynb$", page.read_text("utf-8"), re.M)
        assert told == [(near.name[:2], near.stem) for near in (before, after) if near]
        for number, _ in told:
            assert re.search(rf'\| before, after \|.*"\]\[{number}\]', page.read_text("utf-8"))


def test_the_seeds_run_what_notebook_07_runs():
    spec = importlib.util.spec_from_file_location("seeds", ROOT / "docs" / "toy_seeds.py")
    seeds = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seeds)
    text = (ROOT / "notebooks" / "src" / "07_train_from_nothing.py").read_text("utf-8")
    side = seeds.CROPS[-1][1]
    recipe = seeds.recipes.tiny(seeds.STEPS)
    for name, value in (("steps", seeds.STEPS), ("batch", recipe.batch_size), ("size", side)):
        assert re.search(rf"^{name} = {value}  #", text, re.M)
    assert f"\nstop, every, examined, run_dir = {seeds.STOP}, 100, {seeds.SCENES}, " in text
    assert "((0.0, size // 2), (0.4, size * 3 // 4), (0.7, size))\n" in text
    assert ((0.0, side // 2), (0.4, side * 3 // 4), (0.7, side)) == seeds.CROPS
    theirs, ours = seeds.examination(2), course.examination(2)
    assert all((a.gt == b.gt).all() for a, b in zip(theirs, ours, strict=True))
    if seeds.RESULT.exists():
        found = json.loads(seeds.RESULT.read_text("utf-8"))
        digest = hashlib.sha256((ROOT / "docs" / "toy_seeds.py").read_bytes()).hexdigest()
        assert found["source_sha256"] == digest, "Run: python docs/toy_seeds.py"
        assert (found["steps"], found["n_scenes"]) == (seeds.STOP, seeds.SCENES)
        assert all(1 <= run["NoC@85"] <= 20 for run in found["runs"].values())


def test_checkers_show_through_what_is_cut_away():
    mask = np.zeros((60, 90), bool)
    mask[15:30, 30:60] = True  # row = y
    rgba = np.dstack([np.full((60, 90, 3), 200, np.uint8), mask.astype(np.uint8) * 255])
    out = course.on_checkers(rgba)
    assert (out[20, 40] == 200).all()
    assert {tuple(out[50, 4]), tuple(out[50, 12])} == {palette.rgb(c) for c in palette.CHECKERS}
