"""From a photo with labels to one square training sample: an object, a crop, a look."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vpuformer.imaging import Span, tight_box

VOID = 255
Chance = np.random.Generator
LEAST_AREA, BACKGROUND = 1000, 0.05  # FACTS A39: pixels of an object; crops that may hold none
MOST_TRIES, NEAR = 20, 1000  # crops drawn of a photo; positions among which another one lies


@dataclass(frozen=True, slots=True)
class Sample:
    """One training sample: image uint8 `[S, S, 3]`, target and valid bool `[S, S]`."""

    image: np.ndarray
    target: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True, slots=True)
class Choice:
    """Which objects training asks for, and how they are cut out.

    With a `scale` as the paper and its code do it (FACTS A39, A43): photos are scaled, turned and
    cut anywhere, then brightened and tinted; without, crops lie around the object.
    """

    parts: float = 0.12  # share of samples that ask for one connected part of an object
    whole: float = 0.35  # share of samples that see the whole picture
    power: float = 0.5  # an object is taken in proportion to its pixels to this power
    scale: tuple[float, ...] = ()  # of the photo, from and to
    turn: float = 0.0  # degrees either way, on top of quarter turns; 0: never turned
    shift: float = 0.0  # grey levels by which each channel moves, either way
    mixing: float = 0.0  # how often each of the three things happens that `mixed` does


def pick_object(labels: np.ndarray, rng: Chance, choice: Choice) -> np.ndarray:
    """A mask to ask for: an instance, sometimes two merged, sometimes one connected part of it."""
    ids, counts = np.unique(labels, return_counts=True)
    keep = (ids != 0) & (ids != VOID) & (counts >= 40)
    ids, counts = ids[keep], counts[keep]
    if not len(ids):
        return labels == 1
    weights = counts**choice.power
    chosen = rng.choice(ids, p=weights / weights.sum())
    mask = labels == chosen
    draw = rng.random()
    if draw < 0.15 and len(ids) > 1:
        mask = mask | (labels == rng.choice(ids[ids != chosen]))
    elif draw < 0.15 + choice.parts:
        mask = _one_part(mask, rng)
    return mask


def _one_part(mask: np.ndarray, rng: Chance) -> np.ndarray:
    import cv2

    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= 40]
    return parts == rng.choice(large) if large else mask


def crop_box(mask: np.ndarray, rng: Chance, whole_share: float) -> Span:
    """Where to cut: the whole picture, or the object's box 1.05 to 3 times as large, shifted.

    The crop keeps no aspect, as the frame at inference keeps none. Edges (x0, y0, x1, y1) in
    pixel-corner coordinates (0 is the picture's left edge).
    """
    height, width = mask.shape
    box = tight_box(mask)
    if box is None or (rng.random() < whole_share and mask.mean() > 0.004):
        return 0, 0, width, height
    edges = []
    zoom = np.exp(rng.uniform(np.log(1.05), np.log(3.0)))
    for low, high, side in ((box[0], box[2], width), (box[1], box[3], height)):
        length = min(max((high - low) * zoom * rng.uniform(0.85, 1.18), 72.0), side)
        slack = length - (high - low)
        start = low - slack * np.clip(0.5 + rng.normal(0, 0.2), 0, 1)
        start = min(max(start, 0.0), side - length)
        edges.append((start, start + length))
    (x0, x1), (y0, y1) = edges
    return x0, y0, x1, y1


def _anywhere(
    image: Image.Image, labels: np.ndarray, crop: int, rng: Chance, choice: Choice
) -> tuple[Image.Image, np.ndarray]:
    """A square anywhere in a photo scaled and turned, and its labels; black past the edges.

    Objects of fewer than 1,000 pixels in it become ground. While it holds none, another one is
    drawn, but for one time in twenty.
    """
    (low, high), affine, place, found = choice.scale, Image.Transform.AFFINE, (), labels
    for _ in range(MOST_TRIES):
        scale, turn = rng.uniform(low, high), rng.uniform(-1, 1) * choice.turn
        angle = np.radians(turn + 90 * rng.integers(4)) if turn else 0.0
        a, b = np.cos(angle) / scale, np.sin(angle) / scale
        x, y = (s / 2 + max(0, s - crop / scale) * rng.uniform(-0.5, 0.5) for s in image.size)
        place = (a, -b, x - (a - b) * crop / 2, b, a, y - (a + b) * crop / 2)
        found = np.array(Image.fromarray(labels).transform((crop, crop), affine, place))
        ids, counts = np.unique(found, return_counts=True)
        found[np.isin(found, ids[(counts < LEAST_AREA) & (ids != VOID)])] = 0
        if np.any(found % VOID) or rng.random() < BACKGROUND:
            break
    return image.transform((crop, crop), affine, place, Image.Resampling.BILINEAR), found


def augment(
    image: Image.Image, labels: np.ndarray, crop: int, rng: Chance, choice: Choice = Choice()
) -> Sample:
    """One square sample of `crop` pixels a side; all chance from `rng`."""
    if choice.scale:
        image, labels = _anywhere(image, labels, crop, rng, choice)
    mask = pick_object(labels, rng, choice)
    box = (0, 0, crop, crop) if choice.scale else crop_box(mask, rng, whole_share=choice.whole)

    def cut(whole: Image.Image) -> np.ndarray:
        return np.asarray(whole.resize((crop, crop), Image.Resampling.BILINEAR, box=box))

    picture, target = cut(image), cut(Image.fromarray(np.uint8(255) * mask)) > 127
    valid = cut(Image.fromarray(np.uint8(255) * (labels == VOID))) < 128
    if rng.random() < 0.5:
        picture, target, valid = picture[:, ::-1], target[:, ::-1], valid[:, ::-1]
    picture = _tinted(picture, rng, choice.shift) if choice.scale else _recolour(picture, rng)
    return Sample(picture, target.copy(), valid.copy())


def _recolour(picture: np.ndarray, rng: Chance) -> np.ndarray:
    """Brightness, contrast and saturation, three times in four; rarely grey."""
    if rng.random() < 0.25:
        return picture.copy()
    pixels = picture.astype(np.float32)
    grey = pixels.mean(-1, keepdims=True)
    saturation = 0.0 if rng.random() < 0.04 else rng.uniform(0.6, 1.3)
    pixels = grey + saturation * (pixels - grey)
    middle = pixels.mean()
    pixels = middle + rng.uniform(0.7, 1.3) * (pixels - middle)
    pixels = pixels * rng.uniform(0.95, 1.05, 3).astype(np.float32) + rng.uniform(-30, 30)
    return pixels.clip(0, 255).astype(np.uint8)


def _tinted(picture: np.ndarray, rng: Chance, shift: float) -> np.ndarray:
    """Brightness and contrast, and a shift of each channel, each three times in four."""
    pixels = picture.astype(np.float32)
    if rng.random() < 0.75:
        pixels = pixels * (1 + rng.uniform(-0.15, 0.4)) + 255 * rng.uniform(-0.25, 0.25)
    if rng.random() < 0.75:
        pixels = pixels + rng.uniform(-shift, shift, 3)
    return pixels.round().clip(0, 255).astype(np.uint8)


def mixed(draw: Callable[[int], Sample], seed: int, position: int, share: float) -> Sample:
    """The sample of a position, changed by those of others in three ways, each this often.

    FACTS A39, as CFR-ICL does it. Its object alone is laid on another photo. Another one's object
    is laid on it, and hides a part of its object, joins it, or shines through. Another photo
    shines through all of it.

    Args:
        draw: gives the sample at a position.
        seed: decides, with the position, what happens.
        position: of the sample; the others lie behind it.
        share: how often each way is taken.
    """
    sample, rng = draw(position), np.random.default_rng([seed, position, 1])
    for way in np.flatnonzero(rng.random(3) < share):
        other, alpha = draw(position + int(rng.integers(1, NEAR))), rng.uniform(0.5, 1)
        image, target, valid = sample.image, sample.target, sample.valid
        left, how = target & ~other.target, rng.integers(3)
        if way == 0:
            image, valid = _laid(other.image, image, target, alpha), np.ones_like(valid)
        elif way == 2:
            image = _laid(other.image, image, np.ones_like(valid), alpha)
        elif left.sum() > 20:  # else nothing of its object would be seen
            image = _laid(image, other.image, other.target, alpha if how == 2 else 1.0)
            target, valid = (left, target | other.target, target)[how], valid | other.target
        sample = Sample(image, target, valid)
    return sample


def _laid(below: np.ndarray, above: np.ndarray, where: np.ndarray, alpha: float) -> np.ndarray:
    """One picture on another where a mask says so."""
    joined = alpha * above + (1 - alpha) * below
    return np.where(where[..., None], joined.round().astype(np.uint8), below)
