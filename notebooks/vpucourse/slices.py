"""Notebook 12: drawn slices that look like medical pictures, and ways to make them harder."""

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


def mr_like(i: int, seed: int = 0) -> Slice:
    """A head with uneven light and grain, as magnetic resonance shows it, and a spot's mask."""
    rng, (y, x) = np.random.default_rng([seed, 2, i]), np.indices(SIZE, float)
    r = np.hypot((x - 128) / 105, (y - 96) / 80)
    grey = np.where(r < 1, 95 + clouds(rng, 16), 8) + 90 * np.exp(-(((r - 1) / 0.05) ** 2))
    cx, cy, size = *rng.uniform((85, 65), (170, 125)), rng.uniform(14, 26)
    angle = np.arctan2(y - cy, x - cx)
    waves = sum(rng.normal(0, 0.12) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4))
    away = np.hypot(x - cx, y - cy) / (size * (1 + waves))
    grey = (grey + 60 / (1 + np.exp(9 * (away - 1)))) * (0.85 + 0.3 * x / 256)
    real, other = rng.normal(0, 8, (2, *SIZE))
    return as_picture(np.hypot(grey + real, other)), away < 1


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
