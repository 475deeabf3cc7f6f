"""Sample pictures: prompts go back to values, and a run leaves one with each checkpoint."""

import numpy as np
import pytest
import torch
from PIL import Image

from vpuformer.drawing import palette
from vpuformer.errors import CheckpointError
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch
from vpuformer.training.pictures import SHOWN, SIDE, paint, said

LISTS = [
    [Click(10, 20), Box(30, 20, 8, 12, False)],
    [Scribble([(1, 2), (9, 8)], False), Click(3, 4, False), Click(50, 9)],
]


def crops(count=2, side=64):
    target = torch.zeros(count, 1, side, side)
    target[:, :, 16:48, 10:40] = 1
    return torch.full((count, 3, side, side), 90, dtype=torch.uint8), target


def test_a_batch_becomes_prompts_again():
    batch = PromptBatch.of(LISTS)
    assert [*said(batch, 0)] == LISTS[0]
    assert [*said(batch, 1)] == LISTS[1]


def test_the_picture_shows_mask_truth_and_prompts(tmp_path):
    images, target = crops(SHOWN + 1)
    prompts = PromptBatch.of([[Click(20, 30)], *[[Click(50, 30, False)]] * SHOWN])
    paint(tmp_path / "samples" / "a.png", (images, target), prompts, target)
    picture = np.asarray(Image.open(tmp_path / "samples" / "a.png"))
    assert picture.shape == (SIDE, SHOWN * SIDE, 3)
    first, second = picture[:, :SIDE], picture[:, SIDE : 2 * SIDE]
    for tile, positive in ((first, True), (second, False)):
        for sign in (True, False):
            shade = np.array(palette.rgb(palette.of_sign(sign)))
            assert (np.abs(tile - shade.astype(int)).max(-1) < 3).any() == (sign == positive)
    inside, outside = first[100, 120].astype(int), first[20, 20].astype(int)
    assert inside[0] - inside[2] > 40 and np.ptp(outside) == 0  # yellow on grey


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    images, target = crops()
    (tmp_path / "samples").write_text("a file where the folder belongs")
    with pytest.raises(CheckpointError, match=r"Could not write .*a\.png"):
        paint(tmp_path / "samples" / "a.png", (images, target), PromptBatch.of(LISTS), target)
