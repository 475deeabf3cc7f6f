"""The head fits itself to clicks that correct: least squares on the decoder's last map."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from vpuformer.imaging import Frame
from vpuformer.prompts import Click, Prompt, rescale

MARGIN = 1.0  # the logit that told pixels are to have on their side
STILL = 1.0  # how much a change of all pixels weighs beside the first click's
FADES = 0.7  # how much a click weighs beside the one after it
HARDENS = 1.5  # how much less all clicks weigh with each further one
REACH = 0.5  # a click tells less than so much of the way to one of the other sign


@dataclass(frozen=True, slots=True)
class Disc:
    """What a click tells: the pixel at (x, y) and all nearer to it than `radius`, in the image."""

    x: float
    y: float
    radius: float
    positive: bool


def told(prompts: Iterable[Prompt], logits: np.ndarray, frame: Frame) -> tuple[Disc, ...]:
    """What clicks tell that correct the mask where logits `[side, side]` of a frame are above 0.

    People and the robot click the middle of a mistake. One around a negative click ends at the
    mask's edge or at the object's, whichever is nearer, and the mask's is known. Nothing says how
    far one around a positive click reaches: that tells its own pixel, as boxes and scribbles would.
    """
    (xs, ys), mask = _centres(frame, frame.side), logits > 0
    rows, columns = np.nonzero(np.any(np.gradient(mask.astype(np.float32)), 0) & ~mask)
    half, discs = (xs[1] - xs[0] + ys[1] - ys[0]) / 4, []
    for click in (p for p in prompts if isinstance(p, Click)):
        edge = np.hypot(xs[columns] - click.x, ys[rows] - click.y).min(initial=np.inf)
        inside = mask[np.abs(ys - click.y).argmin(), np.abs(xs - click.x).argmin()]  # row = y
        known = inside and not click.positive and np.isfinite(edge)
        radius = max(0.0, float(edge - half)) if known else 0.0
        discs.append(Disc(click.x, click.y, radius, click.positive))
    return tuple(discs)


def adapted(logits: np.ndarray, maps: np.ndarray, frame: Frame, said: Sequence[Disc]) -> np.ndarray:
    """The logits `[side, side]` of a frame if the head had learnt what clicks told.

    The head is a 1x1 convolution, l_j = w . f_j (with a 1 in f_j for the bias). w changes by

        min_d  sum_k w_k mean_{i in D_k} (y_i - d . f_i)^2 + STILL mean_j (d . f_j)^2

    where D_k are the pixels that click k of K tells, s_k = +-1 its sign,
    y_i = s_k max(0, MARGIN - s_k l_i) what they lack, w_k = FADES^(K-k) HARDENS^(1-K) its weight.
    The last term holds the mask still: only what looks like the told pixels follows them, and the
    more clicks there are the less, for late mistakes are small. What negative clicks tell leaves
    the mask in any case. Nothing is kept for the next round.

    Args:
        logits: what the head said.
        maps: what it saw, F_v-hat `[C, h, w]`.
        frame: where that lies in the image.
        said: what all clicks tell, in order.
    """
    side = maps.shape[-1]
    # torch's products, for numpy's have threads of their own, which hold torch's up
    f = torch.cat([torch.from_numpy(maps).flatten(1), torch.ones(1, side**2).float()])
    small = F.interpolate(torch.from_numpy(logits)[None, None], (side, side), mode="area").numpy()
    most = np.full(side**2, np.inf, np.float32)  # that a change may add
    gram = STILL * (f @ f.T) / side**2 + 1e-3 * torch.eye(len(f), dtype=torch.float64)
    pull = torch.zeros_like(gram[0])
    for age, (pixels, sign) in enumerate(_pixels(said[::-1], frame, side)):
        lack = sign * (MARGIN - sign * small.ravel()[pixels]).clip(0)
        weight = FADES**age * HARDENS ** (1 - len(said))
        most[pixels] = lack if sign < 0 else np.inf
        seen = f[:, pixels]
        gram += weight * seen @ seen.T / len(lack)
        pull += weight * seen @ torch.from_numpy(lack) / len(lack)
    if not pull.any():
        return logits
    change = torch.linalg.solve(gram, pull).float() @ f
    by = change.minimum(torch.from_numpy(most)).reshape(1, 1, side, side)
    return logits + F.interpolate(by, logits.shape, mode="bilinear")[0, 0].numpy()


def _pixels(said: Sequence[Disc], frame: Frame, side: int) -> Iterator[tuple[np.ndarray, int]]:
    """The pixels `[n]` of a frame's map `[side, side]` that each click there tells, its sign."""
    xs, ys = _centres(frame, side)
    left, top, right, bottom = (edge - 0.5 for edge in frame.window)
    for disc in (d for d in said if left <= d.x < right and top <= d.y < bottom):
        ways = (np.hypot(d.x - disc.x, d.y - disc.y) for d in said if d.positive != disc.positive)
        radius = min([disc.radius, *(REACH * way for way in ways)])
        off = np.hypot(xs - disc.x, (ys - disc.y)[:, None])
        yield np.flatnonzero(off <= max(radius, off.min())), 1 if disc.positive else -1


def _centres(frame: Frame, side: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y in the image of the centres of a frame's columns and rows, `[side]` each."""
    (left, top, *_), (height, width) = frame.window, frame.window_size
    steps = np.arange(side)
    return rescale(steps, side, width) + left, rescale(steps, side, height) + top
