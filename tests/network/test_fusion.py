"""What enters beside the image: the previous mask, and prompts shown as maps (Reading R9)."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from vpuformer.config import preset
from vpuformer.network.fusion import EarlyFusion, LateFusion, input_maps
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch, encode_batch

SIZE = (128, 128)  # as long as the prompt grid of `tiny`
LINE = [(90, 100), (110, 100)]
CLICKS = [Click(20, 30), Click(20, 30, False)]
BOXES = [Box(60, 70, 24, 12), Box(60, 70, 24, 12, False)]
EACH = [*CLICKS, *BOXES, Scribble(LINE), Scribble(LINE, False)]


def maps_of(prompts, shown, stride=1, prev=None):
    config = replace(preset("tiny"), prompt_maps=shown)
    batch = PromptBatch.of([prompts])
    prev = torch.zeros(1, 1, *SIZE) if prev is None else prev
    vectors = encode_batch(batch, SIZE, config.pue)
    return input_maps(prev, batch, vectors, stride, config)[0]


def test_the_previous_mask_is_averaged_over_a_cell():
    prev = torch.zeros(1, 1, *SIZE)
    prev[0, 0, 0, :3] = 1
    for shown in ("none", "restored", "disk"):
        assert maps_of([Click(99, 99)], shown, 4, prev)[0, 0, 0] == 3 / 16
        assert torch.equal(maps_of([Click(99, 99)], shown, 1, prev)[:1], prev[0])


@pytest.mark.parametrize("place", range(6))
def test_each_kind_and_sign_has_its_map(place):
    maps = maps_of([EACH[place]], "restored")[1:]
    assert [i for i, plane in enumerate(maps) if plane.any()] == [place]
    disks = maps_of([EACH[place]], "disk")[1:]
    assert [i for i, plane in enumerate(disks) if plane.any()] == [place % 2]


def test_clicks_are_bells_and_boxes_the_fourth_roots_of_theirs():
    clicks, _, boxes, *_ = maps_of([Click(20, 30), Click(21, 30), EACH[2]], "restored")[1:]
    assert clicks[30, 20] == clicks[30, 21] == 1  # the larger bell, not their sum
    assert clicks[33, 16].item() == pytest.approx(math.exp(-0.5 * (3**2 + 4**2) / 9), abs=1e-6)
    assert maps_of(CLICKS[:1], "restored", 4)[1, 7, 5] == 1  # a cell shows its largest
    assert boxes[70, 60] == 1
    edge = math.exp(-0.5 * 3**2 / 4)  # half a side is three sigmas
    assert boxes[70, 72].item() == pytest.approx(edge, abs=1e-6)
    assert boxes[76, 60].item() == pytest.approx(edge, abs=1e-6)


def test_disks_outlines_and_lines_by_hand():
    y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    click, box, line = (maps_of([p], "disk")[1] for p in EACH[::2])
    assert torch.equal(click > 0, (x - 20) ** 2 + (y - 30) ** 2 <= 25)
    assert box[70, 48:73].tolist() == [1, 1] + [0] * 21 + [1, 1]  # both edges, 48 and 72
    assert box[76, 60] == 1 and box[70, 60] == 0 and box[79, 60] == 0
    assert line[:, 95].nonzero()[:, 0].tolist() == [99, 100, 101]
    assert maps_of(EACH[4:5], "disk", 4)[1, :, 24].nonzero()[:, 0].tolist() == [25]  # 101.5


@torch.no_grad()
def test_early_fusion_begins_small():
    torch.manual_seed(0)
    fusion, maps = EarlyFusion(3, 8, stride=2), torch.randn(1, 3, 16, 16)
    wide = fusion.expand(maps)
    wide = torch.where(wide > 0, wide, 0.2 * wide)
    assert fusion.reduce.kernel_size == (3, 3)
    torch.testing.assert_close(fusion(maps), 0.05 * fusion.reduce(wide))


@torch.no_grad()
def test_late_fusion_adds_to_two_scales():
    torch.manual_seed(0)
    fusion, maps = LateFusion(3, 8, 16), torch.randn(1, 3, 16, 24)
    shared = F.relu(fusion.stem(maps))
    fine, coarse = fusion(maps)
    assert fine.shape == (1, 8, 16, 24) and coarse.shape == (1, 16, 4, 6)
    torch.testing.assert_close(fine, fusion.fine(shared))
    torch.testing.assert_close(coarse, fusion.coarse(shared))
