"""Pictures of a training run: what was asked, said and answered in the step of a checkpoint."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from vpuformer.drawing.overlay import overlay
from vpuformer.errors import CheckpointError, written_whole
from vpuformer.prompts import Box, Click, Prompt, Scribble
from vpuformer.pue import BOX, SCRIBBLE, PromptBatch
from vpuformer.training.checkpoint import ADVICE
from vpuformer.training.sampling import THRESHOLD

SHOWN, SIDE = 4, 256  # crops in a picture, pixels of each


def paint(path: Path, batch: tuple[Tensor, ...], prompts: PromptBatch, prob: Tensor) -> None:
    """Write the first crops of a batch side by side: truth, all prompts, the last round's mask.

    Args:
        path: a PNG, written whole or not at all.
        batch: images uint8 `[B, 3, S, S]`, the objects asked for `[B, 1, S, S]`, and more.
        prompts: what was said, in pixels of the crops.
        prob: the answers to all of it, `[B, 1, S, S]`.
    """
    images, target, *_ = batch
    tiles = []
    for i, image in enumerate(images[:SHOWN].permute(0, 2, 3, 1).cpu().numpy()):
        mask, truth = ((t[i, 0] > THRESHOLD).cpu().numpy() for t in (prob, target))
        scale = SIDE / len(image)
        tiles.append(overlay(image, mask, prompts=[*said(prompts, i)], gt_mask=truth, scale=scale))
    with written_whole(path, CheckpointError, ADVICE) as temporary:
        Image.fromarray(np.concatenate(tiles, 1)).save(temporary, "PNG")


def said(prompts: PromptBatch, i: int) -> Iterator[Prompt]:
    """The prompts of picture i as values, padded slots left out."""
    for n in prompts.valid[i].nonzero()[:, 0].tolist():
        kind, positive = int(prompts.kind[i, n]), bool(prompts.positive[i, n])
        x, y, w, h = prompts.xywh[i, n].tolist()
        if kind == SCRIBBLE:
            yield Scribble(tuple(map(tuple, prompts.points[i, n].tolist())), positive)
        else:
            yield Box(x, y, w, h, positive) if kind == BOX else Click(x, y, positive)
