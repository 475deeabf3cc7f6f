"""What a click says of the mask it corrects: which of several answers it speaks for."""

import numpy as np

from vpuformer.conversation import Past, Round, answered
from vpuformer.metrics import iou
from vpuformer.prompts import Click, Mask
from vpuformer.robot.mistakes import depth, find_mistakes

SHARP = 8.0  # how surely a click lies in the middle of the largest mistake
FINE = 1024  # pixels of a side that are told apart


def likeliest(rounds: Past, answers: list[Round], threshold: float) -> Round:
    """The answer to a click after `rounds`, of several, that has the highest expected IoU.

    People and the robot click the middle of the largest mistake. Each answer m is a guess at the
    object; were it right, the click would lie d_m deep in what the mask before gets wrong (missed
    pixels for a positive click, surplus ones for a negative one), and the deepest wrong pixel D_m.
    With (d_m / D_m)^SHARP as the chance of each guess, the answer is

        argmax_n  sum_m (d_m / D_m)^SHARP IoU(n, m),

    the first one where the click fits none of them.
    """
    click, step = answers[0].prompts[0], 1 + max(rounds[-1].frame.size) // FINE
    assert isinstance(click, Click)
    talks = (rounds, *((*rounds, answer) for answer in answers))
    shown, *guesses = (answered(talk, threshold).mask[::step, ::step] for talk in talks)
    chances = [_centred(click, step, guess, shown) ** SHARP for guess in guesses]
    overlaps = [[iou(a, b) for b in guesses] for a in guesses]
    return answers[int((np.nan_to_num(overlaps, nan=1.0) @ np.array(chances)).argmax())]


def _centred(click: Click, step: int, guess: Mask, shown: Mask) -> float:
    """How near a click lies to the middle of the largest mistake if the guess is right: 0 to 1."""
    (x, y), wrong = click.pixel, find_mistakes(guess, shown)
    missed, surplus = depth(wrong.missed), depth(wrong.surplus)
    deepest = max(missed.max(), surplus.max())
    here = (missed if click.positive else surplus)[y // step, x // step]  # row = y
    return float(here / deepest) if deepest else 0.0
