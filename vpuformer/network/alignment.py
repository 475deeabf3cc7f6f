"""Pixels and prompts in one space, and how alike they are (Eq. 14-15)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from vpuformer.network.shapes import Map, Prompts


class Alignment(nn.Module):
    """The similarity of every pixel feature to every prompt.

    Eq. (14): z_v = F_v-hat / |F_v-hat| and z_q = (q' W_q + b_q) / |q' W_q + b_q|.
    Paper: the norm is not named; L2 keeps rho in 0..1.
    """

    def __init__(self, embed_dim: int, decoder_dim: int) -> None:
        super().__init__()
        self.prompt = nn.Linear(embed_dim, decoder_dim)

    def forward(self, F_v_hat: Map, q_prime: Prompts) -> Float[Tensor, "B N h w"]:
        """rho at 1/4 of the frame, 0..1."""
        z_v = F.normalize(F_v_hat.float().flatten(2), dim=1)  # B C L
        z_q = F.normalize(self.prompt(q_prime).float(), dim=-1)  # B N C
        with torch.autocast(z_q.device.type, enabled=False):  # bfloat16 rounds rho near 1 to 1
            return similarity(z_q, z_v).unflatten(-1, F_v_hat.shape[-2:])


def similarity(z_q: Float[Tensor, "B N C"], z_v: Float[Tensor, "B C L"]) -> Float[Tensor, "B N L"]:
    """Cosine similarity, moved to 0..1.

    Eq. (15): rho = (z_q . z_v + 1) / 2.
    """
    return (z_q @ z_v + 1) / 2
