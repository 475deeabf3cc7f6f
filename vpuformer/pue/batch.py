"""Prompts of many pictures as tensors, and their vectors (Eq. 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vpuformer.config import PueConfig
from vpuformer.errors import ConfigError, PromptError
from vpuformer.prompts import Prompt, Scribble, Size, kind_of, rescale
from vpuformer.pue.box import box_axis
from vpuformer.pue.gaussian import click_axis
from vpuformer.pue.rivals import distance_vector, learned_vector
from vpuformer.pue.scribble import scribble_axis

Chance = torch.Generator | None  # draws the points of Reading R7
CLICK, BOX, SCRIBBLE = range(3)
CHUNK = 512  # prompts encoded at a time: what lies between stays in the processor's cache
_CODES = {"click": CLICK, "box": BOX, "scribble": SCRIBBLE}


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """B lists of up to N prompts, padded; what stands in slots that are not valid has no effect.

    Attributes:
        kind: 0 click, 1 box, 2 scribble.
        positive: the prompt's sign.
        valid: False in padded slots.
        xywh: click x, y, 0, 0; box cx, cy, w, h; scribble: the same of its bounding box. Pixels.
        points: scribble vertices (x, y) in drawing order, the last one repeated; else the centre.
    """

    kind: Int[Tensor, "B N"]
    positive: Bool[Tensor, "B N"]
    valid: Bool[Tensor, "B N"]
    xywh: Float[Tensor, "B N 4"]
    points: Float[Tensor, "B N M 2"]

    @classmethod
    def of(
        cls, lists: Sequence[Sequence[Prompt]], device: torch.device | str = "cpu", step: int = 1
    ) -> "PromptBatch":
        """A batch of one list of prompts per picture, padded to a multiple of `step` slots."""
        n = -(-max([1, *(len(prompts) for prompts in lists)]) // step) * step
        m = max([1, *(len(p.points) for ps in lists for p in ps if isinstance(p, Scribble))])
        shape = (len(lists), n)
        kind, positive = torch.zeros(shape, dtype=torch.long), torch.zeros(shape).bool()
        valid = torch.arange(n) < torch.tensor([len(prompts) for prompts in lists])[:, None]
        xywh, points = (torch.zeros(*shape, *s, dtype=torch.float32) for s in ((4,), (m, 2)))
        for b, prompts in enumerate(lists):
            for i, prompt in enumerate(prompts):
                x0, y0, x1, y1 = prompt.bounds
                centre = ((x0 + x1) / 2, (y0 + y1) / 2)
                kind[b, i], positive[b, i] = _CODES[kind_of(prompt)], prompt.positive
                xywh[b, i] = torch.tensor([*centre, x1 - x0, y1 - y0])
                vertices = prompt.points if isinstance(prompt, Scribble) else (centre,)
                points[b, i] = torch.tensor([*vertices, *[vertices[-1]] * (m - len(vertices))])
        return cls(kind, positive, valid, xywh, points).to(device)

    def _map(self, function) -> "PromptBatch":
        return PromptBatch(*(function(getattr(self, f.name)) for f in fields(self)))

    def to(self, device: torch.device | str) -> "PromptBatch":
        """The same batch on a device."""
        return self._map(lambda t: t.to(device))

    def select(self, index: Tensor) -> "PromptBatch":
        """The prompts of the chosen pictures."""
        return self._map(lambda t: t[index])

    def append(self, other: "PromptBatch") -> "PromptBatch":
        """Both batches' prompts side by side, `[B, N1 + N2]`."""
        if len(self.kind) != len(other.kind):
            raise PromptError(
                f"Cannot append prompts of {len(other.kind)} pictures to those of "
                f"{len(self.kind)}. Expected the same batch size."
            )
        m = max(self.points.shape[2], other.points.shape[2])
        a, b = self._widened(m), other._widened(m)
        pairs = ([getattr(a, f.name), getattr(b, f.name)] for f in fields(self))
        return PromptBatch(*(torch.cat(pair, 1) for pair in pairs))

    def _widened(self, m: int) -> "PromptBatch":
        last = self.points[:, :, -1:].expand(-1, -1, m - self.points.shape[2], -1)
        return replace(self, points=torch.cat([self.points, last], 2))  # B N M 2

    def rescaled(self, old: tuple[int, int], new: tuple[int, int]) -> "PromptBatch":
        """The same prompts on pictures of size `old` (H, W) resized to `new` (H, W)."""
        (h, w), (h2, w2) = old, new
        cx, cy, bw, bh = self.xywh.unbind(-1)
        x, y = self.points.unbind(-1)
        xywh = [rescale(cx, w, w2), rescale(cy, h, h2), bw * (w2 / w), bh * (h2 / h)]
        points = torch.stack([rescale(x, w, w2), rescale(y, h, h2)], -1)
        return replace(self, xywh=torch.stack(xywh, -1), points=points)


def encode(
    prompts: Sequence[Prompt],
    size: tuple[int, int],
    config: PueConfig | None = None,
    image: Float[Tensor, "3 H W"] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "N P"]:
    """One vector per prompt on the grid `size` (H, W), coordinates in its cells.

    Eq. (4): q = [q_h, q_v, q_b], so P = W + H + 2 with the one-hot q_b of Reading R4. `image` (RGB,
    0..1) is needed when `config.visual` is not "none".
    """
    config = config or PueConfig()
    if config.encoding != "pue":
        raise ConfigError(f"encode gives PuE's vectors, not {config.encoding!r}. Use encode_batch.")
    batch, pictures = PromptBatch.of([prompts]), None if image is None else image[None]
    return _encode(batch, size, config, pictures, generator)[0, : len(prompts)]


def encode_batch(
    batch: PromptBatch,
    size: tuple[int, int],
    config: PueConfig,
    image: Float[Tensor, "B 3 H W"] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "B N P"]:
    """Vectors on the square grid of `config.length`, prompts given on pictures of `size` (H, W).

    Eq. (4). P = 2 length + 2 whatever the size: sigma counts grid cells. Padded slots are zero.
    `config.encoding` puts a rival of PuE in the place of q_h and q_v (Table IV).
    """
    grid = (config.length, config.length)
    if config.encoding != "pue":
        on = batch.rescaled(size, grid)
        rival = distance_vector if config.encoding == "distance" else learned_vector
        place = rival(on.kind, on.xywh, on.points, config.length)
        return torch.cat([place * on.valid[..., None], _signs(on, config)], -1)
    if image is not None and config.visual != "none":
        image = torch.nn.functional.interpolate(image, grid, mode="bilinear", antialias=True)
    return _encode(batch.rescaled(size, grid), grid, config, image, generator)


def _encode(
    batch: PromptBatch, size: Size, config: PueConfig, image: Tensor | None, generator: Chance
) -> Tensor:
    height, width = size
    if config.visual != "none" and image is None:
        raise PromptError(f"visual={config.visual!r} needs the image: give [3, H, W] in 0..1.")
    signs, count = _signs(batch, config), batch.kind.shape[1]
    q = signs.new_zeros(*signs.shape[:2], width + height + signs.shape[2])  # B N P
    q[..., width + height :] = signs
    rows, every_xywh, every_points = (t.flatten(0, 1) for t in (q, batch.xywh, batch.points))
    codes = batch.kind.where(batch.valid, -1).flatten()
    found = ((k, i) for k in range(3) for i in (codes == k).nonzero()[:, 0].split(CHUNK) if len(i))
    for kind, index in found:
        first, last = index[0].item(), index[-1].item()  # a run of prompts is written by a slice
        at = slice(first, last + 1) if last - first + 1 == len(index) else index
        xywh, points = every_xywh[at], every_points[at]
        if kind == CLICK:
            row, column = _lines(image, index // count, xywh, config)
            q_h = click_axis(xywh[:, 0], width, config, row)
            q_v = click_axis(xywh[:, 1], height, config, column)
        elif kind == BOX:
            q_h = box_axis(xywh[:, 0], xywh[:, 2], width, config)
            q_v = box_axis(xywh[:, 1], xywh[:, 3], height, config)
        else:
            q_h = scribble_axis(points, (height, width), config, generator)
            q_v = scribble_axis(points.flip(-1), (width, height), config, generator)
        rows[at, :width], rows[at, width : width + height] = q_h, q_v
    return q


def _lines(image: Tensor | None, b: Tensor, xywh: Tensor, config: PueConfig) -> tuple:
    """The pixels (0-255) on the row and on the column through each click, `b` its picture."""
    if image is None or config.visual == "none":
        return None, None
    pictures = (image * 255).permute(0, 2, 3, 1)  # B H W C
    x = torch.floor(xywh[:, 0] + 0.5).long().clamp(0, image.shape[3] - 1)
    y = torch.floor(xywh[:, 1] + 0.5).long().clamp(0, image.shape[2] - 1)
    return pictures[b, y], pictures[b, :, x]  # K W C, K H C


def _signs(batch: PromptBatch, config: PueConfig) -> Tensor:
    """q_b: (positive, negative); one bit; or (positive, negative, no prompt). Reading R4."""
    plus, minus = batch.positive & batch.valid, ~batch.positive & batch.valid
    codes = {"onehot": [plus, minus], "bit": [plus], "code3": [plus, minus, ~batch.valid]}
    return torch.stack(codes[config.sign], -1).to(batch.xywh.dtype)
