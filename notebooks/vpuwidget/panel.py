"""The widget: what a person points at becomes a mask, on the spot."""

import html
from functools import partial
from math import dist
from pathlib import Path
from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np

from vpuformer.errors import PromptError
from vpuformer.prompts import Click, Prediction, Prompt
from vpuformer.widget.export import exported, save
from vpuformer.widget.session import Session
from vpuwidget import cells
from vpuwidget.canvas import PromptCanvas
from vpuwidget.controls import SHOWN, SWITCHES, TABLES, TOO_LARGE, TOOLS, close
from vpuwidget.files import unused
from vpuwidget.keeper import Keeper
from vpuwidget.picture import Picture, made
from vpuwidget.view import View

KEYS = {spec[0]: name for table in TABLES for name, spec in table.items()}
KEYS |= {"=": "nearer", "Delete": "forget", "Backspace": "forget", "Z": "redo"}
ARROWS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}
FACTORS = {"nearer": 1.5, "farther": 1 / 1.5, "whole": 1e-9}
MARGIN = 56  # pixels for the prompt's vectors


class PromptWidget(Picture):
    """Live prompting on one image, in JupyterLab and Notebook 7.

    Args:
        image: what `imaging.read` takes, or a Session to go on with.
        model: a VPUFormer; the shipped weights by default.
        width: most pixels of the page that the photo takes; its height is at most 3/4 of that.
        out_dir: where files are written; what is there stays (mask.png, mask-2.png, ...).
        autosave: True keeps each photo's session in the cache where a page runs the notebook, and
            goes on from it: a restarted kernel loses nothing. None and False keep none; a path is
            the first photo's file.
        options: what else a Session takes: `mask`, `truth`, `precision`.

    Attributes:
        session: all that was said, and the answers; it may be used from Python too.
        more_keys: what other keys do.
    """

    def __init__(
        self, image: Any, model: Any = None, *, width: int = 640, **options: Any
    ) -> None:
        self.out_dir, self.more_keys = Path(options.pop("out_dir", ".")), {}
        given, kept = isinstance(image, Session), options.pop("autosave", True)
        if given and (options or kept not in (True, False, None)):
            raise PromptError(f"A Session has its own {', '.join(options) or 'autosave'}.")
        cells.close_older()
        self.keeper = Keeper(kept)
        session: Session = image if given else self.keeper.opened(image, model, **options)
        canvas = PromptCanvas((width * 3 // 4, width), partial(self.guarded, self.point))
        super().__init__(session, canvas)
        canvas.widget.on_key_down(lambda *key: self.guarded(self._key, *key))
        canvas.widget.on_client_ready(lambda: self._redraw("again"))
        self.show(session)
        cells.made(self)

    @property
    def mask(self) -> np.ndarray:
        """The selected object's mask, bool `[H, W]`."""
        return self.session.mask

    @property
    def prediction(self) -> Prediction | None:
        """The selected object's last answer, before the brush; None before the first."""
        prob = self.session.prob
        return None if prob is None else Prediction(prob, self.session.threshold)

    @property
    def objects(self) -> dict[str, np.ndarray]:
        """Every object's mask by its name; of equal names the last one's."""
        masks = self.session.masks()
        return {thing.name: masks[thing.number] for thing in self.session.objects}

    def show(self, session: Session) -> None:
        """Go on with another session in the same place."""
        self._unhear()
        self.session, self._news = session, self.keeper.shown(session)
        session.changed.append(self._redraw)
        self.canvas.set_image(session.image, 0)
        self._begin()
        self._cursor = session.size[1] / 2, session.size[0] / 2
        self.act(self.tool)
        self.act("vectors")

    def close(self) -> None:
        """Free what the page and the kernel hold; the session stays."""
        if self.comm is not None:
            self._unhear()
            self.worker.close()
            self.keeper.release()
            close(*self.canvas.widgets, *self.children, self.layout)
            super().close()

    def _unhear(self) -> None:
        self._leave_stroke()
        if self._redraw in self.session.changed:
            self.session.changed.remove(self._redraw)

    def point(
        self,
        kind: str,
        u: float,
        v: float,
        button: int = 0,
        shift: bool = False,
        turn: float = 0.0,
    ) -> None:
        """The mouse, a finger, or the keys at a point (u, v) of the canvas; see `PromptCanvas`."""
        view, self._by_key = self.canvas.view, False
        if kind != "leave":  # the keys go on from where the mouse was
            self._cursor = view.to_image(u, v)
        if kind == "down" and (self.tool != "click" or view.holds(u, v)):
            self._last = (u, v)
            self._set_stroke([self._cursor])
            self._grabs = button == 1 or self.tool == "pan"
            self._positive = not (button == 2 or shift or self.switch["negative"].value)
        elif kind == "wheel":
            self._look(view.zoomed(u, v, 1.2 ** (-turn / 100)))
        elif not self._stroke:
            self._hover(kind == "leave")
        elif self._grabs:
            self._look(view.moved(u - self._last[0], v - self._last[1]))
            self._last = u, v
        else:
            self._stroke.append(self._cursor)
            if kind == "move" and self._draws:
                self._foretell([made(self.tool, self._stroke, self._positive)])
        if kind == "up" and self._stroke:
            self._end()
        self._redraw("marks")

    def _end(self) -> None:
        session, tool, points, positive = self.session, self.tool, self._stroke, self._positive
        self._set_stroke([])
        radius, doomed = self.value["radius"].value, self._under(*points[0])
        (before, when), self._ended = self._ended, (points[0], perf_counter())
        apart, later = dist(points[0], before) * self.canvas.view.zoom, self._ended[1] - when
        is_double = tool == "click" and apart < 4 and later < 0.5  # the first one counts
        if self._grabs or is_double:
            return
        if tool == "click" and doomed is not None:
            self.ask(lambda: self._remove(doomed))
        elif tool in ("brush", "eraser"):
            self.ask(lambda: session.paint(points, radius, erase=tool == "eraser"))
        else:
            self.ask(lambda: session.add(made(tool, points, positive)))

    def _remove(self, prompt: Prompt) -> None:
        if prompt in self.session.prompts:
            self.session.remove(self.session.prompts.index(prompt))

    def _hover(self, left: bool) -> None:
        found = self._under(*self._cursor)
        if found is not None and found is not self._chosen:
            self._chosen = found
            self._redraw()
        click = Click(*self._cursor, not self.switch["negative"].value)
        self._foretell([click] if self.tool == "click" and not (left or found) else [])

    def _foretell(self, prompts: list[Prompt]) -> None:
        """Show what prompts would change, where that is wanted."""
        stroke, said = self._stroke, prompts if self.switch["preview"].value else []

        def foretell() -> None:
            ghost = self.session.preview(*said) if said else self._ghost[:0]
            if stroke is self._stroke:  # not over meanwhile
                self._ghost = ghost.astype(np.uint8)
                self._draw_mask()

        if said or self._ghost.size:
            self.worker.latest("ghost", foretell)

    def _look(self, view: View) -> None:
        self.canvas.view = view
        self._redraw("view")

    def _key(self, key: str, shift: bool, ctrl: bool, meta: bool) -> None:
        """A key on the canvas, which swallows them all: Tab and Escape must be let out by hand."""
        prompts, name = self.session.prompts, KEYS.get(key) or KEYS.get(key.lower())
        show, radius = self.value["show"], self.value["radius"]
        if (ctrl or meta) and key not in {*ARROWS, "z", "Z", "y"}:
            return  # Ctrl+S is no scribble
        if key in ARROWS or key == "Enter":
            self._move(key, shift, ctrl or meta)
        elif key in self.more_keys:
            self.more_keys[key]()
        elif name in SWITCHES:
            self.switch[name].value = not self.switch[name].value
        elif name:
            self.act(name)
        elif key in ("[", "]"):
            radius.value += 1 if key == "]" else -1
        elif key in (",", ".") and prompts:
            self._chosen = prompts[(self._index + (1 if key == "." else -1)) % len(prompts)]
            self._redraw()
        elif key == "m":
            show.value = SHOWN[(SHOWN.index(show.value) + 1) % len(SHOWN)]
        elif key == "Tab":
            self.button["whole" if shift else "new"].focus()
        elif key == "Escape" and self._stroke:
            self.act(self.tool)
        elif key == "Escape":
            self.canvas.widget.blur()

    def _move(self, key: str, shift: bool, far: bool) -> None:
        """The keys' own mouse: arrows move it, Enter presses and releases it."""
        view, kinds = self.canvas.view, ["move"]
        u, v = view.to_canvas(*self._cursor)
        du, dv = ((1 if shift else 40 if far else 8) * side for side in ARROWS.get(key, (0, 0)))
        if key == "Enter":
            kinds = ["up"] if self._stroke else ["down", "up"][: 1 + (self.tool == "click")]
        if far:
            self._look(view.moved(-du, -dv))
        high, wide = view.place  # the cursor stays where it can be seen
        u, v = min(max(u + du, 0.5), wide), min(max(v + dv - view.margin, 0.5), high)
        for kind in () if far else kinds:
            self.point(kind, u, v + view.margin, shift=shift)
        self._by_key = True
        self._redraw("marks")

    def act(self, name: str) -> None:
        """What a control does, by its name in the tables."""
        if self._settling != get_ident():
            self.guarded(self._act, name)

    def _act(self, name: str) -> None:
        session, thing = self.session, self._thing
        value: Any = getattr((self.value | self.switch).get(name), "value", None)
        jobs = {
            "undo": session.undo,
            "redo": session.redo,
            "clear": session.clear,
            "new": session.add_object,
            "next": lambda: session.select(self._after),
            "object": lambda: session.select(value or thing.number),
            "delete": lambda: session.remove_object(session.selected),
            "name": lambda: value == thing.name or session.rename(thing.number, value),
            "colour": lambda: value == thing.colour or session.recolour(thing.number, value),
            "forget": lambda: self._chosen and self._remove(self._chosen),
            "write": lambda: self._write(self.value["format"].value),
        }
        if name in jobs:
            self.ask(jobs[name])
        elif name in TOOLS:
            self.tool = name
            self._set_stroke([])
            self._foretell([])
            for tool in TOOLS:
                self.button[tool].button_style = "primary" if tool == name else ""
            self._redraw("marks")
        elif name in FACTORS:
            at = self.canvas.view.to_canvas(*self._cursor)
            self._look(self.canvas.view.zoomed(*at, FACTORS[name]))
        elif name == "threshold":
            session.threshold = value
        elif name == "upload" and value:
            self.ask(lambda: self._open(value))
        elif name == "vectors":
            self._fit(MARGIN if value else 0)
        else:
            self._redraw()

    def _open(self, files: Any) -> None:
        self.value["upload"].value = ()
        if len(files) > 1:
            raise PromptError(
                f"{len(files)} files came. Give one; FolderWidget takes a folder."
            )
        if not files[0]["size"]:
            raise PromptError(f"{files[0]['name']}: {TOO_LARGE}")
        photo, answers = bytes(files[0]["content"]), self.session.answers
        self._leave_stroke()
        how = {"precision": answers.predictor.precision, "name": files[0]["name"]}
        self.show(self.keeper.opened(photo, answers.model, **how))
        self._asked = None

    def _fit(self, margin: int) -> None:
        self.canvas.resize(margin)
        self.middle.layout.max_width = f"{max(420, self.canvas.widget.width)}px"
        self._redraw("again")

    def _write(self, kind: str) -> None:
        path = save(unused(self.out_dir, kind), exported(kind, self.session))
        self._say(f"Written: {html.escape(str(path))}")
        self._asked = None
