"""ResNet50 with DeepLabV3+'s dilated last stage and ASPP, BatchNorm folded into its convolution."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from vpuformer.network.encoders.published import Published, normalise
from vpuformer.network.encoders.trunk import Trunk
from vpuformer.network.shapes import Image, Level, Map

DEPTHS = (3, 4, 6, 3)
HIDDEN = (64, 128, 256, 512)
RATES = (6, 12, 18)  # of ASPP at 1/16


def conv(in_chans: int, out_chans: int, kernel_size: int, stride: int = 1, dilation: int = 1):
    """A convolution that keeps the grid at stride 1."""
    pad = dilation * (kernel_size // 2)
    return nn.Conv2d(in_chans, out_chans, kernel_size, stride, pad, dilation)


class Bottleneck(nn.Module):
    """1x1, 3x3 (which takes the stride), 1x1 to four times the width; residual."""

    expansion = 4

    def __init__(self, in_chans: int, hidden: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        out = hidden * self.expansion
        self.conv1 = conv(in_chans, hidden, 1)
        self.conv2 = conv(hidden, hidden, 3, stride, dilation)
        self.conv3 = conv(hidden, out, 1)
        changes = stride > 1 or in_chans != out
        self.downsample = nn.Sequential(conv(in_chans, out, 1, stride)) if changes else None

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The block's output."""
        y = self.conv3(F.relu_(self.conv2(F.relu_(self.conv1(x)))))
        return F.relu_(y + (x if self.downsample is None else self.downsample(x)))


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, three dilated 3x3 and the image's mean, joined."""

    def __init__(self, in_chans: int, out_chans: int = 256) -> None:
        super().__init__()
        kinds = ((1, 1), *((3, rate) for rate in RATES))
        self.branches = nn.ModuleList(conv(in_chans, out_chans, k, dilation=d) for k, d in kinds)
        self.pool = conv(in_chans, out_chans, 1)
        self.norms = nn.ModuleList(nn.GroupNorm(32, out_chans) for _ in range(5))
        join = conv(out_chans * 5, out_chans, 1)
        self.project = nn.Sequential(join, nn.GroupNorm(32, out_chans), nn.ReLU(inplace=True))

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D h w"]:
        """The joined map."""
        maps = [*(branch(x) for branch in self.branches), self.pool(x.mean((2, 3), keepdim=True))]
        maps = [F.relu_(norm(m)) for norm, m in zip(self.norms, maps, strict=True)]
        maps[-1] = maps[-1].expand_as(maps[0])
        return self.project(torch.cat(maps, 1))


class ResNet50(Trunk):
    """The trunk with outputs at strides 4, 8, 16 and, dilated and through ASPP, again 16.

    Sec. IV-B, DeepLabV3+ with ResNet50: output stride 16, its low-level map is the one at 1/4.
    """

    stem_channels, stem_stride = 64, 2
    channels = (256, 512, 1024, 256)

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, self.stem_channels, 7, 2)
        self.stages, chans = nn.ModuleList(), self.stem_channels
        for i, (hidden, depth) in enumerate(zip(HIDDEN, DEPTHS, strict=True)):
            stride, dilation = (2 if i in (1, 2) else 1), (2 if i == 3 else 1)
            blocks = [Bottleneck(chans, hidden, stride)]
            chans = hidden * Bottleneck.expansion
            blocks += [Bottleneck(chans, hidden, 1, dilation) for _ in range(depth - 1)]
            self.stages.append(nn.Sequential(*blocks))
        self.aspp = ASPP(chans)

    def forward(self, image: Image, stem_maps: Map | None = None) -> list[Level]:
        """Maps at 1/4, 1/8, 1/16, 1/16 of an RGB image in 0..1 (sides multiples of 32)."""
        outputs = self.trunk(image, stem_maps)
        return [*outputs[:3], self.aspp(outputs[3])]

    def trunk(self, image: Image, stem_maps: Map | None = None) -> list[Level]:
        """The four stages' outputs, before ASPP."""
        x = F.relu_(self.stem(normalise(image)))
        return self.run_stages(F.max_pool2d(x if stem_maps is None else x + stem_maps, 3, 2, 1))

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take ImageNet weights in torchvision's layout (`resnet50-*.pth`).

        Key map: `conv1 + bn1` -> `stem`; `layerS.R` -> the R-th block of stage S, its `convN + bnN`
        and `downsample.0 + .1`, each BatchNorm (eps 1e-5) folded in; `fc` is dropped. ASPP is in no
        ImageNet file and stays as it is.
        """
        source = Published(weights, "ResNet50", ("fc.",))
        source.fold(self.stem, "conv1", "bn1")
        for s, stage in enumerate(self.stages, 1):
            source.fold_all(stage, f"layer{s}")
        source.close()
