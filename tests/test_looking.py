"""Where a photo is looked at anew when a second click corrects what a first one gave."""

import numpy as np
import pytest

from vpuformer.config import ZoomConfig
from vpuformer.conversation import Round
from vpuformer.imaging import Frame
from vpuformer.looking import APART, LEAST, anew
from vpuformer.prompts import Box, Click

SIZE, ZOOM = (600, 800), ZoomConfig()
FIRST, WRONG = Click(400, 300), Click(430, 340, positive=False)  # 50 pixels apart


def turn(*prompts, size=SIZE, mask=(slice(16, 48), slice(16, 48)), **frame):
    """A first round whose mask is a rectangle of a frame of 64 x 64; the photo's middle half."""
    logits = np.full((64, 64), -5, np.float32)
    logits[mask] = 5
    return (Round(prompts, Frame(size, 64, **frame), logits),)


def test_crops_lie_around_the_first_click():
    crops = anew(turn(FIRST), (WRONG,), ZOOM)
    sides = [(right - left, bottom - top) for left, top, right, bottom in crops]
    assert sides == [(400, 400), (200, 200), (100, 100)]  # a half, a quarter, an eighth of 800
    for left, top, right, bottom in crops:
        assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((400, 300), abs=1)


def test_the_fourth_is_as_wide_as_the_clicks_are_apart_times_eight():
    *_, (left, top, right, bottom) = anew(turn(FIRST), (Click(410, 300, positive=False),), ZOOM)
    assert right - left == bottom - top == 10 * APART


def test_the_same_crop_is_looked_at_once():
    assert len(anew(turn(FIRST), (WRONG,), ZOOM)) == 3  # 8 x 50 pixels are half of the photo
    assert len(anew(turn(FIRST), (Click(410, 300, positive=False),), ZOOM)) == 4


def test_crops_stay_in_the_photo_and_are_never_tiny():
    corner = Click(2, 3)
    rounds = turn(corner, mask=(slice(0, 16), slice(0, 16)))
    crops = anew(rounds, (Click(4, 3, positive=False),), ZOOM)
    assert all(left >= 0 and top >= 0 for left, top, _, _ in crops)
    small = anew(turn(Click(40, 30), size=(60, 80)), (Click(41, 30, positive=False),), ZOOM)
    assert min(right - left for left, _, right, _ in small) == LEAST


def test_clicks_far_apart_call_for_the_whole_photo():
    assert anew(turn(FIRST), (Click(560, 300, positive=False),), ZOOM)[-1] is None


def test_before_the_second_click_the_same_but_its_own():
    known = anew(turn(FIRST), (), ZOOM)
    other = Click(410, 300, positive=False)
    assert known == anew(turn(FIRST), (other,), ZOOM)[:3] and len(known) == 3


@pytest.mark.parametrize(
    ("rounds", "prompts", "zoom"),
    [
        ((), (FIRST,), ZOOM),  # a first click
        (turn(FIRST) * 2, (WRONG,), ZOOM),  # a third one
        (turn(FIRST), (Click(430, 340),), ZOOM),  # it says what the mask says
        (turn(FIRST), (Click(10, 10, positive=False),), ZOOM),
        (turn(FIRST), (WRONG, WRONG), ZOOM),
        (turn(FIRST, FIRST), (WRONG,), ZOOM),
        (turn(FIRST), (Box(430, 340, 20, 20, False),), ZOOM),
        (turn(Box(400, 300, 90, 90)), (WRONG,), ZOOM),
        (turn(WRONG), (FIRST,), ZOOM),  # nothing positive to look around
        (turn(FIRST), (WRONG,), ZoomConfig(mode="none")),
        (turn(FIRST), (WRONG,), ZoomConfig(mode="ritm")),
    ],
)
def test_nothing_else_is_looked_at_anew(rounds, prompts, zoom):
    assert anew(rounds, prompts, zoom) == []


def test_a_click_outside_the_crop_that_was_seen_is_outside_the_mask():
    rounds = turn(FIRST, crop=(300, 200, 500, 400))
    assert anew(rounds, (Click(600, 300),), ZOOM)
    assert not anew(rounds, (Click(600, 300, positive=False),), ZOOM)
