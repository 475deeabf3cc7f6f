"""The canvas: photo, mask and marks in three layers; mouse and finger heard in its pixels."""

import base64
import io
import math
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import ipywidgets as W
import numpy as np
from ipycanvas import Canvas, MultiCanvas, hold_canvas
from ipycanvas.canvas import _CANVAS_MANAGER
from ipyevents import Event
from PIL import Image

from vpuformer.drawing import palette
from vpuformer.prompts import Size
from vpuwidget.view import Pen, View

MOUSE = [
    "mousedown",
    "mousemove",
    "mouseup",
    "mouseenter",
    "mouseleave",
    "wheel",
    "contextmenu",
]
LARGEST = 4096  # pixels of the photo's longer side on the page
_LOCK = (
    threading.RLock()
)  # ipycanvas has one manager for all canvases: one thread draws at a time


class PromptCanvas:
    """Three layers: the photo, the mask as one small PNG, and the marks.

    Args:
        within: (H, W) in pixels of the page that the photo may take.
        on_pointer: called with a kind ("down", "move", "up", "leave", "wheel"), the point (u, v) of
            the canvas, and `button` (1 middle, 2 right), `shift`, `turn` of the wheel.
    """

    def __init__(self, within: Size, on_pointer: Callable[..., object]) -> None:
        self.within, self.on_pointer, self._held = within, on_pointer, False
        self._place: tuple[float, ...] = ()
        self.seconds = 0.0  # that the last mask's PNG took
        look = W.Layout(width="100%", height="auto", align_self="flex-start")
        self.widget = MultiCanvas(3, width=1, height=1, layout=look)
        self.photo = Canvas(width=1, height=1)
        # As a data URL: of bytes ipycanvas makes blobs, which the page never lets go.
        self._jpeg, self._mask = W.Image(format="url"), W.Image(format="url")
        self.events = Event(
            source=self.widget, watched_events=MOUSE, prevent_default_action=True
        )
        self.events.on_dom_event(self._mouse)
        for name, kind in {
            "start": "down",
            "move": "move",
            "end": "up",
            "cancel": "up",
        }.items():
            getattr(self.widget, f"on_touch_{name}")(partial(self._touch, kind))

    def set_image(self, image: np.ndarray, margin: int) -> None:
        """Show another photo, uint8 `[H, W, 3]`, whole."""
        self.view = View.fitted((image.shape[0], image.shape[1]), self.within)
        picture = Image.fromarray(image)
        picture.thumbnail((LARGEST, LARGEST))
        self._jpeg.value = _url(picture, "jpeg", quality=92, subsampling=0)
        self.photo.width, self.photo.height = picture.size
        self.resize(margin)

    def resize(self, margin: int) -> None:
        """Leave `margin` pixels free above the photo and on its right."""
        self.view = replace(self.view, margin=margin)
        self.widget.height, self.widget.width = (side + margin for side in self.view.shown)
        self.widget.layout.max_width = f"{self.widget.width}px"

    @contextmanager
    def _layer(self, number: int) -> Generator[Canvas, None, None]:
        """A cleared layer; what is drawn on it goes to the page in one message, even on errors."""
        layer, hold = self.widget[number], hold_canvas()
        with _LOCK:
            _CANVAS_MANAGER._current_canvas = None  # a reloaded page has forgotten which it was
            hold.__enter__()
            try:
                layer.clear()
                yield layer
            finally:
                hold.__exit__(None, None, None)

    def draw_photo(self, again: bool = False) -> None:
        """Paint the photo; `again` when the page may have lost it."""
        (x, y), zoom, margin = self.view.to_canvas(-0.5, -0.5), self.view.zoom, self.view.margin
        with self._layer(0) as layer:
            if again:
                self.photo.draw_image(self._jpeg)
            layer.image_smoothing_enabled = zoom < 3  # nearer, a pixel is a square
            layer.draw_image(
                self.photo, x, y, self.view.size[1] * zoom, self.view.size[0] * zoom
            )
            layer.fill_style = palette.PAPER
            layer.fill_rect(0, 0, self.widget.width, margin)
            layer.fill_rect(self.view.shown[1], 0, margin, self.widget.height)

    def draw_mask(self, indices: np.ndarray, colours: np.ndarray) -> None:
        """Paint uint8 indices `[h, w]` into RGBA colours uint8 `[K, 4]` over the photo's place."""
        began, picture, alphas = (
            perf_counter(),
            Image.fromarray(indices),
            colours[:, 3].tobytes(),
        )
        picture.putpalette(colours[:, :3].tobytes())
        self._mask.value = _url(picture, "png", compress_level=1, transparency=alphas)
        self.seconds = perf_counter() - began
        with self._layer(1) as layer:
            layer.draw_image(self._mask, 0, self.view.margin, *self.view.place[::-1])

    def crop(self, picture: np.ndarray) -> np.ndarray:
        """What the canvas shows of a map `[H, W]` of the image, at the canvas's size."""
        (height, width), where = self.view.place, self.view.window
        shown = Image.fromarray(picture).resize(
            (width, height), Image.Resampling.NEAREST, where
        )
        return np.array(shown)

    @contextmanager
    def marks(self) -> Generator[Pen, None, None]:
        """A pen for the top layer, which is empty at first."""
        with self._layer(2) as layer:
            layer.line_cap, layer.line_join, layer.global_alpha = "round", "round", 1.0
            yield Pen(layer, self.view)

    @property
    def widgets(self) -> list[W.Widget]:
        """All that the page and the kernel hold for it."""
        layers = [self.widget[k] for k in range(3)]
        return [self.events, *layers, self.widget, self.photo, self._jpeg, self._mask]

    def _mouse(self, event: dict[str, Any]) -> None:
        kind = event["event"].removeprefix("mouse")
        if event.get("button", 0) > 2:  # "back" and "forward"
            return
        if not self._place or (kind in ("move", "enter", "wheel") and not self._held):
            # ipycanvas focuses at "down", and the page may jump: where it stood before counts.
            self._place = tuple(
                event[f"boundingRect{side}"] for side in ("Left", "Top", "Width")
            )
        left, top, width = self._place
        scale = self.widget.width / width
        # The mouse tells whole pixels of the page: their middle is meant.
        u, v = (event["clientX"] + 0.5 - left) * scale, (event["clientY"] + 0.5 - top) * scale
        if self._held and (kind == "leave" or (kind == "move" and not event["buttons"])):
            kind = "up"  # let go outside: nobody tells
        if kind in ("down", "move", "leave", "wheel") or (kind == "up" and self._held):
            self._held = kind == "down" or (self._held and kind != "up")
            button, turn = event.get("button", 0), event.get("deltaY", 0.0)
            self.on_pointer(kind, u, v, button=button, shift=event["shiftKey"], turn=turn)

    def _touch(self, kind: str, touches: list[tuple[float, float]]) -> None:
        """One finger is the mouse; two zoom the photo and move it, as the middle button does."""
        points = np.array(touches[:2] if kind != "up" else (), float)
        apart = float(np.hypot(*np.ptp(points, 0))) if points.size else 0.0
        if kind == "move" and self._held and apart and self._apart:
            turn = -100 * math.log(apart / self._apart, 1.2)
            self.on_pointer("wheel", *self._finger, turn=turn)
        if points.size:
            self._finger = points.mean(0).tolist()
        if kind == "down" or self._held:
            self._held, self._apart = kind != "up", apart
            self.on_pointer(kind, *self._finger, button=int(apart > 0))


def _url(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return f"data:image/{kind};base64,".encode() + base64.b64encode(file.getvalue())
