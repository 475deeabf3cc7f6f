"""Where things are, as sines: the grid's cells, and prompt tokens that begin beside them."""

import math

import pytest
import torch
from torch.nn import functional as F

from vpuformer.config import PueConfig
from vpuformer.network.embedding import PromptEmbedding, sine_axis, sine_grid
from vpuformer.prompts import Box, Click
from vpuformer.pue import encode

HALF = math.sqrt(0.5)


def test_sine_axis_by_hand():
    """Cell middles at 1/4 and 3/4 of the side; half a cycle and 16 cycles a side."""
    expected = torch.tensor([[HALF, 0, HALF, 1], [HALF, 0, -HALF, 1]])
    torch.testing.assert_close(sine_axis(2, 4), expected, atol=1e-5, rtol=0)


def test_frequencies_rise_geometrically():
    middle = sine_axis(1, 6)[0]  # one cell, its middle at 1/2: 0.5, sqrt(8) and 16 cycles
    angles = torch.tensor([0.5, 8**0.5, 16.0]) * math.pi
    torch.testing.assert_close(middle, torch.cat([angles.sin(), angles.cos()]), atol=1e-5, rtol=0)


def test_the_grid_goes_row_by_row_and_x_comes_first():
    grid, x, y = sine_grid((2, 3), 8), sine_axis(3, 4), sine_axis(2, 4)
    assert grid.shape == (6, 8)
    for row, column in ((0, 1), (1, 0), (1, 2)):
        assert torch.equal(grid[3 * row + column], torch.cat([x[column], y[row]]))


def test_a_click_begins_as_the_encoding_of_its_place():
    """A bell of sigma 3 on 448 cells dampens f cycles by exp(-(2 pi f sigma / 448)^2 / 2)."""
    pue, width = PueConfig(), 16
    cycles = 0.5 * 32 ** (torch.arange(4) / 3)
    damped = torch.exp(-((2 * math.pi * cycles * 3 / 448) ** 2) / 2).repeat(4)
    vector = encode([Click(200, 90)], (448, 448), pue)[0]
    with torch.no_grad():
        place = PromptEmbedding(pue, width).place(vector[: pue.place_length])
    expected = damped * torch.cat([sine_axis(448, 8)[200], sine_axis(448, 8)[90]])
    torch.testing.assert_close(place, expected, atol=5e-3, rtol=0)


@pytest.mark.parametrize("sign", ["onehot", "bit", "code3"])
def test_a_token_is_place_and_sign_and_what_an_mlp_makes_of_both(sign):
    pue = PueConfig(length=64, sign=sign)
    torch.manual_seed(0)
    embedding = PromptEmbedding(pue, 16)
    torch.nn.init.normal_(embedding.norm.weight)
    vectors = encode([Click(9, 50), Box(30, 20, 25, 9, False)], (64, 64), pue)[None]
    with torch.no_grad():
        place = vectors[..., :128] @ embedding.place.weight.T
        place = F.layer_norm(place, (16,), embedding.norm.weight, embedding.norm.bias)
        token = place + vectors[..., 128:] @ embedding.sign.weight.T + embedding.sign.bias
        torch.testing.assert_close(embedding(vectors), token + embedding.mlp(token))
        assert embedding.mlp(token).abs().amax() > 0.01
        assert embedding.sign.weight.std() > 0.5  # told apart from the start
