"""Previous mask and prompt maps meet the image: before the encoder, or after it (Reading R9)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from vpuformer.config import ModelConfig
from vpuformer.network.shapes import Level, Map, Prob, Vectors
from vpuformer.prompts import Size
from vpuformer.pue import BOX, CLICK, SCRIBBLE, PromptBatch
from vpuformer.pue.restore import curve_map
from vpuformer.pue.rivals import cell_centres, distances

DISK_RADIUS = 5.0  # pixels of the frame
LINE_RADIUS = 1.5


def map_channels(config: ModelConfig) -> int:
    """How many maps enter the network beside the image: the previous mask and prompt maps."""
    return 1 + {"none": 0, "restored": 6, "disk": 2}[config.prompt_maps]


def input_maps(
    prev_mask: Prob, prompts: PromptBatch, vectors: Vectors, stride: int, config: ModelConfig
) -> Map:
    """The previous mask's probability and the prompt maps at 1/stride of the frame."""
    size = (prev_mask.shape[-2], prev_mask.shape[-1])
    grid = (size[0] // stride, size[1] // stride)
    mask = F.avg_pool2d(prev_mask, stride) if stride > 1 else prev_mask
    if config.prompt_maps == "none":
        return mask
    if config.prompt_maps == "restored":
        maps = restored_maps(prompts, vectors, grid, config.pue.length)
    else:
        maps = disk_maps(prompts, size, grid)
    return torch.cat([mask, maps.to(mask.dtype)], 1)


def restored_maps(
    prompts: PromptBatch, vectors: Vectors, grid: tuple[int, int], length: int
) -> Float[Tensor, "B 6 h w"]:
    """Positive and negative clicks, boxes and scribbles, each restored from its vector.

    Fig. 4. Pooling the two halves to the grid and multiplying is pooling the product. A box is
    shown as the fourth root of its bell, so that the edge (0.011 of the peak) stays visible.
    """
    q_h, q_v = vectors[..., : 2 * length].chunk(2, -1)
    rows, columns = F.adaptive_max_pool1d(q_v, grid[0]), F.adaptive_max_pool1d(q_h, grid[1])
    planes = rows[..., :, None] * columns[..., None, :]  # B N h w
    planes = torch.where((prompts.kind == BOX)[..., None, None], planes.sqrt().sqrt(), planes)
    strokes = prompts.valid & (prompts.kind == SCRIBBLE)
    if strokes.any():
        planes[strokes] = curve_map(q_h[strokes], q_v[strokes], grid)
    signs = (prompts.valid & prompts.positive, prompts.valid & ~prompts.positive)
    shown = [sign & (prompts.kind == kind) for kind in (CLICK, BOX, SCRIBBLE) for sign in signs]
    return torch.stack([(planes * where[..., None, None]).amax(1) for where in shown], 1)


def disk_maps(prompts: PromptBatch, size: Size, grid: Size) -> Float[Tensor, "B 2 h w"]:
    """Positive and negative prompts as disks (radius 5), outlines and lines (3 px wide)."""
    at = cell_centres(grid, (size[0] / grid[0], size[1] / grid[1])).to(prompts.xywh)
    away = distances(prompts.kind, prompts.xywh, prompts.points, at)  # B N h w
    reach = max(LINE_RADIUS, size[0] / grid[0] / 2)
    marked = away <= torch.where(prompts.kind == CLICK, DISK_RADIUS, reach)[..., None, None]
    signs = (prompts.valid & prompts.positive, prompts.valid & ~prompts.positive)
    shown = [(marked & sign[..., None, None]).any(1) for sign in signs]
    return torch.stack(shown, 1).to(prompts.xywh.dtype)


class EarlyFusion(nn.Module):
    """Maps added after the encoder's first convolution: every prompt re-encodes the image.

    Sec. IV-B (Conv1S): 1x1 to 16 channels, LeakyReLU, a convolution at the stem's stride (3x3 at
    stride 2, 7x7 at 4), scaled by 0.05.
    """

    def __init__(self, in_chans: int, stem_channels: int, stride: int = 2) -> None:
        super().__init__()
        self.expand = nn.Conv2d(in_chans, 16, 1)
        self.reduce = nn.Conv2d(16, stem_channels, 2 * stride - 1, stride, stride - 1)
        self.scale = nn.Parameter(torch.full((1,), 0.05))

    def forward(self, maps: Map) -> Level:
        """What to add to the stem's output, on its grid."""
        return self.scale * self.reduce(F.leaky_relu(self.expand(maps), 0.2))


class LateFusion(nn.Module):
    """Maps added to the encoded features at 1/4 and 1/16: the image is encoded once.

    Paper: the mask enters before the encoder (Fig. 3, Sec. IV-B); here it joins what left it.
    """

    def __init__(self, in_chans: int, decoder_dim: int, embed_dim: int) -> None:
        super().__init__()
        hidden = decoder_dim // 2
        self.stem = nn.Conv2d(in_chans, hidden, 3, 1, 1)
        self.fine = nn.Conv2d(hidden, decoder_dim, 1)
        self.coarse = nn.Conv2d(hidden, embed_dim, 4, 4)

    def forward(self, maps: Map) -> tuple[Level, Level]:
        """What to add at 1/4 and at 1/16."""
        x = F.relu_(self.stem(maps))
        return self.fine(x), self.coarse(x)
