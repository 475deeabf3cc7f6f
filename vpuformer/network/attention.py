"""Multi-head attention that says where it looked and ignores padded keys, and its feed-forward."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Attention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V over heads, through an output layer.

    Sec. III-C (MHSA and MHCA). `inner_dim` is the width of Q, K and V, `embed_dim` by default. With
    no valid key at all the weights are 0, and the answer is the output layer's bias.
    """

    def __init__(self, embed_dim: int, num_heads: int, inner_dim: int | None = None) -> None:
        super().__init__()
        inner, self.num_heads = inner_dim or embed_dim, num_heads
        self.q, self.k, self.v = (nn.Linear(embed_dim, inner) for _ in range(3))
        self.out = nn.Linear(inner, embed_dim)
        with torch.no_grad():  # alike at first: equal places attend to each other
            self.k.weight.copy_(self.q.weight)

    def forward(
        self,
        query: Float[Tensor, "B Q D"],
        key: Float[Tensor, "B S D"],
        value: Float[Tensor, "B S D"],
        key_valid: Bool[Tensor, "B S"] | None = None,
    ) -> tuple[Float[Tensor, "B Q D"], Float[Tensor, "B K Q S"]]:
        """The attended values and the attention weights."""
        wide = self.q(query), self.k(key), self.v(value)
        q, k, v = (x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for x in wide)  # B K S d
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # B K Q S
        if key_valid is None:
            weights = scores.softmax(-1)
        else:
            mask = key_valid[:, None, None]
            weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1) * mask
        return self.out((weights @ v).transpose(1, 2).flatten(2)), weights


class FeedForward(nn.Sequential):
    """Two linear layers with a ReLU between them."""

    def __init__(self, embed_dim: int, mlp_ratio: float) -> None:
        hidden = int(embed_dim * mlp_ratio)
        super().__init__(nn.Linear(embed_dim, hidden), nn.ReLU(True), nn.Linear(hidden, embed_dim))
