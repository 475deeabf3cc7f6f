"""Published data sets in the layout they were published in; nothing in them is unpickled.

`photos` gives what `FolderSamples` trains on, `samples` what `evaluate` takes.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from vpuformer.data import coco
from vpuformer.data.augmentation import VOID
from vpuformer.data.samples import SUFFIXES, Photo, Sample, folder_samples, objects, read_labels
from vpuformer.errors import DataError
from vpuformer.imaging import parts_of, read

LEAST_FILL = 0.08  # of its box; below, SBD's mask is taken for a mistake when training


def photos(name: str, root: str | Path, split: str | None = None) -> list[Photo]:
    """The photos of a published set, in name order or in that of its list; none is read yet.

    Args:
        name: grabcut, berkeley, davis, coco_mval, sbd, voc, coco_lvis, sstem, brats or oaizib.
        root: the folder that holds the set's own, of photos and of masks (see SETS).
        split: of sbd and voc "val" (the default) or "train", of coco_lvis "train" (the default)
            or "val". In sbd's "train" objects that fill less than 8 % of their box are void.

    Raises:
        DataError: no such set, or a folder, list, photo or JSON file of it is missing or broken.
    """
    root = Path(root)
    if name == "coco_lvis":
        return coco.photos(root, split or "train", Counter())
    if name not in SETS:
        raise DataError(f"No set is called {name!r}. There are coco_lvis, {', '.join(SETS)}.")
    images, masks, read_truth = SETS[name]
    if lost := [folder for folder in (images, masks) if not (root / folder).is_dir()]:
        raise DataError(f"{root} has no {lost[0]}/. Give the folder with {images}/ and {masks}/.")
    if name in LISTS:
        path = root / LISTS[name].format(split or "val")
        if not path.is_file():
            raise DataError(f"There is no list {path}. Fetch the published archive.")
        names = path.read_text("utf-8").split()
        read_truth = _without_mistakes if (name, split) == ("sbd", "train") else read_truth
        ending = ".mat" if name == "sbd" else ".png"
        pairs = {n: (root / images / f"{n}.jpg", root / masks / f"{n}{ending}") for n in names}
    else:
        found, truths = _pictures(root / images), _pictures(root / masks)
        # Berkeley: two objects of photo 12 may be called 12a and 12b.
        pairs = {n: (found.get(n) or found.get(n[:-1]), truth) for n, truth in truths.items()}
    if lost := [truth for photo, truth in pairs.values() if not photo]:
        raise DataError(f"{lost[0]} has no photo in {root / images}. Fetch the set again.")
    decode = partial(_maps, read_truth)
    return [Photo(stem, photo, truth, decode) for stem, (photo, truth) in pairs.items() if photo]


def _maps(read_truth: Callable[[Path], np.ndarray], path: Path) -> list[np.ndarray]:
    """The label map of a file; none when there is no object in it."""
    labels = read_truth(path)
    if labels.max() > VOID or {VOID - 1, VOID} <= set(np.unique(labels)):
        raise DataError(f"{path} has {labels.max()} objects, expected at most {VOID - 1}.")
    return [labels.astype(np.uint8)] if np.any(labels % VOID) else []


def samples(
    name: str, root: str | Path, split: str | None = None, limit: int | None = None
) -> Iterator[Sample]:
    """The objects of a published set, photo by photo, read when asked for; see `photos`."""
    return objects(photos(name, root, split), name, limit)


def samples_of(place: str | Path, limit: int | None = None) -> Iterator[Sample]:
    """The objects of a folder data set, or of a published one named as NAME:FOLDER.

    NAME/SPLIT:FOLDER takes one of its splits; names, splits and errors are those of `photos`.
    """
    name, colon, root = str(place).partition(":")
    if not colon or Path(place).exists():
        return folder_samples(place, limit=limit)
    name, _, split = name.partition("/")
    return samples(name, root, split or None, limit)


def _pictures(folder: Path) -> dict[str, Path]:
    """Its pictures by stem, in name order, without the hidden files that macOS packs."""
    return {p.stem: p for p in sorted(folder.glob("[!.]*")) if p.suffix.lower() in SUFFIXES}


def _trimap(path: Path) -> np.ndarray:
    """Above 128 the object, 128 void."""
    grey = read(path)[..., 0]
    return np.where(grey == 128, VOID, grey > 128)


def _any_colour(path: Path) -> np.ndarray:
    """One object: every pixel that is not black."""
    return read(path).max(-1) > 0


def _each_value(path: Path) -> np.ndarray:
    """One object for each colour but black."""
    colours = read(path).astype(int) @ (1 << 16, 1 << 8, 1)
    return np.unique(np.append(0, colours), return_inverse=True)[1][1:].reshape(colours.shape)


def _each_part(path: Path) -> np.ndarray:
    """One object for each part that hangs together by sides (4-connected)."""
    return parts_of(_any_colour(path), connectivity=4)


def instances(path: Path) -> np.ndarray:
    """The label map in one of SBD's .mat files, whole numbers `[H, W]`.

    Raises:
        DataError: it is no such file.
    """
    from scipy.io import loadmat  # numbers and structs; nothing in it is run

    try:
        found = loadmat(path, variable_names=["GTinst"])["GTinst"]["Segmentation"][0, 0]
    except Exception as error:  # noqa: BLE001 (a damaged file raises all kinds of them)
        raise DataError(f"{path} holds no GTinst.Segmentation: {error}. Fetch SBD again.") from None
    if found.ndim != 2 or found.dtype.kind not in "iu":
        raise DataError(f"{path} holds {found.dtype} {found.shape}, expected whole numbers [H, W].")
    return found


def _without_mistakes(path: Path) -> np.ndarray:
    labels = instances(path)
    for value in np.unique(labels[labels > 0]):
        mask = labels == value
        rows, columns = mask.nonzero()
        if len(rows) < LEAST_FILL * (np.ptp(rows) + 1) * (np.ptp(columns) + 1):
            labels[mask] = VOID
    return labels


# name: folder of photos, folder of masks, what a mask file means
SETS: dict[str, tuple[str, str, Callable[[Path], np.ndarray]]] = {
    "grabcut": ("data_GT", "boundary_GT", _trimap),
    "berkeley": ("images", "masks", _trimap),
    "davis": ("img", "gt", _any_colour),
    "coco_mval": ("img", "gt", _any_colour),
    "sstem": ("raw", "mitochondria", _each_part),
    "brats": ("image", "annotation", _any_colour),
    "oaizib": ("test/image", "test/annotations", _each_value),
    "sbd": ("img", "inst", instances),
    "voc": ("JPEGImages", "SegmentationObject", read_labels),
}
LISTS = {"sbd": "{}.txt", "voc": "ImageSets/Segmentation/{}.txt"}
