"""Dual-cross Merging Attention: prompts and image features talk both ways (Eq. 7-10)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vpuformer.config import DmaConfig
from vpuformer.network.attention import Attention, FeedForward
from vpuformer.network.shapes import Pixels, Prompts, Valid

ChannelGate = Float[Tensor, "B D"]
PixelGate = Float[Tensor, "B L"]


@dataclass(frozen=True)
class DmaState:
    """What one layer hands on: prompt tokens, image tokens, and what it saw on the way."""

    prompts: Prompts
    pixels: Pixels
    q_prime: Prompts
    dual: Pixels
    attention: dict[str, Tensor]
    gates: dict[str, Tensor]


def channel_gate(F_qv_hat: Prompts, valid: Valid) -> ChannelGate:
    """How much each channel is wanted: the strongest response over the prompts, squashed.

    Eq. (9), prompt side. Reading R11: phi is the maximum over the valid prompts; none gives 0.
    """
    peak = F_qv_hat.masked_fill(~valid[..., None], torch.finfo(F_qv_hat.dtype).min).amax(1)
    return peak.sigmoid() * valid.any(1, keepdim=True)


def pixel_gate(F_vq_hat: Pixels) -> PixelGate:
    """How much each pixel is wanted: its strongest channel, squashed.

    Eq. (9), image side. Reading R11: phi is the maximum over the channels.
    """
    return F_vq_hat.amax(-1).sigmoid()


def merge(f: Pixels, g_c: ChannelGate, g_p: PixelGate, squared: bool = False) -> Pixels:
    """The merged feature f (1 + g_c + g_p).

    Eq. (10). Reading R12: taken with Eq. 9 to the letter the gates carry f themselves, so that it
    enters squared.
    """
    gates = g_c[:, None] + g_p[..., None]  # B L D
    return f * (1 + gates * f) if squared else f * (1 + gates)


class DmaLayer(nn.Module):
    """One layer: prompts among themselves, prompts to pixels, pixels to prompts.

    Sec. III-C; Readings R10-R12. "recommended" is pre-norm with residuals from q'; "literal" the
    paper's equations as printed; "code" the authors' order, post-norm, without a pixel FFN.
    """

    def __init__(self, config: DmaConfig, index: int) -> None:
        super().__init__()
        dim, heads = config.embed_dim, config.num_heads
        inner = dim // 2 if config.form == "code" else dim
        self.form, self.is_first = config.form, index == 0
        self.self_attention = Attention(dim, heads)
        self.prompts_to_pixels = Attention(dim, heads, inner)
        self.pixels_to_prompts = Attention(dim, heads, inner)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(5))
        self.prompt_ffn = FeedForward(dim, config.mlp_ratio)
        has_ffn = config.form != "code"
        self.pixel_ffn = FeedForward(dim, config.mlp_ratio) if has_ffn else nn.Identity()

    def forward(
        self, q: Prompts, e: Prompts, f: Pixels, pe: Float[Tensor, "L D"], valid: Valid
    ) -> tuple[Prompts, Prompts, Pixels, dict[str, Tensor]]:
        """q', the prompt tokens, the image tokens, and the three attention maps.

        `e` holds the original embedded prompts, `pe` the grid's encoding.
        """
        step = {"recommended": self._recommended, "literal": self._literal, "code": self._code}
        return step[self.form](q, e, f, pe, valid)

    def _recommended(self, q, e, f, pe, valid):
        n1, n2, n3, n4, n5 = self.norms
        x, v = n1(q), n3(f)
        attended, a_qq = self.self_attention(x + e, x + e, x, valid)
        q_prime = q + attended
        x = n2(q_prime)
        attended, a_qv = self.prompts_to_pixels(x + e, v + pe, v)
        F_qv = q_prime + attended  # Eq. 7, Reading R10: the residual is q'
        F_qv_hat = F_qv + self.prompt_ffn(n4(F_qv))  # Eq. 8, with a residual
        attended, a_vq = self.pixels_to_prompts(v + pe, x + e, x, valid)
        F_vq = f + attended  # Eq. 7
        F_vq_hat = F_vq + self.pixel_ffn(n5(F_vq))
        return q_prime, F_qv_hat, F_vq_hat, {"qq": a_qq, "qv": a_qv, "vq": a_vq}

    def _literal(self, q, e, f, pe, valid):
        q = q if self.is_first else q + e  # prompts re-added as the layer's query
        q_prime, a_qq = self.self_attention(q, q, q, valid)
        attended, a_qv = self.prompts_to_pixels(q_prime, f + pe, f)
        F_qv_hat = self.prompt_ffn(self.norms[3](attended + q))  # Eq. 7, 8
        attended, a_vq = self.pixels_to_prompts(f + pe, q_prime, q_prime, valid)
        F_vq_hat = self.pixel_ffn(self.norms[4](attended + f))  # Eq. 7, 8
        return q_prime, F_qv_hat, F_vq_hat, {"qq": a_qq, "qv": a_qv, "vq": a_vq}

    def _code(self, q, e, f, pe, valid):
        n1, n2, n3, n4, _ = self.norms
        if self.is_first:
            attended, a_qq = self.self_attention(q, q, q, valid)
            q_prime = n1(attended)
        else:
            attended, a_qq = self.self_attention(q + e, q + e, q, valid)
            q_prime = n1(q + attended)
        attended, a_qv = self.prompts_to_pixels(q_prime + e, f + pe, f)
        x = n2(q_prime + attended)
        x = n3(x + self.prompt_ffn(x))
        attended, a_vq = self.pixels_to_prompts(f + pe, x + e, x, valid)
        return q_prime, x, n4(f + attended), {"qq": a_qq, "qv": a_qv, "vq": a_vq}


class DMA(nn.Module):
    """Three layers of two-way attention, each with its merged feature map.

    Eq. (7): F_qv = MHCA(q', f, f) + q and F_vq = MHCA(f, q', q') + f, with q' = MHSA(q).
    Eq. (8): FFN(LN(.)) of both. "literal" is this. Reading R10: by default q' is added in place of
    q, as in the authors' code, and each FFN's output is added to what entered it.
    """

    def __init__(self, config: DmaConfig) -> None:
        super().__init__()
        self.form = config.form
        self.layers = nn.ModuleList(DmaLayer(config, i) for i in range(config.depth))

    def forward(
        self, prompts: Prompts, pixels: Pixels, pe: Float[Tensor, "L D"], valid: Valid
    ) -> list[DmaState]:
        """One state per layer; image tokens and prompt tokens run through all of them.

        Reading R12: "code" and "literal" gate the map that entered, f_v; "recommended" gates the
        layer's own pixel tokens, which would else reach the decoder as one number per pixel.
        """
        states, q, f = [], prompts, pixels
        for layer in self.layers:
            q_prime, q, f, attention = layer(q, prompts, f, pe, valid)
            g_c, g_p = channel_gate(q, valid), pixel_gate(f)
            base = f if self.form == "recommended" else pixels
            dual = merge(base, g_c, g_p, squared=self.form == "literal")
            states.append(DmaState(q, f, q_prime, dual, attention, {"channel": g_c, "pixel": g_p}))
        return states
