"""Where things are: the sine encoding of the grid, and prompt vectors as tokens beside it."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vpuformer.config import PueConfig
from vpuformer.network.attention import FeedForward
from vpuformer.network.shapes import Prompts, Vectors

MAX_CYCLES = 16.0  # highest frequency, in cycles per side of the frame


def sine_axis(length: int, width: int) -> Float[Tensor, "length width"]:
    """Sines and cosines of a cell's place on an axis of the frame, one row per cell.

    Sec. III-C, positional encoding. Frequencies rise geometrically from 1/2 to 16 cycles a side.
    """
    place, count = (torch.arange(length).float() + 0.5) / length, width // 2
    cycles = 0.5 * (2 * MAX_CYCLES) ** (torch.arange(count).float() / max(count - 1, 1))
    angle = 2 * math.pi * place[:, None] * cycles  # L width/2
    return torch.cat([angle.sin(), angle.cos()], -1)


def sine_grid(size: tuple[int, int], embed_dim: int) -> Float[Tensor, "L D"]:
    """The encoding of each cell of a grid (H, W), row by row: first half x, second half y."""
    height, width = size
    x = sine_axis(width, embed_dim // 2).expand(height, width, -1)
    y = sine_axis(height, embed_dim // 2)[:, None].expand(height, width, -1)
    return torch.cat([x, y], -1).flatten(0, 1)


class PromptEmbedding(nn.Module):
    """A prompt vector of PuE as a token of width D.

    Sec. III-C: the query q. The linear map of q_h and q_v starts as the grid's own sine encoding,
    so a click begins as the encoding of its place, a box as a blurred one; the sign q_b has a
    linear map of its own, and a residual MLP follows. The rivals of Table IV start at random.
    """

    def __init__(self, pue: PueConfig, embed_dim: int) -> None:
        super().__init__()
        self.split, half = pue.place_length, embed_dim // 2
        self.place = nn.Linear(self.split, embed_dim, bias=False)
        self.sign = nn.Linear(pue.vector_length - self.split, embed_dim)
        self.norm, self.mlp = nn.LayerNorm(embed_dim), FeedForward(embed_dim, mlp_ratio=2)
        axis = sine_axis(pue.length, half).T / (pue.sigma * math.sqrt(2 * math.pi))
        with torch.no_grad():
            if pue.encoding == "pue":
                self.place.weight.zero_()
                self.place.weight[:half, : pue.length] = axis
                self.place.weight[half:, pue.length :] = axis
            self.sign.weight.normal_()

    def forward(self, vectors: Vectors) -> Prompts:
        """One token per prompt vector."""
        place, sign = vectors[..., : self.split], vectors[..., self.split :]
        token = self.norm(self.place(place)) + self.sign(sign)
        return token + self.mlp(token)
