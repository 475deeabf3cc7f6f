"""The README's picture, made anew: `python docs/picture.py` writes docs/three_prompts.jpg."""

from pathlib import Path

import numpy as np
from PIL import Image

import vpuformer as vpu
from vpucourse import photo
from vpuformer.drawing.overlay import overlay

PROMPTS = (
    vpu.Click(290, 150),
    vpu.Box.from_corners(168, 13, 412, 312),
    vpu.Scribble([(200, 70), (290, 60), (300, 220), (225, 270)]),
)
GAP = 12


def main() -> None:
    """A click, a box, a scribble on the same cup, and the mask that each alone gives."""
    image, _ = photo("coffee")
    model = vpu.load("lite0", device="cpu")
    panels: list[np.ndarray] = []
    for prompt in PROMPTS:
        mask = vpu.segment(image, [prompt], model).mask
        panels += [overlay(image, mask, prompts=[prompt], scale=0.55)]
        panels += [np.full((len(panels[0]), GAP, 3), 255, np.uint8)]
    picture = Image.fromarray(np.concatenate(panels[:-1], 1))
    picture.save(Path(__file__).with_name("three_prompts.jpg"), quality=85)


if __name__ == "__main__":
    main()
