"""SBD: 2,857 photos to test (6,671 objects), 8,498 to train (20,172 objects)."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pairs import Photo, Seen, find, listed, small_labels
from run import run

from vpuformer.data.augmentation import VOID
from vpuformer.errors import DataError
from vpuformer.imaging import tight_box

LEAST_FILL = 0.08  # of its box; below, the mask is taken for a mistake when training


def read(root: Path, split: str, seen: Seen) -> Iterator[Photo]:
    """img/NAME.jpg, inst/NAME.mat (GTinst.Segmentation), train.txt, val.txt.

    Test keeps every object. Training makes those void that fill less than 8 % of their box.
    """
    place = find(root, "img", "inst")
    for name in listed(place / f"{split}.txt"):
        labels = instances(place / "inst" / f"{name}.mat")
        seen["published objects"] += len(np.unique(labels[labels > 0]))
        if split == "train":
            labels = _without_mistakes(labels)
        yield Photo(name, place / "img" / f"{name}.jpg", labels)


def instances(path: Path) -> np.ndarray:
    """The label map in one of SBD's .mat files, uint8 `[H, W]`.

    Raises:
        DataError: it is no such file.
    """
    from scipy.io import loadmat  # numbers and structs; nothing in it is run
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(path, variable_names=["GTinst"])["GTinst"]["Segmentation"][0, 0]
    except (OSError, KeyError, IndexError, ValueError, TypeError, MatReadError) as error:
        raise DataError(f"{path} holds no GTinst.Segmentation: {error}. Fetch SBD again.") from None
    if found.ndim != 2 or found.dtype.kind not in "iu":
        raise DataError(f"{path} holds {found.dtype} {found.shape}, expected whole numbers [H, W].")
    return small_labels(found, int(found.max()))


def _without_mistakes(labels: np.ndarray) -> np.ndarray:
    labels = labels.copy()
    for value in np.unique(labels[labels > 0]):
        mask = labels == value
        x0, y0, x1, y1 = tight_box(mask)
        if mask.sum() < LEAST_FILL * (x1 - x0) * (y1 - y0):
            labels[mask] = VOID
    return labels


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    return run("sbd", read, argv)


if __name__ == "__main__":
    sys.exit(main())
