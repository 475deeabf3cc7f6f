"""Somebody's own photos and masks: checked file by file, split, and cut into training samples."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vpuformer.data.augmentation import Choice, Sample, augment
from vpuformer.data.samples import SUFFIXES, VOID, Photo, with_object
from vpuformer.errors import DataError, ImageError

log = logging.getLogger("vpuformer.data")
LISTED = 40  # files named in one message
FEW = 10  # values of a mask, below which nobody takes greys of a soft edge for objects
BROKEN = (DataError, ImageError, OSError, SyntaxError, ValueError)  # what a bad file may raise


def check_folders(images_dir: str | Path, masks_dir: str | Path) -> list[Photo]:
    """The pairs images_dir/NAME.* and masks_dir/NAME.png, in name order, every file read once.

    Raises:
        DataError: it names each file that cannot be used, and why.
    """
    images_dir, masks_dir = Path(images_dir), Path(masks_dir)
    for folder in (images_dir, masks_dir):
        if not folder.is_dir():
            raise DataError(f"{folder} is no folder. Give the folder that holds the files.")
    images = sorted(p for p in images_dir.glob("[!.]*") if p.suffix.lower() in SUFFIXES)
    masks = {p.stem: p for p in masks_dir.glob("[!.]*") if p.suffix.lower() == ".png"}
    twins = Counter(p.stem for p in images)
    once = (p for p in images if p.stem in masks and twins[p.stem] == 1)
    pairs = [Photo(p.stem, p, masks[p.stem]) for p in once]
    faults = [f"{p.name}: two photos of this name" for p in images if twins[p.stem] > 1]
    alone = (p for p in images if twins[p.stem] == 1 and p.stem not in masks)
    faults += [f"{p.name}: no mask {p.stem}.png" for p in alone]
    faults += [f"{p.name}: no photo" for stem, p in sorted(masks.items()) if stem not in twins]
    faults += [fault for pair in pairs if (fault := _fault(pair))]
    if not pairs:
        raise DataError(
            f"{images_dir} and {masks_dir} hold no pair. Expected NAME.jpg (or another picture) "
            f"in the first and NAME.png in the second.{_listed(faults)}"
        )
    if faults:
        raise DataError(f"{len(faults)} files cannot be used. Mend or drop them.{_listed(faults)}")
    return pairs


def _fault(pair: Photo) -> str:
    try:
        labels = _chosen(pair, 0)[1]
    except BROKEN as error:
        return f"{pair.image.name}: {error}"
    here = labels[1:, 1:]
    rims = ((here != labels[:-1, 1:]) | (here != labels[1:, :-1]))[here % VOID > 0]
    if VOID not in labels or len(np.unique(labels)) < FEW or rims.mean() < 0.5:
        return ""
    return f"{pair.image.name}: its mask has grey edges, each grey an object. Save 0 and 255 only."


def _chosen(photo: Photo, turn: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo and one of its label maps, each in turn."""
    image, *maps = photo.read()
    if not maps:
        raise DataError("Its mask is empty: it marks no object. Remove the pair.")
    return image, maps[turn % len(maps)]


def _listed(faults: Sequence[str]) -> str:
    shown = "".join(f"\n  {fault}" for fault in faults[:LISTED])
    return shown + (f"\n  and {len(faults) - LISTED} more" if len(faults) > LISTED else "")


def split_pairs(
    pairs: Sequence[Photo], val_share: float, seed: int
) -> tuple[list[Photo], list[Photo]]:
    """Training and validation photos (never objects of one photo in both), drawn from `seed`."""
    if not 0 < val_share < 1:
        raise DataError(f"val_share is {val_share}, expected a number between 0 and 1.")
    if len(pairs) < 2:
        raise DataError("One photo cannot be split. Give at least two photos with masks.")
    count = min(max(1, round(val_share * len(pairs))), len(pairs) - 1)
    held = sorted(np.random.default_rng(seed).permutation(len(pairs))[:count].tolist())
    return [p for i, p in enumerate(pairs) if i not in held], [pairs[i] for i in held]


class FolderSamples:
    """Training samples from photos: position -> the same crop of the same photo, every time.

    A file that breaks while training goes on is skipped for the next photo, named once in the log
    and counted.

    Attributes:
        broken: how often each file was skipped.
        choice: which objects are asked for, and how they are cut out.
    """

    def __init__(self, pairs: Sequence[Photo]) -> None:
        self.pairs, self.broken, self.choice = list(pairs), Counter[str](), Choice()

    def sample(self, seed: int, position: int, crop: int) -> Sample:
        """The sample at a position of the endless order of epochs drawn from `seed`.

        Raises:
            DataError: none of the files can be read any more.
        """
        epoch, at = divmod(position, len(self.pairs))
        order = np.random.default_rng([seed, epoch]).permutation(len(self.pairs))
        for index in np.roll(order, -at):
            pair = self.pairs[index]
            try:
                image, labels = _chosen(pair, epoch)
            except BROKEN as error:
                if not self.broken[pair.image.name]:
                    log.warning("%s is skipped: %s", pair.image.name, error)
                self.broken[pair.image.name] += 1
                continue
            rng = np.random.default_rng([seed, position])
            return augment(Image.fromarray(image), with_object(labels), crop, rng, self.choice)
        raise DataError("No photo can be read any more. Check the disk that holds them.")
