"""HRNet-W18-small (v2): four resolutions side by side, BatchNorm folded into its convolution."""

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from vpuformer.network.encoders.published import Published, normalise
from vpuformer.network.encoders.resnet import Bottleneck, conv
from vpuformer.network.shapes import Image, Level, Map

WIDTHS = (18, 36, 72, 144)
MODULES = (1, 3, 2)  # exchange modules of stages 2, 3, 4
BLOCKS = 2  # residual blocks per branch and module, and of stage 1


class BasicBlock(nn.Module):
    """Two 3x3 convolutions; residual."""

    def __init__(self, chans: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(chans, chans, 3), conv(chans, chans, 3)

    def forward(self, x: Map) -> Map:
        """The block's output."""
        return F.relu_(x + self.conv2(F.relu_(self.conv1(x))))


def path(source: int, target: int) -> nn.Module:
    """From one branch to another: 1x1 up, a 3x3 at stride 2 per step down, ReLU between them."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(conv(WIDTHS[source], WIDTHS[target], 1))
    same = WIDTHS[source]
    steps = [nn.Sequential(conv(same, same, 3, 2), nn.ReLU()) for _ in range(source + 1, target)]
    return nn.Sequential(*steps, nn.Sequential(conv(same, WIDTHS[target], 3, 2)))


class Exchange(nn.Module):
    """Residual blocks on each branch, then every branch gets the sum of all, resampled."""

    def __init__(self, count: int) -> None:
        super().__init__()
        branches = ([BasicBlock(width) for _ in range(BLOCKS)] for width in WIDTHS[:count])
        self.branches = nn.ModuleList(nn.Sequential(*branch) for branch in branches)
        paths = ([path(j, i) for j in range(count)] for i in range(count))
        self.fuse_layers = nn.ModuleList(map(nn.ModuleList, paths))

    def forward(self, maps: list[Level]) -> list[Level]:
        """As many maps, of the same shapes."""
        maps = [branch(m) for branch, m in zip(self.branches, maps, strict=True)]
        outputs = []
        for own, paths in zip(maps, self.fuse_layers, strict=True):
            pairs = zip(paths, maps, strict=True)  # pyright: ignore
            steps = (step(other) for step, other in pairs if other is not own)
            # of the same size already from a finer branch
            others = (F.interpolate(y, own.shape[-2:], mode="bilinear") for y in steps)
            outputs.append(F.relu(sum(others, own)))
        return outputs


class HRNet18s(nn.Module):
    """The trunk with outputs at strides 4, 8, 16 and 32.

    Sec. IV-B, HRNet18s. Early fusion adds its maps after the first of the stem's two convolutions.
    """

    stem_channels, stem_stride = 64, 2
    channels = WIDTHS

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem2 = conv(3, self.stem_channels, 3, 2), conv(64, 64, 3, 2)
        wide = 64 * Bottleneck.expansion
        self.layer1 = nn.Sequential(*(Bottleneck(wide if r else 64, 64) for r in range(BLOCKS)))
        self.keep = conv(wide, WIDTHS[0], 3)
        steps = ((wide, WIDTHS[1]), *pairwise(WIDTHS[1:]))
        self.widen = nn.ModuleList(conv(source, target, 3, 2) for source, target in steps)
        stages = ([Exchange(i + 2) for _ in range(n)] for i, n in enumerate(MODULES))
        self.stages = nn.ModuleList(map(nn.ModuleList, stages))

    def freeze_stages(self, count: int) -> None:
        """Keep the stem and the first `count` of the four stages as they are."""
        stages = [self.layer1, *self.stages][:count]
        entries = [self.keep, *self.widen][:count]
        for module in [self.stem, self.stem2, *stages, *entries] if count else []:
            module.requires_grad_(False)

    def forward(self, image: Image, stem_maps: Map | None = None) -> list[Level]:
        """Four maps at 1/4, 1/8, 1/16, 1/32 of an RGB image in 0..1 (sides multiples of 32)."""
        x = F.relu_(self.stem(normalise(image)))
        x = F.relu_(self.stem2(x if stem_maps is None else x + stem_maps))
        x = self.layer1(x)
        maps, source = [F.relu_(self.keep(x))], x
        for widen, stage in zip(self.widen, self.stages, strict=True):
            maps.append(F.relu(widen(source)))
            for exchange in stage:  # pyright: ignore[reportGeneralTypeIssues]
                maps = exchange(maps)
            source = maps[-1]
        return maps

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take ImageNet weights in the authors' layout (`hrnet_w18_small_model_v2.pth`).

        Key map: `conv1 + bn1` -> `stem`, `conv2 + bn2` -> `stem2`; `layer1.R` -> `layer1[R]`;
        `transition1.0` -> `keep`, `transitionS.S.0` -> `widen[S - 1]`; `stageS.M.branches` and
        `stageS.M.fuse_layers` -> `stages[S - 2][M]`, each BatchNorm (eps 1e-5) folded in;
        `incre_modules`, `downsamp_modules`, `final_layer`, `classifier`, `last_layer` are dropped.
        """
        heads = ("incre_modules.", "downsamp_modules.", "final_layer.", "classifier.")
        source = Published(weights, "HRNet-W18-small", (*heads, "last_layer."))
        source.fold(self.stem, "conv1", "bn1")
        source.fold(self.stem2, "conv2", "bn2")
        source.fold_all(self.layer1, "layer1")
        source.fold(self.keep, "transition1.0.0", "transition1.0.1")
        for i, (widen, stage) in enumerate(zip(self.widen, self.stages, strict=True)):
            at = f"transition{i + 1}.{i + 1}.0"
            source.fold(widen, f"{at}.0", f"{at}.1")  # pyright: ignore
            source.fold_all(stage, f"stage{i + 2}")
        source.close()
