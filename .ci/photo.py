"""Draws a photo-like picture (a bright disc on a gradient), or checks masks of it."""

import sys

import numpy as np
from PIL import Image

SIZE, CENTRE, RADIUS = (320, 400), (170, 145), 95  # (H, W), (x, y), pixels


def disc() -> np.ndarray:
    """The disc's pixels, bool `[H, W]`."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.hypot(x - CENTRE[0], y - CENTRE[1]) < RADIUS


def draw(path: str) -> None:
    """Write the picture."""
    noise = np.random.default_rng(0).normal(0, 6, (*SIZE, 3))
    ground = np.linspace(40, 110, SIZE[1])[None, :, None] * [0.6, 1.0, 0.8]
    image = np.where(disc()[..., None], [215, 120, 40], ground) + noise
    Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(path)


def check(path: str) -> None:
    """Fail unless the mask has the picture's size and holds the click."""
    mask = np.asarray(Image.open(path).convert("L")) > 127
    assert mask.shape == SIZE, f"{path}: size {mask.shape}, expected {SIZE}"
    assert mask[80, 120], f"{path}: the positive click's own pixel is not in the mask"
    print(f"{path}: IoU {(mask & disc()).sum() / (mask | disc()).sum():.2f} with the disc")


if __name__ == "__main__":
    for name in sys.argv[2:]:
        {"draw": draw, "check": check}[sys.argv[1]](name)
