"""Where each point of an image lies on the canvas, and a pen that draws marks there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from ipycanvas import Canvas

from vpuformer.drawing import palette
from vpuformer.drawing.overlay import CASING
from vpuformer.prompts import Box, Click, Prompt, Scribble, Size, rescale

MARK = 8  # pixels of a mark's radius


@dataclass(frozen=True, slots=True)
class View:
    """Which part of the image the canvas shows.

    Args:
        size: (H, W) of the image.
        shown: (H, W) of the photo's place on the canvas.
        zoom: pixels of the canvas for one of the image.
        left: pixel of the image at the left edge.
        top: pixel of the image at the top edge.
        margin: pixels left free above and on the right, for the prompt's vectors.
    """

    size: Size
    shown: Size
    zoom: float
    left: float = 0.0
    top: float = 0.0
    margin: int = 0

    @classmethod
    def fitted(cls, size: Size, within: Size) -> Self:
        """The whole image, as large as fits."""
        zoom = min(within[0] / size[0], within[1] / size[1])
        least = min(within) // 2  # a slit of a photo gets room to be zoomed into
        height, width = (max(least, round(side * zoom)) for side in size)
        return cls(size, (height, width), zoom)

    def to_canvas(self, x: Any, y: Any) -> tuple[Any, Any]:
        """The canvas's point (edges at integers) of a point of the image (centres at integers)."""
        u, v = rescale(x - self.left, 1, self.zoom), rescale(y - self.top, 1, self.zoom)
        return u + 0.5, v + 0.5 + self.margin

    def to_image(self, u: float, v: float) -> tuple[float, float]:
        """The image's point of a point of the canvas, brought to the nearest inside the image."""
        x = rescale(u - 0.5, self.zoom, 1) + self.left
        y = rescale(v - 0.5 - self.margin, self.zoom, 1) + self.top
        (height, width), edge = self.size, 0.501
        return min(max(x, -0.5), width - edge), min(max(y, -0.5), height - edge)

    @property
    def place(self) -> Size:
        """(H, W) of what the photo takes of its place: of a slit, until it is zoomed into, less."""
        high, wide = (max(1, round(side * self.zoom)) for side in self.size)
        return min(high, self.shown[0]), min(wide, self.shown[1])

    def holds(self, u: float, v: float) -> bool:
        """Whether the photo is at a point of the canvas."""
        high, wide = self.place
        return 0 <= u <= wide and 0 <= v - self.margin <= high

    @property
    def window(self) -> tuple[float, float, float, float]:
        """The edges shown, counted from the image's corner: left, top, right, bottom."""
        high, wide = (length / self.zoom for length in self.place)
        right, bottom = self.left + wide, self.top + high
        return self.left, self.top, min(right, self.size[1]), min(bottom, self.size[0])

    @property
    def _least(self) -> float:
        """The zoom that shows the whole image."""
        return min(self.shown[0] / self.size[0], self.shown[1] / self.size[1])

    def zoomed(self, u: float, v: float, factor: float) -> Self:
        """Nearer or farther, the image's point at (u, v) staying where it is."""
        zoom = min(max(self.zoom * factor, self._least), max(32.0, self._least))
        shift = 1 - zoom / self.zoom
        return replace(self, zoom=zoom).moved(u * shift, (v - self.margin) * shift)

    def moved(self, du: float, dv: float) -> Self:
        """The photo pushed by (du, dv) pixels of the canvas, as far as it reaches."""
        corner = (self.top - dv / self.zoom, self.left - du / self.zoom)
        top, left = (  # the canvas has whole pixels: up to half of one less than the photo
            min(max(at, 0.0), max(0.0, whole - (part + 0.5) / self.zoom))
            for at, whole, part in zip(corner, self.size, self.shown, strict=True)
        )
        return replace(self, left=left, top=top)


class Pen:
    """Draws marks on a layer, in the image's pixels; their widths are the page's."""

    def __init__(self, layer: Canvas, view: View) -> None:
        self.layer, self.view = layer, view

    def prompt(self, prompt: Prompt, chosen: bool = False) -> None:
        """A prompt: blue disc with + or vermillion square with ×; `chosen` has a ring."""
        layer, colour = self.layer, palette.of_sign(prompt.positive)
        if isinstance(prompt, Box):
            x0, y0, x1, y1 = prompt.bounds
            self.line([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], 2, colour)
        elif isinstance(prompt, Scribble):
            self.line(prompt.points, 4, colour)
        (u, v), side = (
            self.view.to_canvas(*anchor(prompt)),
            MARK * (1 - 0.11 * (not prompt.positive)),
        )
        for casing, shade in (*((5.0, palette.MASK),) * chosen, *CASING, (0.0, colour)):
            layer.fill_style, r = shade, side + casing
            if prompt.positive:
                layer.fill_circle(u, v, r)
            else:
                layer.fill_rect(u - r, v - r, 2 * r)
        layer.stroke_style, layer.line_width, arm = palette.PAPER, 2.2, 0.58 * MARK
        for a, b in ((1, 0), (0, 1)) if prompt.positive else ((0.8, 0.8), (0.8, -0.8)):
            layer.stroke_line(u - arm * a, v - arm * b, u + arm * a, v + arm * b)

    def line(self, points: Sequence[tuple[float, float]], wide: float, colour: str) -> None:
        """A cased line."""
        path = np.stack(self.view.to_canvas(*np.array(points, float).T), -1)
        path = np.concatenate([path, path[-1:] + 0.01])  # a single point is a dot
        for casing, shade in (*CASING, (0.0, colour)):
            self.layer.line_width, self.layer.stroke_style = wide + 2 * casing, shade
            self.layer.stroke_lines(path)

    def ring(self, x: float, y: float, radius: float) -> None:
        """A circle about a point, its radius in pixels of the page."""
        for wide, shade in ((3.5, palette.INK), (1.5, palette.PAPER)):
            self.layer.line_width, self.layer.stroke_style = wide, shade
            self.layer.stroke_circle(*self.view.to_canvas(x, y), radius)

    def vectors(self, q_h: np.ndarray, q_v: np.ndarray, colour: str) -> None:
        """A prompt's Gaussians in the margin: q_h above the photo, q_v beside it."""
        layer, wide, margin = self.layer, self.view.shown[1], self.view.margin
        ticks = (np.arange(len(q)) for q in (q_h, q_v))
        sides = zip(ticks, self.view.size[::-1], strict=True)
        u, v = self.view.to_canvas(*(rescale(tick, len(tick), side) for tick, side in sides))
        layer.stroke_style, layer.line_width = colour, 2
        layer.stroke_lines(np.stack([u, margin - 3 - (margin - 20) * q_h], -1))
        layer.stroke_lines(np.stack([wide + 3 + (margin - 20) * q_v, v], -1))
        layer.clear_rect(wide, 0, margin, margin)

    def axes(self) -> None:
        """What the margin shows, or will."""
        layer, wide, margin = self.layer, self.view.shown[1], self.view.margin
        layer.fill_style, layer.font = palette.GREY, "12px sans-serif"
        layer.fill_text("q_h", 4, 14)
        layer.fill_text("q_v", wide + margin - 28, margin - 6)


def anchor(prompt: Prompt) -> tuple[float, float]:
    """Where a prompt's sign stands: the click, a box's first corner, a scribble's first vertex."""
    if isinstance(prompt, Click):
        return prompt.x, prompt.y
    return prompt.points[0] if isinstance(prompt, Scribble) else prompt.bounds[:2]
