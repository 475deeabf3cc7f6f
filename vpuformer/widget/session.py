"""Everything a person has said about one image, and what came back; no widget in sight."""

from collections.abc import Callable
from dataclasses import replace
from operator import call
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from vpuformer.conversation import begun
from vpuformer.errors import ConfigError, DataError, PromptError, VPUError, read_json
from vpuformer.imaging import read
from vpuformer.metrics import iou
from vpuformer.model import VPUFormer
from vpuformer.prompts import Points, Prompt, Scribble, Size, prompt_from_json
from vpuformer.weights import Precision
from vpuformer.widget.answers import Answers
from vpuformer.widget.export import exported, save, to_rle
from vpuformer.widget.things import Past, State, Stroke, Thing, swept

STEPS = 64  # that can be undone
ACTIONS = ["add", "remove", "clear", "paint", "add_object", "rename", "recolour", "remove_object"]


class Session:
    """The state of live prompting on one image: objects, prompts, brush strokes, undo and redo.

    Each action is one undo step of the whole session. Undo and redo restore what was stored, to the
    last bit. A failing action changes nothing and raises a VPUError, or Python's own for a wrong
    type. One lock guards every action: any thread may call. Reading does not wait for the model.

    Args:
        image: what `imaging.read` takes.
        model: a VPUFormer; the shipped weights by default.
        mask: a mask bool `[H, W]` that the first object starts from.
        truth: a reference bool `[H, W]`, for `score`.
        autosave: a JSON file, written whole after each change. If it is there, the session goes on
            from it, undo and redo too; a file about another image or other weights is an error.
        precision: "auto" takes bfloat16 where the processor is fast at it.

    Attributes:
        image: uint8 `[H, W, 3]`.
        name: the image's in COCO files, that of its file; settable.
        truth: bool `[H, W]`, or None.
        changed: functions called after each change, in the thread that made it, the lock let go.
        autosave: where each change is saved after that, or None.
        saving: is given the function that saves, after each change; calls it now or a little later.
        trouble: why the last autosave failed, in plain words; None when it did not.
        answers: the model and what it is asked; `.predictor.seconds` says how long it took.
    """

    def __init__(
        self,
        image: Any,
        model: VPUFormer | None = None,
        *,
        mask: np.ndarray | None = None,
        truth: np.ndarray | None = None,
        autosave: str | Path | None = None,
        precision: Precision = "auto",
    ) -> None:
        self.name = Path(image).name if isinstance(image, str | Path) else "image"
        self.image, self.truth = read(image), None if truth is None else np.asarray(truth) > 0.5
        start, _ = begun(mask, self.size), begun(self.truth, self.size)
        self.answers = Answers(self.image, model, precision)
        self.changed: list[Callable[[], object]] = []
        self.saving: Callable[[Callable[[], object]], object] = call
        self._lock, self._threshold, self.autosave, self.trouble = RLock(), 0.5, None, None
        self._past = Past([State({}, 0).adding(None, start)])
        self._masks: dict[int, tuple[Thing, float, np.ndarray]] = {}
        if autosave and Path(autosave).is_file():
            self._restore(read_json(autosave))
        self.autosave = None if autosave is None else Path(autosave)

    @property
    def size(self) -> Size:
        """(H, W) of the image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def objects(self) -> list[Thing]:
        """All objects, the earliest first: `.number .name .colour .is_empty .prompts .strokes`."""
        return list(self._past.now.things.values())

    @property
    def selected(self) -> int:
        """The number of the object that actions are about; numbers begin at 1."""
        return self._past.now.selected

    @property
    def prompts(self) -> list[Prompt]:
        """The selected object's prompts, in order."""
        return self._past.now.thing.prompts

    @property
    def prob(self) -> np.ndarray | None:
        """The selected object's probability, float32 `[H, W]`, before the brush; None at first."""
        return self._past.now.thing.prob

    @property
    def mask(self) -> np.ndarray:
        """The selected object's mask now, bool `[H, W]`, with threshold and brush; read-only."""
        return self._mask(self._past.now.thing)

    def _mask(self, thing: Thing) -> np.ndarray:
        threshold, known = self._threshold, self._masks.get(thing.number)
        if known is None or known[:2] != (thing, threshold):
            known = self._masks[thing.number] = thing, threshold, thing.mask(threshold, self.size)
        return known[2]

    def masks(self) -> dict[int, np.ndarray]:
        """Every object's mask by its number, bool `[H, W]` each; read-only."""
        return {thing.number: self._mask(thing) for thing in self.objects}

    def labels(self) -> np.ndarray:
        """uint8 `[H, W]`: k where the k-th of `objects` lies, a later one on top; 0 elsewhere."""
        labels = np.zeros(self.size, np.uint8)
        for k, mask in enumerate(self.masks().values(), 1):
            labels[mask] = k
        return labels

    @property
    def score(self) -> float | None:
        """IoU of the mask with the truth; nan when both are empty, None without a truth."""
        return None if self.truth is None else iou(self.truth, self.mask)

    @property
    def threshold(self) -> float:
        """A pixel belongs to the mask when its probability is above this; settable, no step."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        if not 0 < value < 1:
            raise ConfigError(f"threshold is {value}, expected a number between 0 and 1.")
        self._threshold = float(value)
        self._tell()

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back; the last 64 can be."""
        return self._past.at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to repeat."""
        return self._past.at < len(self._past.states) - 1

    def undo(self) -> None:
        """Back to before the last action; nothing happens when there is none."""
        self._move(-1)

    def redo(self) -> None:
        """Forward again after `undo`; nothing happens when there is nothing to redo."""
        self._move(1)

    def _move(self, step: int) -> None:
        with self._lock:
            history, at = self._past
            self._past = Past(history, min(max(at + step, 0), len(history) - 1))
        self._tell()

    def _do(self, action: Callable[[State], State], *how: Any) -> None:
        with self._lock:
            before, (history, at) = self._past.now, self._past
            state = replace(action(before), how=(before.selected, *how))
            self._past = Past([*history[: at + 1][-STEPS:], state], min(at + 1, STEPS))
        self._tell()

    def _tell(self) -> None:
        try:
            for function in tuple(self.changed):
                function()
        finally:
            self.saving(self._save)

    def _save(self) -> None:
        with self._lock:
            self.trouble = None
            try:
                if self.autosave:
                    save(self.autosave, exported("session", self))
            except VPUError as error:
                self.trouble = str(error)

    def add(self, *prompts: Prompt) -> None:
        """One round on the selected object: take the prompts, answer with a mask."""
        self._do(lambda s: s.having(self.answers.said(s.thing, prompts)), "add", *prompts)

    def remove(self, index: int) -> None:
        """Take back prompt `index` of `prompts`; the rounds from its own on are played again."""
        self._do(lambda s: s.having(self.answers.without(s.thing, index)), "remove", int(index))

    def clear(self) -> None:
        """Forget the selected object's prompts and strokes; a start mask stays."""
        self._do(lambda s: s.changed(s.selected, rounds=(), strokes=()), "clear")

    def paint(self, points: Points, radius: float, erase: bool = False) -> None:
        """A stroke of a round brush, all in image pixels, on top of the selected object's mask.

        It outlives later prompts; where a later click lies, its sign wins.
        """
        line = Scribble(tuple(points), not erase)
        if not swept(line.points, Stroke(line, radius, 0).radius, self.size)[2].any():
            raise PromptError("The brush touches no pixel of the image. Paint on the image.")
        how = "paint", [list(point) for point in line.points], float(radius), bool(erase)
        self._do(lambda s: s.having(s.thing.painted(line, radius)), *how)

    def add_object(self, name: str | None = None) -> int:
        """Begin another object, select it and return its number."""
        self._do(lambda s: s.adding(name), "add_object", name)
        return self.selected

    def select(self, number: int) -> None:
        """Go on with an object; no step."""
        with self._lock:
            history, at = list(self._past.states), self._past.at
            history[at] = replace(history[at], selected=history[at].at(number).number)
            self._past = Past(history, at)
        self._tell()

    def rename(self, number: int, name: str) -> None:
        """Call an object by another name."""
        self._do(lambda s: s.changed(number, name=name), "rename", int(number), name)

    def recolour(self, number: int, colour: str) -> None:
        """Paint an object in another colour, #RRGGBB."""
        self._do(lambda s: s.changed(number, colour=colour), "recolour", int(number), colour)

    def remove_object(self, number: int) -> None:
        """Delete an object; the last one left is emptied instead."""
        self._do(lambda s: s.without(number), "remove_object", int(number))

    def preview(self, *prompts: Prompt) -> np.ndarray:
        """The mask that `add` would give, bool `[H, W]`; changes nothing, and `add` costs less."""
        with self._lock:
            thing = self.answers.said(self._past.now.thing, prompts)
        return thing.mask(self._threshold, self.size)

    def prepare(self) -> None:
        """Encode now what the next prompt will most likely look at; changes nothing."""
        with self._lock:
            self.answers.prepare(self._past.now.thing)

    def vectors(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A prompt's PuE vector on the whole image: q_h `[L]` along x, q_v `[L]` along y, q_b."""
        return self.answers.vectors(self._past.now.thing, index)

    def rho(self, index: int) -> np.ndarray:
        """How alike each pixel is to prompt `index`, float32 `[H, W]` in 0..1 (Eq. 15)."""
        with self._lock:
            return self.answers.rho(self._past.now.thing, index)

    def to_json(self) -> dict[str, Any]:
        """A plain dict: objects with prompts and masks, undo steps, what decides the answers."""
        past, threshold = self._past, self._threshold
        things = [{**t.to_json(), "mask": to_rle(self._mask(t))} for t in past.now.things.values()]
        view = {"threshold": threshold, "selected": past.now.selected, "past": past.to_json()}
        return {**self.answers.identity, **view, "objects": things}

    @classmethod
    def from_json(
        cls, data: Any, image: Any, model: VPUFormer | None = None, *, any_weights: bool = False
    ) -> "Session":
        """The session that a `to_json` dict describes, its rounds played again.

        DataError when it is about another image, or other weights (unless `any_weights`).
        """
        session = cls(image, model)
        session._restore(data, any_weights)
        return session

    def _restore(self, data: Any, any_weights: bool = False) -> None:
        try:
            self.answers.check(data, any_weights)
            self.answers = Answers(self.image, self.answers.model, data["precision"])
            self.threshold = data["threshold"]
            bare = [{k: v for k, v in each.items() if k != "mask"} for each in data["objects"]]
            alone = {"at": 0, "first": bare, "steps": [[data["selected"]]]}
            self._relive(data.get("past", alone))  # which older files lack
            if [thing.to_json() for thing in self.objects] != bare:  # they were changed by hand
                self._relive(alone)
            self.select(data["selected"])
        except VPUError:
            raise
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise DataError(f"This is no session: {error!r}. Give what to_json gives.") from None

    def _relive(self, past: dict[str, Any]) -> None:
        things = {thing.number: thing for thing in map(self.answers.restored, past["first"])}
        self._past, rows = Past([State(things, min(things))]), past["steps"]
        for _, selected, name, *given in rows[1:]:
            self.select(selected)
            parts = (prompt_from_json(g) if isinstance(g, dict) else g for g in given)
            getattr(self, ACTIONS[ACTIONS.index(name)])(*parts)
        pairs = zip(self._past.states, rows, strict=True)
        history = [replace(state, selected=state.at(row[0]).number) for state, row in pairs]
        self._past = Past(history, range(len(history))[past["at"]])
