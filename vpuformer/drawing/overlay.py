"""Mask, truth and prompts painted over a photo, with NumPy and Pillow only."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from vpuformer.drawing import palette
from vpuformer.errors import ImageError
from vpuformer.prompts import Box, Points, Prompt, Scribble, rescale

FINE = 4  # lines are drawn this many times larger, then averaged
CASING = ((2.0, palette.INK), (1.5, palette.PAPER))  # around every mark, pixels and colour


def overlay(
    image: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    prompts: Sequence[Prompt] = (),
    gt_mask: np.ndarray | None = None,
    scale: float = 1.0,
    errors: bool = False,
) -> np.ndarray:
    """A picture of what a person said and what came back, uint8 RGB.

    Args:
        image: uint8 `[H, W, 3]` or grey `[H, W]`.
        mask: bool `[H, W]`: yellow with a dark outline.
        prompts: in pixels of `image`; positive blue discs with +, negative vermillion squares
            with ×.
        gt_mask: bool `[H, W]`: a white dashed line cased in black.
        scale: the result is `scale` times as large as the image; lines keep their width.
        errors: hatch what `mask` misses of `gt_mask` (///) and what it has too much.
    """
    photo = _rgb(image)
    size = (photo.height, photo.width)
    for name, array in (("mask", mask), ("gt_mask", gt_mask)):
        if array is not None and array.shape != size:
            raise ImageError(f"The {name} is {array.shape}, the image {size}. Resize one of them.")
    height, width = (max(1, round(side * scale)) for side in size)
    pixels = np.asarray(photo.resize((width, height), Image.Resampling.LANCZOS))
    if mask is not None:
        large = _enlarge(mask, width, height)
        pixels = _blend(pixels, large, palette.MASK, palette.MASK_ALPHA)
        if errors and gt_mask is not None:
            truth = _enlarge(gt_mask, width, height)
            pixels = _hatch(pixels, truth & ~large, palette.MISSED, 1)
            pixels = _hatch(pixels, large & ~truth, palette.EXCESS, -1)
    canvas = _Canvas(Image.fromarray(pixels), size)
    for path in [] if mask is None else outlines(mask):
        canvas.line(path + path[:1], 1.6, palette.OUTLINE)
    for path in [] if gt_mask is None else outlines(gt_mask):
        canvas.dashed(path + path[:1])
    for prompt in prompts:
        canvas.prompt(prompt)
    return canvas.finished()


def outlines(mask: np.ndarray) -> list[list[tuple[float, float]]]:
    """Closed lines (x, y) around the regions of a bool mask `[H, W]`, holes included.

    They run along the edges between pixels, corners cut by joining the edges' middles.
    """
    padded = np.pad(np.asarray(mask, bool), 1)
    ends: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Corners (x, y) are counted from the top left corner of pixel 0; the region is on the right.
    walls = (
        (~padded[:-2, 1:-1], (0, 0), (1, 0)),
        (~padded[2:, 1:-1], (1, 1), (0, 1)),
        (~padded[1:-1, :-2], (0, 1), (0, 0)),
        (~padded[1:-1, 2:], (1, 0), (1, 1)),
    )
    for open_side, a, b in walls:
        for y, x in np.argwhere(padded[1:-1, 1:-1] & open_side).tolist():  # row = y
            ends.setdefault((x + a[0], y + a[1]), []).append((x + b[0], y + b[1]))
    paths = []
    while ends:
        corners = [next(iter(ends))]
        while following := ends.get(corners[-1]):
            corners.append(following.pop())
            if not following:
                del ends[corners[-2]]
        middles = (np.array(corners[:-1]) + np.array(corners[1:])) / 2 - 0.5
        paths.append([(x, y) for x, y in middles.tolist()])
    return paths


def _rgb(image: np.ndarray) -> Image.Image:
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise ImageError(
            f"Cannot draw on {image.dtype} {image.shape}, expected uint8 [H, W, 3] or [H, W]. "
            "vpuformer.imaging.read turns any picture into that."
        )
    return Image.fromarray(image).convert("RGB")


def _enlarge(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    smooth = Image.fromarray(np.asarray(mask, np.float32))
    return np.asarray(smooth.resize((width, height), Image.Resampling.BILINEAR)) > 0.5


def _blend(pixels: np.ndarray, where: np.ndarray, colour: str, alpha: float) -> np.ndarray:
    mixed = pixels * (1 - alpha) + np.array(palette.rgb(colour)) * alpha
    return np.where(where[..., None], np.round(mixed), pixels).astype(np.uint8)


def _hatch(pixels: np.ndarray, where: np.ndarray, colour: str, slope: int) -> np.ndarray:
    rows, columns = np.indices(where.shape)
    stripe = (columns + slope * rows) % 7 < 2
    return _blend(_blend(pixels, where, palette.PAPER, 0.35), where & stripe, colour, 1.0)


class _Canvas:
    """A photo under a layer of smooth lines. Coordinates are those of the original image."""

    def __init__(self, photo: Image.Image, size: tuple[int, int]) -> None:
        self.photo, self.size = photo, size
        self.layer = Image.new("RGBA", (photo.width * FINE, photo.height * FINE))
        self.pen = ImageDraw.Draw(self.layer)
        self.radius = float(np.clip(0.016 * max(photo.size), 5.0, 11.0))

    def finished(self) -> np.ndarray:
        layer = self.layer.resize(self.photo.size, Image.Resampling.BOX)
        return np.asarray(Image.alpha_composite(self.photo.convert("RGBA"), layer))[..., :3]

    def fine(self, points: Points) -> list[tuple[float, float]]:
        (h, w), (width, height) = self.size, self.layer.size
        return [(rescale(x, w, width), rescale(y, h, height)) for x, y in points]

    def line(self, points: Points, wide: float, colour: str) -> None:
        path, thick = self.fine(points), max(1, round(wide * FINE))
        self.pen.line(path, fill=colour, width=thick, joint="curve")
        reach = thick / 2
        for x, y in (path[0], path[-1]):
            self.pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    def cased(self, points: Points, wide: float, colour: str) -> None:
        for casing, shade in (*CASING, (0.0, colour)):
            self.line(points, wide + 2 * casing, shade)

    def dashed(self, points: Points) -> None:
        dashes = _dashes(points, 7 * self.size[1] / self.photo.width)
        for wide, colour in ((3.2, palette.INK), (1.6, palette.PAPER)):
            for dash in dashes:
                self.line(dash, wide, colour)

    def prompt(self, prompt: Prompt) -> None:
        colour, (x0, y0, x1, y1) = palette.of_sign(prompt.positive), prompt.bounds
        if isinstance(prompt, Box):
            self.cased([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], 2.0, colour)
        elif isinstance(prompt, Scribble):
            self.cased(prompt.points, 4.0, colour)
        self.mark(prompt.points[0] if isinstance(prompt, Scribble) else (x0, y0), prompt.positive)

    def mark(self, at: tuple[float, float], positive: bool) -> None:
        """The sign: a disc with +, or a square with ×."""
        ((x, y),) = self.fine([at])
        shape: Callable = self.pen.ellipse if positive else self.pen.rectangle
        for casing, colour in (*CASING, (0.0, palette.of_sign(positive))):
            r = (self.radius * (1.0 if positive else 0.89) + casing) * FINE  # equal areas
            shape((x - r, y - r, x + r, y + r), fill=colour)
        arm, thick = 0.58 * self.radius * FINE, round(0.26 * self.radius * FINE)
        for u, v in ((1, 0), (0, 1)) if positive else ((0.8, 0.8), (0.8, -0.8)):
            ends = (x - arm * u, y - arm * v, x + arm * u, y + arm * v)
            self.pen.line(ends, fill=palette.PAPER, width=thick)


def _dashes(points: Points, length: float) -> list[list[tuple[float, float]]]:
    """Every other stretch of `length` along a line."""
    path = np.asarray(points, float)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    count = max(1, round(run[-1] / (2 * length)))
    step, pieces = run[-1] / (2 * count), []
    for i in range(count):
        at = np.linspace(2 * i * step, (2 * i + 1) * step, max(2, round(step) + 1))
        x, y = (np.interp(at, run, path[:, axis]) for axis in (0, 1))
        pieces.append(list(zip(x.tolist(), y.tolist(), strict=True)))
    return pieces
