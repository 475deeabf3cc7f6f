"""A pyramid from one scale: the plain transformer's neck and head, as the paper attaches DMA."""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from vpuformer.network.decoder import SeparableBlock
from vpuformer.network.shapes import X4, X16, Level, Prob

WIDTHS = (128, 256, 512, 1024)  # of the maps at 1/4, 1/8, 1/16 and coarser
Form = Literal["code", "literal"]


def _normed(layer: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [layer, nn.GroupNorm(1, layer.out_channels)]


def _level(steps: list[nn.Module], dim: int, width: int) -> nn.Sequential:
    """Steps that give `dim` channels, then 1x1 to the level's width."""
    return nn.Sequential(*steps, *_normed(nn.Conv2d(dim, width, 1)), nn.GELU())


def up_4(dim: int) -> nn.Sequential:
    """1/16 to 1/4: two transposed convolutions, then 1x1."""
    half, quarter = max(2 * WIDTHS[0], dim // 2), max(WIDTHS[0], dim // 4)
    first = _normed(nn.ConvTranspose2d(dim, half, 2, 2))
    second = _normed(nn.ConvTranspose2d(half, quarter, 2, 2))
    return _level([*first, nn.GELU(), *second], quarter, WIDTHS[0])


def up_8(dim: int) -> nn.Sequential:
    """1/16 to 1/8: one transposed convolution, then 1x1."""
    half = max(WIDTHS[1], dim // 2)
    return _level(_normed(nn.ConvTranspose2d(dim, half, 2, 2)), half, WIDTHS[1])


def keep_16(dim: int) -> nn.Sequential:
    """1/16 as it is: 1x1."""
    return _level([], dim, WIDTHS[2])


def down(dim: int, factor: int) -> nn.Sequential:
    """1/16 to 1/32 (factor 2) or 1/64 (factor 4): one strided convolution, then 1x1."""
    wide = max(WIDTHS[3], 2 * dim)
    return _level(_normed(nn.Conv2d(dim, wide, factor, factor)), wide, WIDTHS[3])


class SimplePyramid(nn.Module):
    """Four maps at 1/4 to 1/32 from a plain transformer's one, for the light decoder."""

    channels = WIDTHS

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList([up_4(dim), up_8(dim), keep_16(dim), down(dim, 2)])

    def forward(self, maps: list[X16]) -> list[Level]:
        """The four maps."""
        return [level(maps[-1]) for level in self.levels]


class PlainNeck(nn.Module):
    """What DMA works on, and the one level that passes it by; once per image.

    Sec. III-A, Fig. 3. A plain transformer's map goes in at its own width; four maps of a CNN are
    brought to one at 1/16. Returns the 1/4 map made from it, nothing at 1/8, and the 1/16 map.
    """

    def __init__(self, channels: tuple[int, ...], embed_dim: int) -> None:
        super().__init__()
        if len(channels) == 4:
            self.merge: nn.Module = Merge(channels[2], channels[3], embed_dim)
        elif channels[0] == embed_dim:
            self.merge = nn.Identity()
        else:
            self.merge = nn.Conv2d(channels[0], embed_dim, 1)
        self.fine = up_4(embed_dim)

    def forward(self, maps: list[Level]) -> tuple[X4, None, X16]:
        """(1/4, None, 1/16)."""
        x16 = self.merge(*maps[-2:])  # the two coarsest, or the only one
        return self.fine(x16), None, x16


class Merge(nn.Module):
    """A CNN's two coarsest maps as one at 1/16."""

    def __init__(self, fine_chans: int, coarse_chans: int, embed_dim: int) -> None:
        super().__init__()
        self.to_16 = nn.Conv2d(fine_chans, embed_dim, 1)
        self.to_32 = nn.Conv2d(coarse_chans, embed_dim, 1)
        self.mix = SeparableBlock(embed_dim)

    def forward(self, x16: Level, last: Level) -> X16:
        """The merged map."""
        coarse = F.interpolate(self.to_32(last), x16.shape[-2:], mode="bilinear")
        return self.mix(self.to_16(x16) + coarse)


class PlainDecoder(nn.Module):
    """Four levels from the image and three DMA layers, each brought to 1/4, then a mask.

    Sec. III-D; Reading R13. "code": 1/4, 1/8, 1/16, 1/32; 1x1 to `decoder_dim` and ReLU on each
    level, 1x1 and ReLU on their concatenation, 1x1 to the mask. "literal": the scales as printed,
    1/4, 1/16, 1/32, 1/64, a bare 1x1 on each level and one 1x1 on the concatenation.
    Paper: the authors' dropout before the last layer is left out.
    """

    def __init__(self, decoder_dim: int, embed_dim: int, form: Form) -> None:
        super().__init__()
        self.form = form
        if form == "code":
            levels, widths = [up_8(embed_dim), keep_16(embed_dim), down(embed_dim, 2)], WIDTHS
            fuse = (nn.Conv2d(decoder_dim, decoder_dim, 1, bias=i == 0) for i in range(4))
            self.fuse = nn.ModuleList(fuse)
        else:
            levels = [keep_16(embed_dim), down(embed_dim, 2), down(embed_dim, 4)]
            widths = (WIDTHS[0], *WIDTHS[2:], WIDTHS[3])
        self.levels = nn.ModuleList(levels)
        self.narrow = nn.ModuleList(nn.Conv2d(w, decoder_dim, 1) for w in widths)
        self.out_channels = decoder_dim if form == "code" else 4 * decoder_dim
        self.head = nn.Conv2d(self.out_channels, 1, 1)

    def forward(self, x4: X4, _: None, duals: list[X16]) -> tuple[Prob, Level]:
        """Logits at four times the 1/4 map's size, and the map that pixels are compared in."""
        maps = [x4] + [level(d) for level, d in zip(self.levels, duals, strict=True)]
        maps = [narrow(m) for narrow, m in zip(self.narrow, maps, strict=True)]
        if self.form == "code":  # 1x1 and upsampling commute: the wide map is never built
            maps = [fuse(F.relu(m)) for fuse, m in zip(self.fuse, maps, strict=True)]
        first, *rest = maps
        rest = [F.interpolate(m, x4.shape[-2:], mode="bilinear") for m in rest]
        F_v_hat = F.relu(sum(rest, first)) if self.form == "code" else torch.cat([first, *rest], 1)
        return F.interpolate(self.head(F_v_hat).float(), scale_factor=4, mode="bilinear"), F_v_hat
