"""The robot's next click, box or scribble, from the truth and the mask so far."""

from collections.abc import Sequence

import numpy as np

from vpuformer.prompts import Box, Click, Mask, Prompt, Scribble
from vpuformer.robot.mistakes import depth, find_mistakes, largest_error
from vpuformer.robot.stroke import middle_stroke


def next_click(
    gt: Mask, pred: Mask, used: Sequence[Prompt] = (), *, ignore: Mask | None = None
) -> Click:
    """A click on the deepest wrong pixel that has not been clicked yet.

    Sec. IV-B, by the protocol of RITM, to the pixel: positive iff the deepest missed pixel lies
    strictly deeper than the deepest surplus one; among equals the first in row-major order.
    When nothing is wrong it is a negative click at (0, 0), as in the protocol: stop before.

    Args:
        gt: the object, bool `[H, W]`.
        pred: the answer so far, bool `[H, W]`.
        used: the prompts so far; the pixels of the clicks among them are not clicked again.
        ignore: pixels that count for nothing, bool `[H, W]`.
    """
    mistakes = find_mistakes(gt, pred, ignore)
    missed, surplus = depth(mistakes.missed), depth(mistakes.surplus)
    for prompt in used:
        if isinstance(prompt, Click):
            x, y = prompt.pixel
            missed[y, x] = surplus[y, x] = 0  # row = y
    positive = bool(missed.max() > surplus.max())
    field = missed if positive else surplus
    y, x = np.unravel_index(int(field.argmax()), field.shape)
    return Click(float(x), float(y), positive)


def next_box(gt: Mask, pred: Mask, *, ignore: Mask | None = None) -> Box | None:
    """The tight box of the largest piece of error; None when nothing is wrong.

    Sec. IV-B: positive around missed pixels, negative around surplus ones. While the answer is
    empty, the other large pieces of the same kind belong to it: the first box is the object's.
    Paper vs. here: the authors' code joins them at every round, and pieces on either side of an
    object give nearly the box of the object again; it moves the edges too, here they stay.
    """
    if (region := largest_error(find_mistakes(gt, pred, ignore))) is None:
        return None
    pixels = region.pixels if np.any(pred) else region.merged
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    edges = (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))
    return Box.from_pixels(*edges, positive=region.positive)


def next_scribble(
    gt: Mask, pred: Mask, *, rng: np.random.Generator, ignore: Mask | None = None
) -> Scribble | None:
    """A stroke along the middle of the largest piece of error; None when nothing is wrong.

    Sec. IV-B. Paper vs. here: the authors' code draws it on the truth, always positive, and may
    leave the object; here it comes from the error, has its sign and stays on it.
    """
    if (region := largest_error(find_mistakes(gt, pred, ignore))) is None:
        return None
    line = middle_stroke(region.pixels, rng)
    points = tuple((round(float(x), 2), round(float(y), 2)) for x, y in line)
    return Scribble(points, region.positive)
