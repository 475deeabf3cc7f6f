"""What comes back out of a vector."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import encode, restore, restore_points
from vpuformer.pue.restore import curve_map

SIZE = (120, 200)  # H, W


@given(x=st.integers(0, 199), y=st.integers(0, 119))
def test_click_peaks_at_itself(x, y):
    plane = restore(encode([Click(x, y)], SIZE)[0], SIZE, "click")
    assert plane.shape == SIZE and plane[y, x] == 1 and (plane == 1).sum() == 1  # row = y


@given(x0=st.integers(0, 150), y0=st.integers(0, 80), w=st.integers(1, 49), h=st.integers(1, 39))
def test_box_keeps_its_extent(x0, y0, w, h):
    box = Box.from_pixels(x0, y0, x0 + w - 1, y0 + h - 1)
    plane = restore(encode([box], SIZE)[0], SIZE, "box") > 0
    expected = torch.zeros(SIZE, dtype=torch.bool)
    expected[y0 : y0 + h, x0 : x0 + w] = True
    assert torch.equal(plane, expected)


@settings(deadline=None)
@given(height=st.floats(2, 40), phase=st.floats(0, 6))
def test_scribble_keeps_its_curve(height, phase):
    def curve(x):
        return 60 + height * math.sin(x / 25 + phase)

    stroke = Scribble([(x, curve(x)) for x in range(20, 181)])
    columns, rows = restore_points(encode([stroke], SIZE)[0], SIZE)
    expected = torch.tensor([curve(float(x)) for x in columns[:, 0]])
    assert len(columns) == 161 and len(rows) >= height
    # half a cell at most, where the bounding box is rounded to cells; else float32 rounding
    error = (columns[:, 1] - expected).abs()
    assert error.max() <= 0.51 and error.median() < 2e-3


def test_scribble_map_is_one_cell_wide_around_the_curve():
    stroke = Scribble([(20, 20), (180, 100)])
    plane = restore(encode([stroke], SIZE)[0], SIZE, "scribble")
    assert plane[60, 100] > 0.99 and plane[60, 108] < 1e-3 and plane[100, 20] < 1e-3  # row = y


HOOK = Scribble([(20, 20), (20, 100), (180, 100)])  # down, then to the right


def test_scribble_map_shows_upright_and_level_parts():
    plane = restore(encode([HOOK], SIZE)[0], SIZE, "scribble")
    beside = math.exp(-0.5)  # one cell off
    for (y, x), expected in {(60, 20): 1, (60, 21): beside, (100, 90): 1, (99, 90): beside}.items():
        assert plane[y, x].item() == pytest.approx(expected, abs=1e-3), (y, x)


def test_scribble_map_on_a_coarser_grid_is_one_of_its_cells_wide():
    vector = encode([HOOK], SIZE)[0]
    plane = curve_map(vector[:200], vector[200:320], (30, 50))
    for row, centre in ((24, 97.5), (25, 101.5)):  # four pixels each
        expected = math.exp(-0.5 * ((centre - 100) / 4) ** 2)
        assert plane[row, 30].item() == pytest.approx(expected, abs=1e-3)
