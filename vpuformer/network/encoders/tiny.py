"""A four-layer stem for the course: trains from nothing in minutes."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class TinyEncoder(nn.Module):
    """Five strided convolutions with GroupNorm; outputs at strides 4, 8, 16 and 32."""

    stem_channels, stem_stride = 16, 2

    def __init__(self, channels: tuple[int, int, int, int] = (32, 48, 64, 96)) -> None:
        super().__init__()
        self.channels = channels
        self.stem = nn.Conv2d(3, self.stem_channels, 3, 2, 1)
        widths = (self.stem_channels, *channels)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 3, 2, 1),
                nn.GroupNorm(8, b),
                nn.ReLU(),
                nn.Conv2d(b, b, 3, 1, 1),
                nn.GroupNorm(8, b),
                nn.ReLU(),
            )
            for a, b in pairwise(widths)
        )

    def freeze_stages(self, count: int) -> None:
        """Keep the stem and the first `count` stages as they are."""
        for module in [self.stem, *self.stages[:count]] if count else []:
            module.requires_grad_(False)

    def forward(
        self, image: Float[Tensor, "B 3 H W"], stem_maps: Float[Tensor, "B C h w"] | None = None
    ) -> list[Float[Tensor, "B _ _ _"]]:
        """Four maps at 1/4, 1/8, 1/16, 1/32 of an RGB image in 0..1 (sides multiples of 32)."""
        x = self.stem(image * 2 - 1)
        x = F.relu(x if stem_maps is None else x + stem_maps)
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs
