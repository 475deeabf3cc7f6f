"""Four scales become one map, and the map a mask (Eq. 11-13)."""

from torch import nn
from torch.nn import functional as F

from vpuformer.network.shapes import X4, X8, X16, Level, Prob


class SeparableBlock(nn.Module):
    """Each channel filtered 5x5, then a two-layer MLP across channels; residual."""

    def __init__(self, dim: int, mlp_ratio: int = 2) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, 5, 1, 2, groups=dim)
        self.norm, self.expand = nn.GroupNorm(1, dim), nn.Conv2d(dim, dim * mlp_ratio, 1)
        self.project = nn.Conv2d(dim * mlp_ratio, dim, 1)

    def forward(self, x: X16) -> X16:
        """The refined map."""
        return x + self.project(F.relu_(self.expand(self.norm(self.depthwise(x)))))


class Neck(nn.Module):
    """The encoder's four maps at the widths the decoder works with; once per image.

    Fig. 3, between encoder and DMA. Returns the 1/4 and 1/8 maps (decoder width) and the 1/16 map
    that DMA works on (1/16 plus the fourth map brought to it: 1/32, or 1/16 where the encoder is
    dilated).
    """

    def __init__(self, channels: tuple[int, ...], decoder_dim: int, embed_dim: int) -> None:
        super().__init__()
        self.to_4, self.to_8 = (nn.Conv2d(chans, decoder_dim, 1) for chans in channels[:2])
        self.to_16, self.to_32 = (nn.Conv2d(chans, embed_dim, 1) for chans in channels[2:])
        self.mix = SeparableBlock(embed_dim)

    def forward(self, maps: list[Level]) -> tuple[X4, X8, X16]:
        """(1/4, 1/8, 1/16)."""
        x4, x8, x16, last = maps
        coarse = F.interpolate(self.to_32(last), x16.shape[-2:], mode="bilinear")
        return self.to_4(x4), self.to_8(x8), self.mix(self.to_16(x16) + coarse)


class Decoder(nn.Module):
    """The light multi-scale decoder: 1/4 from the encoder, 1/8 to 1/32 from DMA layers 1 to 3.

    Eq. (11): each level is brought to 1/4. Reading R13.
    Eq. (12): a 1x1 convolution on each level.
    Eq. (13): their concatenation. A 1x1 convolution of the concatenation is the sum of one 1x1
    convolution per level, taken before upsampling: the wide map is never built.
    """

    def __init__(self, decoder_dim: int, embed_dim: int, depth: int) -> None:
        super().__init__()
        self.from_8 = nn.Conv2d(embed_dim, decoder_dim, 1)
        self.block_8 = SeparableBlock(decoder_dim)
        self.block_16, self.block_32 = (SeparableBlock(embed_dim) for _ in range(2))
        self.level_4, self.level_8 = (nn.Conv2d(decoder_dim, decoder_dim, 1) for _ in range(2))
        self.level_16, self.level_32 = (nn.Conv2d(embed_dim, decoder_dim, 1) for _ in range(2))
        self.blocks = nn.Sequential(*(SeparableBlock(decoder_dim) for _ in range(depth)))
        self.head, self.out_channels = nn.Conv2d(decoder_dim, 1, 1), decoder_dim

    def forward(self, x4: X4, x8: X8, duals: list[X16]) -> tuple[Prob, X4]:
        """Logits at four times the 1/4 map's size, and the fused map at 1/4, F_v-hat."""
        first, second, third = duals[0], duals[len(duals) // 2], duals[-1]
        up = F.interpolate(self.from_8(first), scale_factor=2, mode="bilinear")
        x8 = self.level_8(self.block_8(x8 + up))
        x16 = self.level_16(self.block_16(second))
        x32 = self.level_32(self.block_32(F.avg_pool2d(third, 2)))
        x16 = x16 + F.interpolate(x32, scale_factor=2, mode="bilinear")
        x8 = x8 + F.interpolate(x16, scale_factor=2, mode="bilinear")
        joined = self.level_4(x4) + F.interpolate(x8, x4.shape[-2:], mode="bilinear")
        F_v_hat = self.blocks(F.relu_(joined))
        return F.interpolate(self.head(F_v_hat).float(), scale_factor=4, mode="bilinear"), F_v_hat
