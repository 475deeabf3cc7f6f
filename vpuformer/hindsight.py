"""What a click says of the mask it corrects: which of several answers it speaks for."""

from math import prod

import numpy as np

from vpuformer.conversation import Past, Round, answered
from vpuformer.metrics import iou
from vpuformer.prompts import Click, Mask
from vpuformer.robot.mistakes import depth, find_mistakes

SHARP = 8.0  # how surely a click lies in the middle of the largest mistake
FINE = 1024  # pixels of a side that are told apart


def likeliest(rounds: Past, answers: list[Round], threshold: float) -> Round:
    """The answer to a click after `rounds`, of several, that has the highest expected IoU.

    People and the robot click the middle of the largest mistake, at first of the object. Each
    answer m is a guess at the object; were it right, the click would lie d_m deep in what the mask
    before gets wrong (missed pixels for a positive click, surplus ones for a negative one), and the
    deepest wrong pixel D_m. With (d_m / D_m)^SHARP as the chance of each guess, the answer is

        argmax_n  sum_m (d_m / D_m)^SHARP IoU(n, m),

    the first one where the click fits none of them, or where there is none. Of several clicks the
    chances multiply.
    """
    clicks = [p for p in answers[0].prompts if isinstance(p, Click)]
    step = 1 + max(answers[0].frame.size) // FINE
    masks = (answered((*rounds, answer), threshold).mask for answer in answers)
    guesses = [mask[::step, ::step] for mask in masks]
    shown = answered(rounds, threshold).mask[::step, ::step] if rounds else guesses[0] & False
    chances = [prod(_centred(c, step, guess, shown) for c in clicks) ** SHARP for guess in guesses]
    overlaps = [[iou(a, b) for b in guesses] for a in guesses]
    return answers[int((np.nan_to_num(overlaps, nan=1.0) @ np.array(chances)).argmax())]


def _centred(click: Click, step: int, guess: Mask, shown: Mask) -> float:
    """How near a click lies to the middle of the largest mistake if the guess is right: 0 to 1."""
    (x, y), wrong = click.pixel, find_mistakes(guess, shown)
    missed, surplus = depth(wrong.missed), depth(wrong.surplus)
    deepest = max(missed.max(), surplus.max())
    here = (missed if click.positive else surplus)[y // step, x // step]  # row = y
    return float(here / deepest) if deepest else 0.0
