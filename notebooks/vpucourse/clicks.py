"""The checks of notebook 02."""

from collections.abc import Callable

import numpy as np
import torch

from vpucourse.checking import checks
from vpuformer.pue.gaussian import quasi_gaussian

LINE = 128  # cells of the read-out's axis
KNOWN = 8  # every eighth cell is shown to the read-out while it is fitted


def our_bump(d: np.ndarray) -> np.ndarray:
    """The click's bump as the package has it: sigma 3, cut at 9 cells."""
    return np.where(d <= 9, np.exp(-(d**2) / 18), 0.0)


def read_out_error(needle: Callable[[np.ndarray], np.ndarray]) -> float:
    """Mean error, in cells, of a linear read-out of a click's place from its vector.

    The read-out is the least-squares line fitted on every eighth cell and asked for all cells
    between.

    Args:
        needle: distances in cells `[N, L]` → entries of the vector `[N, L]`.
    """
    cells = np.arange(LINE, dtype=float)
    places = np.arange(KNOWN, LINE - KNOWN, dtype=float)
    q = needle(np.abs(cells - places[:, None]))  # N L
    known = places % KNOWN == 0
    weights, *_ = np.linalg.lstsq(q[known], places[known], rcond=1e-6)
    return float(np.abs(q[~known] @ weights - places[~known]).mean())


@checks.add("02.P")
def _how_many(answer: tuple[int, int]) -> str:
    d = (torch.arange(448.0) - 200).abs()
    right = tuple(int((quasi_gaussian(d, 3.0, cut) > 0).sum()) for cut in (1.0, 3.0))
    return "" if tuple(answer) == right else "Count the cells with |x - 200| at most 3, then 9."


@checks.add("02.B")
def _either_cut(by_hand: Callable[..., list[float]]) -> str:
    d = [0, 1, 2, 3, 4, 6, 9, 10, 12, 13]
    for sigma in (3.0, 4.0):
        for cut in (1.0, 3.0, None):
            wanted = quasi_gaussian(torch.tensor(d, dtype=torch.float64), sigma, cut).numpy()
            ours = np.asarray(by_hand(d, sigma, cut), float)
            if ours.shape != wanted.shape:
                return f"Give one value per distance: {len(d)}, got shape {ours.shape}."
            if (np.abs(ours - wanted) > 1e-9).any():
                at = int(np.abs(ours - wanted).argmax())
                return (
                    f"sigma = {sigma:g}, cut = {cut}: at distance {d[at]} yours is "
                    f"{ours[at]:.3f}, expected {wanted[at]:.3f}."
                )
    return ""


@checks.add("02.E")
def _soft_cut(needle: Callable[[np.ndarray], np.ndarray], *, beat: float) -> str:
    d = np.abs(np.arange(LINE, dtype=float) - 64)[None]
    q = np.asarray(needle(d), float)
    if not np.isclose(q[0, 64], 1) or q.min() < 0:
        return "The entry at distance 0 must be 1, and no entry negative."
    if (count := int((q > 0).sum())) > 40:
        return f"{count} entries are not zero, at most 40 are allowed."
    error = read_out_error(needle)
    return "" if error < beat else f"The error is {error:.2f} cells, to beat: {beat:.2f}."
