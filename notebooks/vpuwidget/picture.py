"""What the widget shows: mask, probability or similarity, marks, and the status line."""

import base64
import html
import io
import logging
import traceback
from collections.abc import Callable
from itertools import groupby
from operator import call
from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np
from matplotlib import colormaps
from PIL import Image

from vpuformer.drawing import palette
from vpuformer.drawing.overlay import overlay
from vpuformer.errors import VPUError
from vpuformer.prompts import Box, Click, Prompt, Scribble
from vpuformer.widget.session import Session
from vpuwidget.canvas import PromptCanvas
from vpuwidget.controls import Controls
from vpuwidget.memory import give_back
from vpuwidget.view import MARK, Pen, anchor
from vpuwidget.worker import Worker

log = logging.getLogger("vpuformer.widget")
TROUBLE = " Give autosave='a/file.json', or save a session [w]."
MORE, LESS, EDGE = 253, 254, 255  # places in the mask's palette, after the objects


class Picture(Controls):
    """Controls around a canvas that shows how a session stands.

    Args:
        session: what is shown.
        canvas: where.

    Attributes:
        stages: seconds of the last answer: encode, decode, png, total.
    """

    def __init__(self, session: Session, canvas: PromptCanvas) -> None:
        self.session, self.canvas = session, canvas
        self.worker = Worker(self._failed, self._write_waiting)
        self.stages: dict[str, float] = {}
        self._waiting: Callable[[], object] | None = None  # the saving that a stroke put off
        self.tool, self._news, self._facts = "click", "", ""
        self._asked: float | None = None  # when the newest job was asked for
        self._done: float | None = None  # when the newest job that is done was
        self._settling: int | None = None  # the thread that sets the controls
        self._begin()
        super().__init__(canvas.widget)

    def _begin(self) -> None:
        self._cursor, self._last, self._by_key, self._grabs = (
            (0.0, 0.0),
            (0.0, 0.0),
            False,
            False,
        )
        self._stroke: list[tuple[float, float]] = []
        self._ended = (0.0, 0.0), 0.0  # where and when the last stroke did
        self._positive, self._ghost = True, np.empty((0, 0), np.uint8)
        self._chosen: Prompt | None = None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and a static picture for where none can be shown."""
        session, file = self.session, io.BytesIO()
        scale = min(1.0, 900 / max(session.size))
        picture = overlay(session.image, session.mask, prompts=session.prompts, scale=scale)
        Image.fromarray(picture).save(file, "PNG")
        still = {"image/png": base64.b64encode(file.getvalue()).decode()}
        return (super()._repr_mimebundle_(**kwargs) or {}) | still

    def _set_stroke(self, stroke: list[tuple[float, float]]) -> None:
        """A stroke begins, or ends with []: in between the session's file is not written."""
        self._stroke = stroke
        self.session.saving = self._put_off if stroke else call
        if not stroke and self._waiting:
            self.worker.do(self._write_waiting)

    def _put_off(self, save: Callable[[], object]) -> None:
        """Write later what came in mid-stroke: an action that was still being computed."""
        self._waiting = save
        if not self._stroke:  # it ended just now
            self._write_waiting()

    def _write_waiting(self) -> None:
        """Write what a stroke put off: at its end, or when it has stood still for ten seconds."""
        save, self._waiting = self._waiting, None
        if save:
            save()
            self._redraw()  # and say it if that failed

    def _leave_stroke(self) -> None:
        """Give the stroke up that is being made, and have all written that came before it."""
        self._set_stroke([])
        self._write_waiting()

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is done and drawn."""
        return self.worker.idle

    def ask(self, job: Callable[[], object]) -> None:
        """Do a job after those asked for before it; the picture follows."""
        asked, self._ghost = perf_counter(), self._ghost[:0]

        def whole() -> None:
            try:
                job()
                self._done = asked
            finally:  # a refused name or colour gives way to the true one
                self._redraw()

        self._asked = asked
        self.session.answers.predictor.seconds.update(encode=0.0, decode=0.0)
        self._say("working ...")
        self.worker.do(whole)

    def guarded(self, action: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Do it; what goes wrong goes to the status line, for Jupyter would swallow it."""
        try:
            action(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 (nobody else would tell)
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        text, self._asked = html.escape(str(error)), None
        if not isinstance(error, VPUError):
            log.error("%s", error, exc_info=error)
            text += "\n" + html.escape("".join(traceback.format_exception(error)))
        self._say(f"<span class='vpu-wrong'>{text}</span>")

    def _say(self, news: str) -> None:
        self._news = news
        self.status.value = (
            f"<div role='status'>{' · '.join(filter(None, (self._facts, news)))}</div>"
        )

    def _redraw(self, part: str = "all") -> None:
        """Soon, and once: "marks", "all" above the photo, the "view", or all "again"."""
        draw = {"marks": self._draw_marks, "all": self._draw}
        self.worker.latest(part, draw.get(part, lambda: self._draw_view(part == "again")))

    def _draw_view(self, again: bool) -> None:
        self.canvas.draw_photo(again)
        self._draw()

    def _draw(self) -> None:
        self._draw_mask()
        self._draw_marks()
        if self._asked is not None and self._asked == self._done:  # no newer job waits
            total, self._asked = perf_counter() - self._asked, None
            stages = {**self.session.answers.predictor.seconds, "png": self.canvas.seconds}
            parts = ", ".join(f"{name} {1000 * spent:.0f}" for name, spent in stages.items())
            self.stages, self._news = (
                {**stages, "total": total},
                f"{1000 * total:.0f} ms ({parts})",
            )
        self._settle()
        self.worker.latest("prepare", self._prepare)

    def _prepare(self) -> None:
        """What is better done before the next prompt than after it."""
        self.session.prepare()
        give_back()

    def _settle(self) -> None:
        """Let the controls and the status line show how the session stands."""
        session, value, things = self.session, self.value, self.session.objects
        thing, score, self._settling = self._thing, session.score, get_ident()
        self.button["undo"].disabled = not session.can_undo
        self.button["redo"].disabled = not session.can_redo
        value["object"].options = [(one.name, one.number) for one in things]
        value["object"].value = thing.number
        value["name"].value, value["colour"].value = thing.name, thing.colour
        value["threshold"].value = session.threshold
        self._settling = None
        facts = [html.escape(thing.name), f"prompts: {len(thing.prompts)}"]
        facts += [] if score is None else [f"IoU {score:.3f}"]
        if session.trouble:
            why = f"Nothing is lost yet, but a restart would lose it. {session.trouble}"
            facts.append(f"<span class='vpu-wrong'>{html.escape(why + TROUBLE)}</span>")
        self._facts = " · ".join(facts)
        self._say(self._news)

    @property
    def _thing(self) -> Any:
        return next(t for t in self.session.objects if t.number == self.session.selected)

    @property
    def _after(self) -> int:
        """The object after the selected one; after the last comes the first."""
        numbers, now = [t.number for t in self.session.objects], self.session.selected
        return next((n for n in numbers if n > now), numbers[0])

    @property
    def _index(self) -> int:
        """The chosen prompt's place, else the last one's."""
        prompts = self.session.prompts
        return prompts.index(self._chosen) if self._chosen in prompts else len(prompts) - 1

    def _draw_mask(self) -> None:
        alpha, shown = round(255 * self.value["opacity"].value), self.value["show"].value
        field, colours = None, np.zeros((256, 4), np.uint8)
        if shown == "probability":
            field = self.session.prob
        elif shown == "similarity" and self.session.prompts:
            field = self.session.rho(self._index)
        if self.switch["hide"].value:
            indices = np.zeros(self.canvas.view.place, np.uint8)
        elif field is not None:
            indices = self.canvas.crop((255 * field).astype(np.uint8))
            colours[:] = colormaps[palette.MAP](np.arange(256), bytes=True)
            colours[:, 3] = alpha
        else:
            indices = self._labels()
            for place, thing in enumerate(self.session.objects, 1):
                strength = alpha if thing.number == self.session.selected else alpha // 2
                colours[place] = (*palette.rgb(thing.colour), strength)
            ink = (palette.POSITIVE, palette.NEGATIVE, palette.OUTLINE)
            colours[MORE:] = [(*palette.rgb(colour), 160) for colour in ink]
            colours[EDGE, 3] = 255
        self.canvas.draw_mask(indices, colours)

    def _labels(self) -> np.ndarray:
        session, crop = self.session, self.canvas.crop
        place = [thing.number for thing in session.objects].index(session.selected) + 1
        labels = np.array(session.labels())
        labels[session.mask] = place
        shown = crop(labels)
        edge = np.zeros(shown.shape, bool)
        for axis in (0, 1) if self.switch["outline"].value else ():
            a, b, one, other = (np.moveaxis(m, axis, 0)[s] for m in (shown, edge) for s in ENDS)
            one |= a != b
            other |= a != b
        if self._ghost.size:
            ghost, mine = crop(self._ghost) > 0, shown == place
            shown[ghost & ~mine], shown[mine & ~ghost] = MORE, LESS
        shown[edge] = EDGE
        return shown

    def _under(self, x: float, y: float) -> Prompt | None:
        """The prompt whose sign lies at a point of the image."""
        reach = MARK / self.canvas.view.zoom
        for prompt in reversed([] if self.switch["hide"].value else self.session.prompts):
            u, v = anchor(prompt)
            if max(abs(u - x), abs(v - y)) <= reach:
                return prompt
        return None

    def _draw_marks(self) -> None:
        prompts, at = self.session.prompts, self._index
        vectors = self.session.vectors(at)[:2] if self.canvas.view.margin and prompts else ()
        with self.canvas.marks() as pen:
            for prompt in prompts if not self.switch["hide"].value else ():
                pen.prompt(prompt, prompt is self._chosen)
            self._sketch(pen)
            if vectors:
                pen.vectors(*vectors, palette.of_sign(prompts[at].positive))
            if self.canvas.view.margin:
                pen.axes()

    @property
    def _draws(self) -> bool:
        """Whether the stroke that is being made has become a box or a scribble."""
        is_prompt = self.tool in ("box", "scribble") and not self._grabs
        return is_prompt and len(set(self._stroke)) > 1

    def _sketch(self, pen: Pen) -> None:
        """The stroke that is being made, and the cursor of the keys or of the brush."""
        points, brush = self._stroke, self.value["radius"].value * self.canvas.view.zoom
        if self.tool in ("brush", "eraser"):
            pen.ring(*self._cursor, brush)
            if points:
                pen.layer.global_alpha = 0.6
                pen.line(points, 2 * brush, palette.of_sign(self.tool == "brush"))
        elif self._draws:
            pen.prompt(made(self.tool, points, self._positive))
        if self._by_key:
            pen.ring(*self._cursor, 12)
            pen.ring(*self._cursor, 2)


ENDS = (slice(1, None), slice(None, -1))


def made(tool: str, points: list[tuple[float, float]], positive: bool) -> Prompt:
    """The prompt that a gesture with a tool means."""
    if tool == "box":
        return Box.from_corners(*points[0], *points[-1], positive=positive)
    if tool == "scribble":
        return Scribble(tuple(point for point, _ in groupby(points)), positive)
    return Click(*points[0], positive)
