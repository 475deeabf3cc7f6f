"""What a training sample asks for and how it will be seen: an object, a crop, a look."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from vpuformer.imaging import Span, parts_of, tight_box

VOID = 255
Chance = np.random.Generator
LEAST_AREA, BACKGROUND = 1000, 0.05  # the authors': pixels of an object; crops that may hold none
MOST_TRIES = 20  # crops drawn of a photo
PLAIN = np.array([1.0, 1, 1, 1, 1, 0, 0, 0])  # the look of a photo that stays as it is


@dataclass(frozen=True, slots=True)
class Sample:
    """One training sample before it is cut: `training.crops.cut` does that on the device.

    Args:
        planes: what is seen of the photo, uint8 `[h, w, 5]`: red, green, blue, the object asked for
            and void (both 0 or 255).
        place: where it lies, `[2, 3]`: (x, y, 1) in the crop to (x, y) in the planes, both from
            their corners (0 is the left edge, so pixel i's centre lies at i + 0.5).
        look: `[8]`: saturation, contrast, what each channel is multiplied by, and what is added.
    """

    planes: np.ndarray
    place: np.ndarray
    look: np.ndarray


@dataclass(frozen=True, slots=True)
class Choice:
    """Which objects training asks for, and how they are cut out.

    With a `scale` as the paper (Sec. IV-B) and its code do it: photos are scaled, turned and
    cut anywhere, then brightened and tinted; without, crops lie around the object.
    """

    merged: float = 0.15  # share of samples that ask for two objects at once
    parts: float = 0.12  # share of samples that ask for one connected part of an object
    whole: float = 0.35  # share of samples that see the whole picture
    power: float = 0.5  # an object is taken in proportion to its pixels to this power
    grey: float = 0.04  # share of the crops whose colours are changed that lose them
    scale: tuple[float, ...] = ()  # of the photo, from and to
    turn: float = 0.0  # degrees either way, on top of quarter turns; 0: never turned
    shift: float = 0.0  # grey levels by which each channel moves, either way
    stuff: float = 0.0  # share of samples that may ask for sky or grass where a set has it labelled
    mixing: float = 0.0  # how often each of three things happens (`training.crops.cut_batch`)


def pick_object(labels: np.ndarray, rng: Chance, choice: Choice) -> np.ndarray:
    """A mask to ask for: an instance, sometimes two merged, sometimes one connected part of it."""
    ids, counts = np.unique(labels, return_counts=True)
    keep = (ids != 0) & (ids != VOID) & (counts >= 40)
    ids, counts = ids[keep], counts[keep]
    if not len(ids):
        return (labels > 0) & (labels < VOID)
    weights = counts**choice.power
    chosen = rng.choice(ids, p=weights / weights.sum())
    mask, draw = labels == chosen, rng.random()
    if draw < choice.merged and len(ids) > 1:
        mask = mask | (labels == rng.choice(ids[ids != chosen]))
    elif draw < choice.merged + choice.parts:
        mask = _one_part(mask, rng)
    return mask


def _one_part(mask: np.ndarray, rng: Chance) -> np.ndarray:
    parts = parts_of(mask)
    large = 1 + np.flatnonzero(np.bincount(parts.ravel())[1:] >= 40)
    return parts == rng.choice(large) if len(large) else mask


def crop_box(mask: np.ndarray, rng: Chance, whole_share: float) -> Span:
    """Where to cut: the whole picture, or the object's box 1.05 to 3 times as large, shifted.

    The crop keeps no aspect, as the frame at inference keeps none. Edges (x0, y0, x1, y1) in
    pixel-corner coordinates (0 is the picture's left edge).
    """
    height, width = mask.shape
    box = tight_box(mask)
    if box is None or (rng.random() < whole_share and mask.mean() > 0.004):
        return 0, 0, width, height
    edges, zoom = [], np.exp(rng.uniform(np.log(1.05), np.log(3.0)))
    for low, high, side in ((box[0], box[2], width), (box[1], box[3], height)):
        length = min(max((high - low) * zoom * rng.uniform(0.85, 1.18), 72.0), side)
        slack = length - (high - low)
        start = low - slack * np.clip(0.5 + rng.normal(0, 0.2), 0, 1)
        start = min(max(start, 0.0), side - length)
        edges += [start, start + length]
    return edges[0], edges[2], edges[1], edges[3]


def _anywhere(
    labels: np.ndarray, crop: int, rng: Chance, choice: Choice
) -> tuple[np.ndarray, np.ndarray]:
    """Where to cut a photo scaled and turned, `[2, 3]`, and its labels with what is seen alone.

    Objects of fewer than 1,000 pixels in it become ground. While it holds none, another place is
    drawn, but for one time in twenty.
    """
    (low, high), size, affine = choice.scale, labels.shape[::-1], Image.Transform.AFFINE
    place, left = np.zeros((2, 3)), np.zeros(256, bool)
    for _ in range(MOST_TRIES):
        scale, turn = rng.uniform(low, high), rng.uniform(-1, 1) * choice.turn
        angle = np.radians(turn + 90 * rng.integers(4)) if turn else 0.0
        a, b = np.cos(angle) / scale, np.sin(angle) / scale
        x, y = (s / 2 + max(0, s - crop / scale) * rng.uniform(-0.5, 0.5) for s in size)
        place = np.array([[a, -b, x - (a - b) * crop / 2], [b, a, y - (a + b) * crop / 2]])
        found = Image.fromarray(labels).transform((crop, crop), affine, tuple(place.flat))
        left = np.bincount(np.asarray(found).ravel(), minlength=256) >= LEAST_AREA
        left[[0, VOID]] = False, True
        if left[:VOID].any() or rng.random() < BACKGROUND:
            break
    return place, np.where(left[labels], labels, 0).astype(np.uint8)


def augment(
    image: Image.Image, labels: np.ndarray, crop: int, rng: Chance, choice: Choice = Choice()
) -> Sample:
    """One sample for a square of `crop` pixels a side; all chance from `rng`."""
    place, labels = _anywhere(labels, crop, rng, choice) if choice.scale else (None, labels)
    mask = pick_object(labels, rng, choice)
    if place is None:
        x0, y0, x1, y1 = crop_box(mask, rng, whole_share=choice.whole)
        place = np.array([[(x1 - x0) / crop, 0, x0], [0, (y1 - y0) / crop, y0]])
    if rng.random() < 0.5:
        place = place @ [[-1, 0, crop], [0, 1, 0], [0, 0, 1]]
    look = _tint(rng, choice.shift) if choice.scale else _colours(rng, choice.grey)
    masks = (Image.fromarray(np.uint8(255) * each) for each in (mask, labels == VOID))
    return _seen([image, *masks], place, crop, look)


def _seen(pictures: list[Image.Image], place: np.ndarray, crop: int, look: np.ndarray) -> Sample:
    """The part of the pictures that a crop shows, made smaller where it shows them small."""
    corners = place @ [[0, crop, 0, crop], [0, 0, crop, crop], [1, 1, 1, 1]]
    low = np.floor(corners.min(1) - 1).clip(0).astype(int)
    high = np.ceil(corners.max(1) + 1).clip(max=pictures[0].size).astype(int)
    fold = np.hypot(*place[:, :2].T).round().clip(1).astype(int)  # pixels to one of the crop
    box, fold_xy = (*low.tolist(), *high.tolist()), tuple(fold.tolist())
    planes = np.dstack([np.asarray(each.crop(box).reduce(fold_xy)) for each in pictures])
    place = (place - np.pad(low[:, None], ((0, 0), (2, 0)))) / fold[:, None]
    return Sample(planes, place.astype(np.float32), look.astype(np.float32))


def _colours(rng: Chance, grey: float) -> np.ndarray:
    """Brightness, contrast and saturation, three times in four; now and then grey."""
    if rng.random() < 0.25:
        return PLAIN
    saturation = 0.0 if rng.random() < grey else rng.uniform(0.6, 1.3)
    contrast, gain, level = rng.uniform(0.7, 1.3), rng.uniform(0.95, 1.05, 3), rng.uniform(-30, 30)
    return np.array([saturation, contrast, *gain, *[level] * 3])


def _tint(rng: Chance, shift: float) -> np.ndarray:
    """Brightness and contrast, and a shift of each channel, each three times in four."""
    look = PLAIN.copy()
    if rng.random() < 0.75:
        look[2:5] += rng.uniform(-0.15, 0.4)
        look[5:] += 255 * rng.uniform(-0.25, 0.25)
    if rng.random() < 0.75:
        look[5:] += rng.uniform(-shift, shift, 3)
    return look
