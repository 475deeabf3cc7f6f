"""Where a photo is looked at anew when a second click corrects what a first one gave."""

import numpy as np
import pytest

from vpuformer.config import ZoomConfig
from vpuformer.conversation import Round
from vpuformer.imaging import Frame
from vpuformer.looking import APART, LEAST, anew, nearer, next_frame
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
        (turn(WRONG, mask=np.s_[:0]), (FIRST,), ZOOM),
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


def test_where_the_mask_is_wide_a_click_on_it_is_on_it():
    rounds = turn(FIRST, mask=np.s_[16:48, :])
    assert anew(rounds, (Click(10, 300, positive=False),), ZOOM)
    assert not anew(rounds, (Click(400, 20, positive=False),), ZOOM)


FAR = Click(700, 300)


@pytest.mark.parametrize(
    ("said", "prompts", "crop"),
    [
        ((FIRST,), (), (120, 90, 680, 510)),  # 400 x 300 pixels around (400, 300), times 1.4
        ((FIRST, WRONG), (WRONG,), (120, 90, 680, 510)),
        ((FIRST, Click(700, 20, positive=False)), (), (120, 90, 680, 510)),  # said before
        ((FIRST, FAR), (), (100, 90, 800, 510)),
        ((FIRST,), (FAR,), (100, 90, 800, 510)),
        ((FIRST,), (Click(700, 300, positive=False),), (100, 90, 800, 510)),
        ((FIRST,), (Box(790, 300, 100, 50),), (80, 90, 800, 510)),  # ends where the photo does
        ((FIRST,), (Box(400, 590, 50, 100),), (120, 60, 680, 600)),
    ],
)
def test_after_the_first_mask_a_crop_around_it_and_the_prompts(said, prompts, crop):
    assert next_frame(turn(*said), prompts, Frame(SIZE, 64), ZOOM) == Frame(SIZE, 64, crop)


def test_without_a_mask_the_whole_photo():
    whole = Frame(SIZE, 64)
    assert next_frame((), (FIRST,), whole, ZOOM) == whole
    assert next_frame(turn(FIRST, mask=np.s_[:0]), (), whole, ZOOM) == whole
    assert next_frame(turn(FIRST), (), whole, ZoomConfig(mode="none")) == whole


def test_a_crop_is_kept_while_it_is_near_the_wanted_one_and_holds_all():
    whole, kept = Frame(SIZE, 64), (200, 150, 600, 450)
    large, small = (turn(FIRST, mask=np.s_[a:b, a:b], crop=kept) for a, b in ((15, 49), (16, 48)))
    assert next_frame(large, (), whole, ZOOM).crop == kept  # an IoU of 0.55
    assert next_frame(small, (), whole, ZOOM).crop == (260, 195, 540, 405)  # of 0.49
    assert next_frame(large, (Click(640, 300),), whole, ZOOM).crop[2] > 640


def test_a_mask_from_side_to_side_is_looked_at_nearer():
    crops = nearer(*turn(FIRST, mask=np.s_[:, :]), ZOOM)
    assert crops == [(200, 100, 600, 500), (300, 200, 500, 400)]  # a half and a quarter of 800
    for prompt, mask in ((FIRST, np.s_[:, 10:20]), (FIRST, np.s_[:, :60]), (WRONG, np.s_[:, :])):
        assert nearer(*turn(prompt, mask=mask), ZOOM) == []
