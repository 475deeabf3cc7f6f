"""A four-layer stem for the course: trains from nothing in minutes."""

from itertools import pairwise

from torch import nn
from torch.nn import functional as F

from vpuformer.network.encoders.trunk import Trunk
from vpuformer.network.shapes import Image, Level, Map


def _layer(in_chans: int, out_chans: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(in_chans, out_chans, 3, stride, 1)
    return [conv, nn.GroupNorm(8, out_chans), nn.ReLU(inplace=True)]


class TinyEncoder(Trunk):
    """Five strided convolutions with GroupNorm; outputs at strides 4, 8, 16 and 32."""

    stem_channels, stem_stride = 16, 2

    def __init__(self, channels: tuple[int, int, int, int] = (32, 48, 64, 96)) -> None:
        super().__init__()
        self.channels, self.stem = channels, nn.Conv2d(3, self.stem_channels, 3, 2, 1)
        widths = (self.stem_channels, *channels)
        stages = ([*_layer(a, b, 2), *_layer(b, b, 1)] for a, b in pairwise(widths))
        self.stages = nn.ModuleList(nn.Sequential(*layers) for layers in stages)

    def forward(self, image: Image, stem_maps: Map | None = None) -> list[Level]:
        """Four maps at 1/4, 1/8, 1/16, 1/32 of an RGB image in 0..1 (sides multiples of 32)."""
        x = self.stem(image * 2 - 1)
        return self.run_stages(F.relu(x if stem_maps is None else x + stem_maps))
