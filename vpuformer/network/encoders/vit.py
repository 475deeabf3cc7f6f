"""ViT-B/16 in MAE's layout: attention within windows, and over all tokens in blocks 6 and 12."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from vpuformer.network.encoders.published import Published, normalise
from vpuformer.network.shapes import Image, Level, Map, Pixels

PATCH = 16


class SelfAttention(nn.Module):
    """Multi-head attention of tokens among themselves."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: Pixels) -> Pixels:
        """The attended tokens."""
        heads = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))  # B L 3 K d
        q, k, v = heads.permute(2, 0, 3, 1, 4)  # B K L d each
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Pre-norm attention and MLP; both residual. `window` 0 is attention over all tokens."""

    def __init__(self, dim: int, num_heads: int, window: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, wide = SelfAttention(dim, num_heads), int(dim * mlp_ratio)
        mlp = {"fc1": nn.Linear(dim, wide), "act": nn.GELU(), "fc2": nn.Linear(wide, dim)}
        self.mlp = nn.Sequential(OrderedDict(mlp))

    def forward(self, x: Float[Tensor, "B h w D"]) -> Float[Tensor, "B h w D"]:
        """The block's tokens on their grid."""
        y, grid = self.norm1(x), (x.shape[1], x.shape[2])
        if self.window:
            y = join_windows(self.attn(split_windows(y, self.window)), self.window, grid)
        else:
            y = self.attn(y.flatten(1, 2)).unflatten(1, grid)
        x = x + y
        return x + self.mlp(self.norm2(x))


def split_windows(x: Float[Tensor, "B h w D"], side: int) -> Float[Tensor, "S L D"]:
    """Square windows of a grid as sequences, picture by picture, row by row."""
    b, h, w, d = x.shape
    tiles = x.reshape(b, h // side, side, w // side, side, d).transpose(2, 3)
    return tiles.reshape(-1, side * side, d)


def join_windows(
    windows: Float[Tensor, "S L D"], side: int, grid: tuple[int, int]
) -> Float[Tensor, "B h w D"]:
    """The inverse of `split_windows`."""
    h, w = grid
    tiles = windows.reshape(-1, h // side, w // side, side, side, windows.shape[-1])
    return tiles.transpose(2, 3).reshape(-1, h, w, windows.shape[-1])


class ViT(nn.Module):
    """A plain vision transformer with one output at stride 16; no class token, no final norm.

    Sec. IV-B, ViT-B. Frame sides are multiples of 16 * `window`; positions are resampled to the
    grid. Early fusion adds its maps to the patches: a second patch embedding is its Conv1S.
    """

    stem_stride = PATCH

    def __init__(
        self,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        *,
        window: int = 14,
        global_blocks: tuple[int, ...] = (5, 11),
        grid: int = 28,
    ) -> None:
        super().__init__()
        self.stem_channels, self.channels = embed_dim, (embed_dim,)
        self.grid, self.patch_embed = (grid, grid), nn.Conv2d(3, embed_dim, PATCH, PATCH)
        self.pos_embed = nn.Parameter(torch.zeros(1, embed_dim, grid, grid))
        nn.init.normal_(self.pos_embed, std=0.02)
        windows = (0 if i in global_blocks else window for i in range(depth))
        self.blocks = nn.ModuleList(Block(embed_dim, num_heads, side) for side in windows)

    def freeze_stages(self, count: int) -> None:
        """Keep the patches, the positions and the first `count` quarters of the blocks."""
        if count:
            self.patch_embed.requires_grad_(False)
            self.pos_embed.requires_grad_(False)
            self.blocks[: count * len(self.blocks) // 4].requires_grad_(False)

    def forward(self, image: Image, stem_maps: Map | None = None) -> list[Level]:
        """One map at 1/16 of an RGB image in 0..1."""
        x = self.patch_embed(normalise(image))
        places = self.pos_embed
        if places.shape[-2:] != x.shape[-2:]:
            places = F.interpolate(places, x.shape[-2:], mode="bicubic")
        x = x + places
        x = (x if stem_maps is None else x + stem_maps).permute(0, 2, 3, 1)  # B h w D
        for block in self.blocks:
            x = block(x)
        return [x.permute(0, 3, 1, 2)]

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take MAE's pretrained weights (`mae_pretrain_vit_base.pth`, its entry "model").

        Key map: `patch_embed.proj` -> `patch_embed`; `pos_embed` [1, 1 + L, D] -> without its class
        token, resampled to our grid; `blocks.N` -> `blocks[N]`, the names inside unchanged;
        `cls_token`, `norm`, `fc_norm`, `head` and MAE's decoder are dropped.
        """
        dropped = ("cls_token", "norm.", "fc_norm.", "head.", "decoder_", "mask_token")
        source = Published(weights, "ViT", dropped)
        source.copy(self.patch_embed, "patch_embed.proj")
        if (places := source.pop("pos_embed")) is not None:
            side = int((places.shape[1] - 1) ** 0.5)
            square = places[:, 1:].transpose(1, 2)  # 1 D L
            if side * side == square.shape[-1]:
                square = square.unflatten(-1, (side, side))
                square = F.interpolate(square, self.grid, mode="bicubic")
            source.put(self.pos_embed, square, "pos_embed")
        for n, block in enumerate(self.blocks):
            source.copy(block, f"blocks.{n}")
        source.close()
