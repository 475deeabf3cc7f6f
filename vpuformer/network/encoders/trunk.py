"""A trunk of stages, one after the other."""

from itertools import accumulate

from torch import Tensor, nn

from vpuformer.network.shapes import Level


class Trunk(nn.Module):
    """What encoders share that are a stem and stages, each taking the last one's output."""

    stem: nn.Conv2d
    stages: nn.ModuleList

    def freeze_stages(self, count: int) -> None:
        """Keep the stem and the first `count` stages as they are."""
        for module in [self.stem, *self.stages[:count]] if count else []:
            module.requires_grad_(False)

    def run_stages(self, x: Tensor) -> list[Level]:
        """The output of every stage."""
        return list(accumulate(self.stages, lambda y, stage: stage(y), initial=x))[1:]
