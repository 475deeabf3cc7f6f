import numpy as np
import pytest
from scipy import ndimage

pytest.importorskip("matplotlib")
pytest.importorskip("skimage")

import vpucourse as course
from vpucourse import calibration, slices
from vpuformer.prompts import Prediction


@pytest.mark.parametrize("make", [slices.em_like, slices.mr_like])
def test_a_slice_is_drawn_by_its_number_and_seed(make):
    picture, truth = make(3)
    assert picture.shape == (192, 256, 3) and picture.dtype == np.uint8
    assert truth.shape == (192, 256) and truth.dtype == bool and 0.005 < truth.mean() < 0.1
    again, same = make(3)
    assert (again == picture).all() and (same == truth).all()
    assert (make(4)[0] != picture).any() and (make(3, seed=1)[0] != picture).any()


def test_the_objects_differ_from_what_is_around_them():
    (cells, oval), (head, spot) = slices.em_like(0), slices.mr_like(0)
    assert cells[oval].mean() < cells[~oval].mean() - 20
    inside = head[..., 0] > 40
    assert head[spot].mean() > head[inside & ~spot].mean() + 10


def test_a_lesion_is_one_piece_of_a_brain_on_black_ground():
    for i in range(12):
        picture, spot = slices.mr_like(i)
        pieces = ndimage.label(spot)[1]
        smooth = ndimage.gaussian_filter(picture[..., 0].astype(float), 2)
        assert pieces == 1 and smooth[spot].min() > 40
        assert 0.3 < (smooth > 40).mean() < 0.5 and smooth[:8, :8].mean() < 20


def test_faded_keeps_the_mean_and_takes_contrast():
    picture, _ = slices.em_like(1)
    plain, half = slices.faded(picture, 1, noise=0), slices.faded(picture, 0.5, noise=0)
    assert np.abs(plain.astype(int) - picture).max() <= 1
    assert half.std() == pytest.approx(picture.std() / 2, rel=0.02)
    assert half.mean() == pytest.approx(picture.mean(), abs=1)
    noisy = slices.faded(picture, 0, noise=6)
    assert noisy.std() == pytest.approx(6, rel=0.05) and (noisy[..., 0] == noisy[..., 2]).all()


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
def test_farther_keeps_the_frame_and_shrinks_the_truth(scale):
    picture, truth = slices.em_like(2)
    small, mask = slices.farther(picture, truth, scale)
    assert small.shape == picture.shape and mask.shape == truth.shape
    assert mask.sum() == pytest.approx(truth.sum() * scale**2, rel=0.05)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def slow_ece(prob, truth):
    """Bin by bin and pixel by pixel."""
    found, pixels = 0.0, [*zip(np.ravel(prob).tolist(), np.ravel(truth).tolist(), strict=True)]
    for b in range(10):
        held = [(p, t) for p, t in pixels if min(int(p * 10), 9) == b]
        if held:
            gap = sum(t for _, t in held) / len(held) - sum(p for p, _ in held) / len(held)
            found += len(held) / len(pixels) * abs(gap)
    return found


def test_calibration_error_is_that_of_a_plain_loop(rng):
    prob = rng.random((13, 17))
    truth = rng.random((13, 17)) < prob**2
    assert calibration.ece(prob, truth) == pytest.approx(slow_ece(prob, truth), abs=1e-12)
    assert calibration.ece(prob, truth) > 0.05
    ends = np.linspace(0, 1, 11)
    assert calibration.ece(ends, ends > 0.5) == pytest.approx(slow_ece(ends, ends > 0.5))


def test_reliability_counts_every_pixel_once():
    count, mean, share = calibration.reliability([0.0, 0.05, 0.95, 1.0], [0, 1, 1, 1])
    assert count.tolist() == [2, *[0] * 8, 2]
    assert mean[[0, 9]] == pytest.approx([0.025, 0.975])
    assert share[[0, 9]].tolist() == [0.5, 1] and not mean[1:9].any()


def test_exercise_of_calibration(rng):
    given = {"prob": rng.random((7, 9)), "truth": rng.random((7, 9)) < 0.5}
    ex = course.checks.ex
    assert ex("12.B", slow_ece, **given) == "12.B: right."
    assert "expected" in ex("12.B", lambda prob, truth: 0.3, **given)
    unweighed = lambda p, t: np.abs(np.subtract(*calibration.reliability(p, t)[1:])).mean()  # noqa: E731
    assert "drawn" in ex("12.B", unweighed, **given)


def test_exercise_of_tricks_wants_a_win_and_a_loss():
    table = {"both": {"a": 0.6, "b": -0.2}, "small": {"a": 0.4, "b": -1.0}, "free": {"a": 0.7}}

    def ex(name):
        return course.checks.ex("12.E", lambda: name, trial=table.get)

    assert ex("both") == "12.E: right."
    assert "a +0.40, b -1.00. To beat on one kind: 0.5" in ex("small")
    assert "where does it lose" in ex("free")


class Painter:
    """Fills the rows down to each click, and counts what it was asked."""

    def __init__(self):
        self.asked = 0

    def set_image(self, image):
        self.prob = np.zeros(image.shape[:2], np.float32)

    def add(self, click):
        self.asked += 1
        self.prob = self.prob.copy()
        self.prob[: click.pixel[1] + 1] = 1
        return Prediction(self.prob)


def test_play_gives_clicks_and_answers_and_rests_when_nothing_is_wrong():
    truth, who = np.zeros((12, 20), bool), Painter()
    truth[:7] = True
    clicks, probs = course.play(who, np.zeros((12, 20, 3), np.uint8), truth, 6)
    assert len(probs) == 6 and 1 < len(clicks) == who.asked < 6
    assert all(click.positive for click in clicks)
    assert ((probs[-1] > 0.5) == truth).all() and (probs[0] != probs[-1]).any()
