"""Notebooks 11, 12: drawn slices that look like medical pictures, written, or made harder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (192, 256)  # (H, W) of every slice
Slice = tuple[np.ndarray, np.ndarray]


def clouds(rng: np.random.Generator, strength: float, cells: int = 9) -> np.ndarray:
    """Smooth random brightness `[192, 256]`, of `cells` bumps from top to bottom."""
    noise = Image.fromarray(rng.normal(0, strength, (cells, cells + 3)).astype(np.float32))
    return np.asarray(noise.resize((SIZE[1], SIZE[0]), Image.Resampling.BICUBIC), float)


def as_picture(grey: np.ndarray) -> np.ndarray:
    """A grey map `[H, W]` as uint8 RGB `[H, W, 3]`."""
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, -1)


def em_like(i: int, seed: int = 0) -> Slice:
    """Cells wall to wall, as an electron microscope shows them, and one mitochondrion's mask."""
    rng, (y, x) = np.random.default_rng([seed, 1, i]), np.indices(SIZE, float)
    at = rng.uniform((0, 0), SIZE, (14, 2))
    away = np.sort(np.hypot(y[..., None] - at[:, 0], x[..., None] - at[:, 1]), -1)
    grey = 165 - 95 * np.exp(-(((away[..., 1] - away[..., 0]) / 5) ** 2)) + clouds(rng, 14, 20)
    r = np.ones(SIZE)
    for cy, cx in rng.uniform((40, 45), (150, 210), (3, 2)):
        long, wide, turn = *rng.uniform((20, 11), (34, 17)), rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        r = np.hypot(u / long, v / wide)
        grey = np.where(r < 1, 112 + 20 * np.sin(u) - 45 * (r > 0.85), grey)
    return as_picture(grey + rng.normal(0, 9, SIZE)), r < 1  # the last one is on top


def _brain(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """A brain without its skull as grey values, and how far out a pixel lies; 1 is the surface."""
    u, v = (x - 128) / 70, (y - 96) / 86
    r = np.hypot(u, v * (1 + 0.06 * v)) + clouds(rng, 0.02, 12)
    bark = 1 / (1 + np.exp(20 * (0.72 - r)))  # the cortex, a bright rim with dark folds
    grey = (
        104
        + clouds(rng, 5, 14)
        + bark * (26 - 62 * np.exp(-((clouds(rng, 1, 22) / 0.22) ** 2)))
    )
    grey -= 55 * np.exp(-((u / 0.025) ** 2)) * (abs(v) > 0.42)  # between the halves
    for side in (-1, 1):  # two ventricles, dark
        away = np.hypot((u - side * (0.12 + 0.22 * v**2)) / (0.09 + 0.05 * abs(v)), v / 0.38)
        grey -= (grey - 34) / (1 + np.exp(9 * (away - 1)))
    return 3 + grey / (1 + np.exp(45 * (r - 1))), r


def mr_like(i: int, seed: int = 0) -> Slice:
    """A brain with uneven light and grain, as magnetic resonance shows it, and a lesion's mask."""
    rng, (y, x) = np.random.default_rng([seed, 2, i]), np.indices(SIZE, float)
    grey, r = _brain(rng, x, y)
    size, aside = rng.uniform(18, 30), rng.choice((-1, 1)) * rng.uniform(24, 40)
    cx, cy = 128 + aside, 96 + rng.uniform(-38, 38)
    angle = np.arctan2(y - cy, x - cx)
    waves = sum(
        rng.normal(0, 0.28 / k) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 6)
    )
    away = np.hypot(x - cx, y - cy) / (size * (1 + waves))
    grey += (150 + clouds(rng, 10, 12) - grey) * (r < 1) / (1 + np.exp(10 * (away - 1)))
    right, down = rng.normal(0, 0.16, 2)  # the coil is nearer on one side
    grey *= 1 + right * (x - 128) / 70 + down * (y - 96) / 86
    real, other = rng.normal(0, 8, (2, *SIZE))
    return as_picture(np.hypot(grey + real, other)), (away < 1) & (r < 1)


def faded(picture: np.ndarray, contrast: float, noise: float = 6, seed: int = 0) -> np.ndarray:
    """The picture drawn toward its own mean, with grey noise that does not shrink with it.

    Args:
        picture: uint8 `[H, W, 3]`.
        contrast: the share of the contrast that is left, 0 to 1.
        noise: standard deviation, in grey values.
        seed: draws the noise.
    """
    rng = np.random.default_rng(seed)
    grey = picture.mean() + contrast * (picture.astype(float) - picture.mean())
    grey += rng.normal(0, noise, picture.shape[:2])[..., None]
    return grey.clip(0, 255).astype(np.uint8)


def farther(picture: np.ndarray, truth: np.ndarray, scale: float) -> Slice:
    """The slice at `scale` times its size, its mirror images filling the frame; one truth."""
    h, w = (round(scale * side) for side in truth.shape)
    rim = [((a - b) // 2, (a - b + 1) // 2) for a, b in zip(truth.shape, (h, w), strict=True)]
    small, mask = (np.asarray(Image.fromarray(a).resize((w, h))) for a in (picture, truth))
    return np.pad(small, [*rim, (0, 0)], "symmetric"), np.pad(mask, rim)


def lay_out(named: Mapping[str, Slice], where: str | Path) -> Path:
    """A folder with images/NAME.png and masks/NAME.png of pictures and their uint8 labels."""
    for room, k in (("images", 0), ("masks", 1)):
        Path(where, room).mkdir(parents=True, exist_ok=True)
        for name, pair in named.items():
            Image.fromarray(pair[k]).save(Path(where, room, f"{name}.png"))
    return Path(where)
