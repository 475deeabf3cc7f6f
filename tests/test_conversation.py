"""An answer's mask and probability agree to the last pixel; parts that nobody asked for go."""

import numpy as np
import pytest

from vpuformer.conversation import LEFT_OUT, Round, Rounds, answered, joined, nth, reply
from vpuformer.errors import PromptError
from vpuformer.imaging import Frame
from vpuformer.prompts import Box, Click, Scribble

CLICKS = (Click(70, 40), Click(3, 90, positive=False))


@pytest.mark.parametrize("size", [(100, 130), (201, 150)])  # below and above twice the side
@pytest.mark.parametrize("threshold", [0.5, 0.49, 0.31])
@pytest.mark.parametrize("crop", [None, (2, 20, 120, 98)])
def test_the_mask_is_where_the_probability_is_above(size, threshold, crop):
    level, noise = np.log(threshold / (1 - threshold)), np.random.default_rng(0)
    logits = (level + noise.normal(0, 1e-7, (64, 64))).astype(np.float32)  # within rounding
    answer = answered((Round(CLICKS, Frame(size, 64, crop), logits),), threshold)
    assert 0.1 < answer.mask[20:98, 2:120].mean() < 0.9
    np.testing.assert_array_equal(answer.mask, answer.prob > threshold)
    assert answer.prob[40, 70] == 1 and answer.prob[90, 3] == 0  # row = y
    np.testing.assert_allclose(answer.prob[20:39, 2:120], threshold, atol=1e-6)


PARTS = {"left": np.s_[10:20, 5:15], "right": np.s_[10:20, 40:60], "below": np.s_[50:60, 30:40]}


def three_parts():
    logits = np.random.default_rng(0).uniform(-3, -1, (64, 64)).astype(np.float32)
    for part in PARTS.values():
        logits[part] *= -1
    return logits


@pytest.mark.parametrize(
    ("prompts", "kept"),
    [
        ([Click(10, 15)], ["left"]),
        ([Click(4.5, 9.5)], ["left"]),  # the first pixel that is on it
        ([Click(10, 15), Click(45, 12)], ["left", "right"]),
        ([Click(10, 15), Click(35, 55, positive=False)], ["left"]),
        ([Box.from_corners(-20, 8, 50, 30)], ["left", "right"]),  # also from outside the frame
        ([Scribble([(45, 15), (35, 52)])], ["right", "below"]),
        ([Click(30, 30)], list(PARTS)),  # nothing is reached: all stay
        ([Click(10, 15, positive=False)], list(PARTS)),
        ([], list(PARTS)),
    ],
)
def test_only_parts_that_something_positive_reaches_stay(prompts, kept):
    logits = three_parts()
    answer = joined(logits, prompts, None)
    for name, part in PARTS.items():
        expected = logits[part] if name in kept else LEFT_OUT
        np.testing.assert_array_equal(answer[part], expected, err_msg=name)
    outside = logits < 0
    np.testing.assert_array_equal(answer[outside], logits[outside])
    assert answer.dtype == np.float32


def test_what_the_start_mask_held_stays():
    start = np.zeros((64, 64), np.float32)
    start[58:, 36:] = 1
    answer = joined(three_parts(), [Click(10, 15)], start)
    assert [bool((answer[part] > 0).all()) for part in PARTS.values()] == [True, False, True]


def test_parts_that_touch_at_a_corner_are_one():
    logits = np.full((8, 8), -1, np.float32)
    logits[1:3, 1:3] = logits[3:5, 3:5] = logits[6, 6] = 1
    answer = joined(logits, [Click(1, 1)], None)
    assert (answer > 0).sum() == 8 and answer[6, 6] == LEFT_OUT


def test_an_empty_mask_stays_empty():
    logits = np.full((8, 8), -1, np.float32)
    np.testing.assert_array_equal(joined(logits, [Click(1, 1)], None), logits)


def test_a_new_round_takes_the_place_of_what_was_undone():
    frame = Frame((8, 8), 8)
    first, second, other = (Round((Click(i, i),), frame, np.zeros((8, 8))) for i in range(3))
    thing = Rounds()
    thing.push((first,))
    thing.push((first, second))
    thing.at = 1  # undone
    thing.push((first, other))
    assert thing.rounds[-1] is other and len(thing.history) == thing.at + 1 == 3


def test_prompts_are_counted_from_0_over_all_rounds():
    frame = Frame((8, 8), 8)
    clicks = [Click(i, i) for i in range(3)]
    rounds = tuple(Round(tuple(c), frame, np.zeros((8, 8))) for c in (clicks[:2], clicks[2:]))
    assert [nth(rounds, i) for i in range(3)] == clicks
    for index in (-1, 3):
        with pytest.raises(PromptError, match="there are 3"):
            nth(rounds, index)


def test_a_click_speaks_of_the_mask_before_it():
    frame, off = Frame((64, 64), 64), np.full((64, 64), -9, np.float32)
    before, maps = off.copy(), np.ones((2, 16, 16), np.float32)
    before[12:53, 12:53] = 9  # its edge is 20.5 pixels from the click
    rounds = (Round((Click(20, 20),), frame, before),)
    click = Click(32, 32, positive=False)
    (disc,) = reply(rounds, (click,), None, frame, off, maps).told
    assert disc.radius == pytest.approx(20.5, abs=1) and not disc.positive
    assert reply(rounds, (click,), None, frame, off, None).told == ()  # a head that stays
    assert reply(rounds, (Box(32, 32, 9, 9),), None, frame, off, maps).told == ()


def test_a_reply_keeps_what_prompts_or_the_start_reach():
    frame, logits = Frame((64, 64), 64), three_parts()
    start = np.zeros((64, 64), np.float32)
    start[PARTS["below"]] = 1
    rounds = (Round((Click(50, 15),), frame, logits),)  # right, said before
    for begun, kept in ((None, ["left", "right"]), (start, ["left", "right", "below"])):
        answer = reply(rounds, (Click(10, 15),), begun, frame, logits, None).logits
        assert [name for name, part in PARTS.items() if (answer[part] > 0).all()] == kept
        gone = [
            (answer[part] == LEFT_OUT).all() for name, part in PARTS.items() if name not in kept
        ]
        assert all(gone)
