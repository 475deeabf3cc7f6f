"""Procedural scenes: coins, leaves, blobs and striped tiles on a textured ground.

Pictures without a photographer, for the course's small model and for tests.
"""

from typing import Literal, get_args

import numpy as np
from PIL import Image

from vpuformer.data.augmentation import Choice, Sample, augment
from vpuformer.errors import DataError

Kind = Literal["coin", "leaf", "blob", "tile"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Size = tuple[int, int]
SMALLEST = 60  # pixels of an object that must stay visible
LEAST_SIDE = 48
MOST_TRIES = 12  # shapes drawn to place all objects; one that hides another is left out

Shape = tuple[np.ndarray, np.ndarray]  # inside bool [H, W], shade float [H, W] around 1


def scene(
    seed: int, size: Size = (96, 128), kinds: tuple[Kind, ...] = KINDS
) -> tuple[np.ndarray, np.ndarray]:
    """A picture uint8 `[H, W, 3]` and its labels uint8 `[H, W]` (0 ground, 1..K objects).

    Two to five objects, fewer where they do not fit; a later one may cover part of an earlier
    one, never all of it. The same (seed, size, kinds) gives the same scene.

    Raises:
        DataError: a side is shorter than 48 pixels, or a kind is unknown.
    """
    if min(size) < LEAST_SIDE:
        raise DataError(
            f"A scene is {size[0]} x {size[1]} pixels, expected sides of at least {LEAST_SIDE}. "
            "Draw it larger and resize it."
        )
    if not kinds or not _SHAPES.keys() >= set(kinds):
        raise DataError(
            f"A scene has the kinds {kinds!r}, expected some of {', '.join(_SHAPES)}. "
            f"Unknown: {', '.join(sorted(set(kinds) - _SHAPES.keys())) or 'none'}."
        )
    rng = np.random.default_rng([seed, *size])
    picture, labels = _ground(rng, size), np.zeros(size, np.uint8)
    ground = picture.mean((0, 1))
    wanted, tries = int(rng.integers(2, 6)), 0
    while labels.max() < wanted and (tries < MOST_TRIES or not labels.any()):
        inside, shade = _SHAPES[kinds[rng.integers(len(kinds))]](rng, *_frame(rng, size)[:2])
        if _leaves_all_visible(inside, labels):
            labels[inside] = labels.max() + 1
            picture[inside] = (_colour_unlike(ground, rng) * shade[..., None])[inside]
        tries += 1
    picture += rng.normal(0, rng.uniform(2, 7), (*size, 1))
    return picture.clip(0, 255).astype(np.uint8), labels


def _leaves_all_visible(inside: np.ndarray, labels: np.ndarray) -> bool:
    """Whether an object would be seen and hide no other."""
    left = np.bincount(labels[~inside], minlength=int(labels.max()) + 1)
    return inside.sum() >= SMALLEST and left.min() >= SMALLEST


def _frame(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, np.ndarray, float]:
    """Coordinates (u, v) of every pixel around a random centre, turned, in object radii."""
    height, width = size
    radius = min(size) * rng.uniform(0.12, 0.32)
    x = np.arange(width) - rng.uniform(0.1, 0.9) * width
    y = np.arange(height)[:, None] - rng.uniform(0.1, 0.9) * height
    angle = rng.uniform(0, 2 * np.pi)
    u = (np.cos(angle) * x + np.sin(angle) * y) / radius
    v = (np.cos(angle) * y - np.sin(angle) * x) / radius
    return u, v, radius


def _coin(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> Shape:
    r = np.hypot(u, v * rng.uniform(1.0, 1.25))
    light = 1 + 0.18 * (u * 0.7 + v * 0.7)
    rim = np.where((r > 0.78) & (r < 0.88), 0.78, 1.0)
    return r < 1, light * rim


def _leaf(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> Shape:
    half = rng.uniform(0.35, 0.6) * (1 - np.minimum(u**2, 1)) * (1 + 0.25 * u)
    bent = v - rng.uniform(-0.25, 0.25) * (u**2 - 0.4)
    vein = np.where(np.abs(bent) < 0.06, 0.75, 1.0)
    ribs = 1 + 0.08 * np.sign(np.sin(9 * (u - np.abs(bent))))
    return (np.abs(bent) < half) & (np.abs(u) < 1), vein * ribs


def _blob(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> Shape:
    theta, edge = np.arctan2(v, u), np.full(u.shape, 0.75)
    for n in (2, 3, 4, 5):
        edge = edge + rng.normal(0, 0.28 / n) * np.cos(n * theta + rng.uniform(0, 2 * np.pi))
    return np.hypot(u, v) < edge.clip(0.3, 1.2), 1 + 0.1 * np.cos(2 * u + 1) * np.cos(3 * v)


def _tile(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> Shape:
    inside = (np.abs(u) < rng.uniform(0.6, 1.0)) & (np.abs(v) < rng.uniform(0.4, 0.8))
    bands = np.sin(rng.uniform(5, 10) * (u + rng.uniform(-0.5, 0.5) * v))
    return inside, np.where(bands > 0, 1.15, 0.7)


_SHAPES = {"coin": _coin, "leaf": _leaf, "blob": _blob, "tile": _tile}


def _ground(rng: np.random.Generator, size: Size) -> np.ndarray:
    """A coloured ground with soft clouds, sometimes with faint stripes, float32 `[H, W, 3]`."""
    height, width = size
    picture = np.ones((height, width, 3), np.float32) * rng.uniform(40, 215, 3)
    for cells, strength in ((4, 16), (13, 9)):
        noise = rng.normal(0, strength, (cells, cells + 1)).astype(np.float32)
        cloud = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
        picture += np.asarray(cloud)[..., None] * rng.uniform(0.6, 1.2, 3)
    if rng.random() < 0.4:
        u, v, radius = _frame(rng, size)
        picture += 9 * np.sin((u + 0.3 * v) * radius * rng.uniform(0.3, 0.8))[..., None]
    return picture.astype(np.float32)


def _colour_unlike(ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour at least 70 grey levels (Euclidean) from the ground's mean."""
    while True:
        colour = rng.uniform(30, 225, 3)
        if np.linalg.norm(colour - ground) > 70:
            return colour


class SceneSamples:
    """Training samples from scenes: position -> the same crop of the same scene, every time.

    Args:
        size: (H, W) of the scenes the crops are cut from.
        kinds: which objects to draw.
    """

    def __init__(self, size: Size = (144, 176), kinds: tuple[Kind, ...] = KINDS) -> None:
        self.size, self.kinds, self.choice = size, kinds, Choice()

    def sample(self, seed: int, position: int, crop: int) -> Sample:
        """The sample at a position of the endless order drawn from `seed`; `crop` px a side."""
        rng = np.random.default_rng([seed, position])
        image, labels = scene(int(rng.integers(2**62)), self.size, self.kinds)
        return augment(Image.fromarray(image), labels, crop, rng, self.choice)
