import numpy as np
import pytest

from vpuformer.errors import ConfigError
from vpuformer.prompts import Box, Click, Scribble, kind_of
from vpuformer.robot.policy import POLICIES, Policy, Turn


@pytest.fixture
def gt():
    mask = np.zeros((30, 50), bool)
    mask[5:25, 8:40] = True
    return mask


def turns(*ious):
    return [Turn(Click(i, 0), iou) for i, iou in enumerate(ious)]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", POLICIES)
def test_stops_when_nothing_is_wrong(name, gt):
    assert Policy(name)(gt, gt, [], rng()) is None
    assert Policy(name)(gt, ~gt, [], rng(), ignore=np.ones_like(gt)) is None


@pytest.mark.parametrize("name", ["click", "box", "scribble"])
def test_one_kind_throughout(name, gt):
    for history in ([], turns(0.2), turns(0.2, 0.95)):
        prompt = Policy(name)(gt, np.zeros_like(gt), history, rng())
        assert prompt is not None and kind_of(prompt) == name


@pytest.mark.parametrize(
    ("ious", "switches"),
    [
        ((), False),
        ((0.84,), True),  # below theta
        ((0.85,), False),  # at theta, and it rose from 0
        ((0.80, 0.90), False),
        ((0.86, 0.915), False),  # rose by a little more than the gain
        ((0.87, 0.90), True),  # rose by less than the gain
        ((0.90, 0.80), True),
    ],
)
def test_the_mixed_rule(ious, switches):
    kinds = {n: Policy(n).kind(turns(*ious), rng()) for n in ("click+box", "click+scribble")}
    expected = ("box", "scribble") if switches else ("click", "click")
    assert (kinds["click+box"], kinds["click+scribble"]) == expected
    drawn = {Policy("all").kind(turns(*ious), rng(seed)) for seed in range(20)}
    assert drawn == ({"box", "scribble"} if switches else {"click"})


def test_the_rule_can_be_moved():
    assert Policy("click+box", theta=0.5, gain=0.01).kind(turns(0.55, 0.57), rng()) == "click"


def test_a_rise_of_just_the_gain_is_enough():
    policy = Policy("click+box", theta=0.5, gain=0.25)
    assert policy.kind(turns(0.5, 0.75), rng()) == "click"
    assert policy.kind(turns(0.5, 0.74), rng()) == "box"


@pytest.mark.parametrize("name", ["click", "box", "scribble"])
def test_no_prompt_points_at_what_is_ignored(name):
    gt, ignore = np.zeros((2, 30, 50), bool)
    gt[2:6, 3:9] = gt[10:28, 15:45] = True
    ignore[8:] = True  # the larger piece
    prompt = Policy(name)(gt, np.zeros_like(gt), [], rng(), ignore=ignore)
    assert prompt is not None
    x0, y0, x1, y1 = prompt.bounds
    assert 2.5 <= x0 <= x1 <= 8.5 and 1.5 <= y0 <= y1 <= 5.5


def test_prompts_of_a_mixed_run_and_used_pixels(gt):
    empty, history = np.zeros_like(gt), turns(0.1)
    assert isinstance(Policy("click+box")(gt, empty, history, rng()), Box)
    assert isinstance(Policy("click+scribble")(gt, empty, history, rng()), Scribble)
    first = Policy("click")(gt, empty, [], rng())
    assert first is not None
    assert Policy("click")(gt, empty, [Turn(first, 0.1)], rng()) != first


@pytest.mark.parametrize("name", ["click+box", "box"])
def test_the_same_box_is_not_said_twice_beside_clicks(name, gt):
    pred = gt.copy()
    pred[:, 30:] = False
    box = Policy(name)(gt, pred, turns(0.1), rng())
    again = Policy(name)(gt, pred, [*turns(0.1), Turn(box, 0.1)], rng())
    assert isinstance(box, Box) and isinstance(again, Click if name == "click+box" else Box)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ConfigError, match="expected one of 'click', 'box'"):
        Policy("lasso")  # pyright: ignore[reportArgumentType]
