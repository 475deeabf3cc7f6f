"""A click speaks for the answer whose mistake it would be in the middle of."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from vpuformer import hindsight
from vpuformer.conversation import Round
from vpuformer.hindsight import SHARP, likeliest
from vpuformer.imaging import Frame
from vpuformer.prompts import Box, Click

SIDE = 64
FIRST = Click(20, 32)


def turn(mask, click, scale=1):
    """A round that answered a click with a mask bool `[64, 64]` of the whole photo."""
    frame = Frame((SIDE * scale, SIDE * scale), SIDE)
    return Round((click,), frame, np.where(mask, 9, -9).astype(np.float32))


def block(left, right, top=16, bottom=48):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, left:right] = True
    return mask


def chosen(guesses, shown, click, scale=1):
    rounds = (turn(shown, FIRST, scale),)
    answers = [turn(guess, click, scale) for guess in guesses]
    picked = likeliest(rounds, answers, 0.5)
    return next(i for i, answer in enumerate(answers) if answer is picked)


SHOWN = block(8, 56)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (50, 0),  # the middle of what the first guess takes away
        (42, 1),  # of the second
        (34, 2),
    ],
)
def test_a_negative_click_in_the_middle_of_what_a_guess_takes_away(x, expected):
    guesses = [block(8, 44), block(8, 28), block(8, 12)]
    assert chosen(guesses, SHOWN, Click(x, 32, positive=False)) == expected


def test_a_positive_click_in_the_middle_of_what_a_guess_adds():
    shown = block(8, 20)
    guesses = [block(8, 36), block(8, 52)]
    assert chosen(guesses, shown, Click(28, 32)) == 0
    assert chosen(guesses, shown, Click(36, 32)) == 1


def test_the_first_answer_stays_where_the_click_fits_none():
    keeping = [SHOWN, block(4, 60)]  # neither takes the clicked pixel away
    assert chosen(keeping, SHOWN, Click(50, 32, positive=False)) == 0
    assert chosen([block(0, 0), block(0, 0)], block(0, 0), Click(50, 32)) == 0


def test_a_first_click_in_the_middle_of_a_guess():
    guesses = [turn(block(10, 30), FIRST), turn(block(8, 56), FIRST)]
    assert likeliest((), guesses, 0.5) is guesses[0]
    guesses = [turn(block(16, 56), FIRST), turn(block(8, 32), FIRST)]
    assert likeliest((), guesses, 0.5) is guesses[1]


def test_several_clicks_in_a_round_each_have_a_say():
    both = (Click(12, 32), Click(24, 32))  # one guess has each in its middle, one lies between
    rounds = [
        Round(both, Frame((SIDE, SIDE), SIDE), np.where(mask, 9, -9).astype(np.float32))
        for mask in (block(4, 20), block(16, 32), block(6, 30))
    ]
    assert likeliest((), rounds, 0.5) is rounds[2]


def test_without_a_click_the_first_of_two_stays():
    box = (Box(32, 32, 20, 20),)
    guesses = [replace(turn(m, FIRST), prompts=box) for m in (block(4, 20), block(16, 32))]
    assert likeliest((), guesses, 0.5) is guesses[0]


def test_of_answers_as_likely_the_one_most_like_the_others():
    click = Click(50, 32, positive=False)
    guesses = [block(8, 44, 16, 20), block(8, 44), block(9, 44), block(8, 44, 17, 48)]
    assert chosen(guesses, SHOWN, click) != 0


def test_the_equation_written_a_second_way():
    rng = np.random.default_rng(0)
    shown, spoken = block(20, 44), 0
    for trial in range(60):
        positive = bool(trial % 2)
        y, x = rng.choice(np.argwhere(shown != positive)).tolist()
        click = Click(x, y, positive)
        guesses = [np.roll(block(*sorted(rng.choice(64, 2, False))), trial, 0) for _ in range(4)]
        picked = chosen(guesses, shown, click)
        seen, *masks = obeying(shown, [FIRST]), *(obeying(g, [FIRST, click]) for g in guesses)
        chances = []
        for mask in masks:
            missed, surplus = depth(mask & ~seen), depth(seen & ~mask)
            here = (missed if click.positive else surplus)[click.pixel[::-1]]
            chances.append((here / max(missed.max(), surplus.max())) ** SHARP)
        worth = [
            sum(c * (m & n).sum() / (m | n).sum() for c, m in zip(chances, masks, strict=True))
            for n in masks
        ]
        assert worth[picked] == pytest.approx(max(worth))
        spoken += max(worth) > 0.01
    assert spoken > 10  # else the click fits no guess


def obeying(mask, clicks):
    found = mask.copy()
    for click in clicks:
        found[click.pixel[::-1]] = click.positive
    return found


def depth(mask):
    return distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def test_a_large_photo_is_compared_at_fewer_pixels(monkeypatch):
    sizes = []
    find = hindsight.find_mistakes

    def noted(guess, shown):
        sizes.append(guess.shape)
        return find(guess, shown)

    monkeypatch.setattr(hindsight, "find_mistakes", noted)
    click = Click(50 * 40 + 20, 32 * 40 + 20, positive=False)
    assert chosen([block(8, 28), block(8, 44)], SHOWN, click, scale=40) == 1
    assert max(max(size) for size in sizes) <= hindsight.FINE
