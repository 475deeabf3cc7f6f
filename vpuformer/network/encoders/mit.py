"""MiT-B0, SegFormer's trunk: overlapping patches, attention over a reduced grid, no positions."""

from collections.abc import Mapping
from itertools import accumulate

from torch import Tensor, nn
from torch.nn import functional as F

from vpuformer.network.encoders.published import Published, normalise
from vpuformer.network.shapes import X16, Image, Level, Map, Pixels

Grid = tuple[int, int]  # (H, W)
DIMS = (32, 64, 160, 256)
HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)  # of the keys' grid, per side
DEPTH = 2
MLP_RATIO = 4


def as_tokens(x: X16) -> Pixels:
    """A map as one token per cell, row by row."""
    return x.flatten(2).transpose(1, 2)


def as_map(tokens: Pixels, grid: Grid) -> X16:
    """Tokens of a grid (H, W) as a map."""
    return tokens.transpose(1, 2).unflatten(-1, grid)


class PatchEmbed(nn.Module):
    """A convolution whose patches overlap, then LayerNorm."""

    def __init__(self, in_chans: int, dim: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_chans, dim, kernel_size, stride, kernel_size // 2)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Level, maps: X16 | None = None) -> tuple[Pixels, Grid]:
        """Tokens and their grid; `maps` are added to the convolution's output."""
        x = self.proj(x)
        x = x if maps is None else x + maps
        return self.norm(as_tokens(x)), (x.shape[-2], x.shape[-1])


class ReducedAttention(nn.Module):
    """Self-attention of all tokens on keys and values from a coarser grid."""

    def __init__(self, dim: int, num_heads: int, reduction: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q, self.kv = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)
        self.sr = nn.Conv2d(dim, dim, reduction, reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(dim) if reduction > 1 else None

    def forward(self, x: Pixels, grid: Grid) -> Pixels:
        """The attended tokens."""
        keys = x
        if self.sr is not None and self.norm is not None:
            keys = self.norm(as_tokens(self.sr(as_map(x, grid))))  # B l D
        k, v = self.kv(keys).chunk(2, -1)
        q, k, v = (t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in (self.q(x), k, v))
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class MixMlp(nn.Module):
    """Expand, filter each channel, GELU, project: where the tokens learn their places."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        wide = dim * MLP_RATIO
        self.fc1, self.fc2 = nn.Linear(dim, wide), nn.Linear(wide, dim)
        self.dwconv = nn.ModuleDict({"dwconv": nn.Conv2d(wide, wide, 3, 1, 1, groups=wide)})

    def forward(self, x: Pixels, grid: Grid) -> Pixels:
        """The mixed tokens."""
        filtered = self.dwconv["dwconv"](as_map(self.fc1(x), grid))  # the published file's name
        return self.fc2(F.gelu(as_tokens(filtered)))


class Block(nn.Module):
    """Pre-norm attention and Mix-FFN; both residual."""

    def __init__(self, dim: int, num_heads: int, reduction: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, self.mlp = ReducedAttention(dim, num_heads, reduction), MixMlp(dim)

    def forward(self, x: Pixels, grid: Grid) -> Pixels:
        """The block's tokens."""
        x = x + self.attn(self.norm1(x), grid)
        return x + self.mlp(self.norm2(x), grid)


class Stage(nn.Module):
    """Patches, two blocks, LayerNorm."""

    def __init__(self, index: int) -> None:
        super().__init__()
        dim, before = DIMS[index], DIMS[index - 1] if index else 3
        kernel, stride = (3, 2) if index else (7, 4)
        self.patch_embed = PatchEmbed(before, dim, kernel, stride)
        blocks = (Block(dim, HEADS[index], REDUCTIONS[index]) for _ in range(DEPTH))
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Level, maps: X16 | None = None) -> X16:
        """The stage's map."""
        tokens, grid = self.patch_embed(x, maps)
        for block in self.blocks:
            tokens = block(tokens, grid)
        return as_map(self.norm(tokens), grid)


class MiTB0(nn.Module):
    """The trunk with outputs at strides 4, 8, 16 and 32.

    Sec. IV-B, SegFormerB0-S2. Early fusion adds its maps to the first patches, at 1/4.
    """

    stem_channels, stem_stride = DIMS[0], 4
    channels = DIMS

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(Stage(i) for i in range(len(DIMS)))

    def freeze_stages(self, count: int) -> None:
        """Keep the first `count` stages as they are."""
        self.stages[:count].requires_grad_(False)

    def forward(self, image: Image, stem_maps: Map | None = None) -> list[Level]:
        """Four maps at 1/4, 1/8, 1/16, 1/32 of an RGB image in 0..1 (sides multiples of 32)."""
        first = self.stages[0](normalise(image), stem_maps)
        return list(accumulate(self.stages[1:], lambda x, stage: stage(x), initial=first))

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take ImageNet weights in the authors' layout (`mit_b0.pth`).

        Key map: `patch_embedS`, `blockS.R`, `normS` -> `patch_embed`, `blocks[R]`, `norm` of the
        stage S - 1, the names inside them unchanged; `head` is dropped.
        """
        source = Published(weights, "MiT-B0", ("head.",))
        for s, stage in enumerate(self.stages, 1):
            source.copy(stage.patch_embed, f"patch_embed{s}")  # pyright: ignore
            for r, block in enumerate(stage.blocks):  # pyright: ignore
                source.copy(block, f"block{s}.{r}")
            source.copy(stage.norm, f"norm{s}")  # pyright: ignore
        source.close()
