"""Everything a person has said about one image, and what came back; no widget in sight."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from vpuformer.conversation import start_mask
from vpuformer.errors import ConfigError, DataError, PromptError, VPUError
from vpuformer.imaging import read
from vpuformer.metrics import iou
from vpuformer.model import VPUFormer
from vpuformer.prompts import Prompt, Scribble, Size
from vpuformer.weights import Precision
from vpuformer.widget.answers import Answers
from vpuformer.widget.export import read_json, save, to_rle
from vpuformer.widget.things import State, Stroke, Thing, swept

SCHEMA = 1
STEPS = 64  # that can be undone


class Session:
    """The state of live prompting on one image: objects, prompts, brush strokes, undo and redo.

    Each action is one undo step of the whole session. Undo and redo restore what was stored, to the
    last bit. A failing action changes nothing and raises a VPUError. One lock guards every action:
    any thread may call. What only reads does not wait for the model.

    Args:
        image: what `imaging.read` takes.
        model: a VPUFormer; the shipped weights by default.
        mask: a mask bool `[H, W]` that the first object starts from.
        truth: a reference bool `[H, W]`, for `score`.
        autosave: a JSON file, written whole after each change. If it is there, the session goes on
            from it; a file about another image or other weights is an error.
        precision: "auto" takes bfloat16 where the processor is fast at it.

    Attributes:
        image: uint8 `[H, W, 3]`.
        truth: bool `[H, W]`, or None.
        changed: functions called without arguments after each change, in the thread that made it,
            the lock let go.
        autosave: where each change is saved after that, or None.
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
        self.image, self.truth = read(image), None if truth is None else np.asarray(truth, bool)
        start, _ = start_mask(mask, self.size), start_mask(self.truth, self.size)
        self.answers = Answers(self.image, model, precision)
        self.changed: list[Callable[[], object]] = []
        self.autosave, self.trouble = None if autosave is None else Path(autosave), None
        self._lock, self._threshold = RLock(), 0.5
        self._past: tuple[list[State], int] = [State({}, 0).adding(None, start)], 0
        self._masks: dict[int, tuple[Thing, float, np.ndarray]] = {}
        if self.autosave and self.autosave.is_file():
            self._restore(read_json(self.autosave))

    @property
    def _state(self) -> State:
        history, at = self._past
        return history[at]

    @property
    def size(self) -> Size:
        """(H, W) of the image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def objects(self) -> list[Thing]:
        """All objects, the earliest first: `.number .name .colour .is_empty .prompts .strokes`."""
        return list(self._state.things.values())

    @property
    def selected(self) -> int:
        """The number of the object that actions are about; numbers begin at 1."""
        return self._state.selected

    @property
    def prompts(self) -> list[Prompt]:
        """The selected object's prompts, in order."""
        return self._state.thing.prompts

    @property
    def prob(self) -> np.ndarray | None:
        """The selected object's probability, float32 `[H, W]`, before the brush; None at first."""
        return self._state.thing.prob

    @property
    def mask(self) -> np.ndarray:
        """The selected object's mask now, bool `[H, W]`, with threshold and brush; read-only."""
        return self._mask(self._state.thing)

    def _mask(self, thing: Thing) -> np.ndarray:
        threshold = self._threshold
        known = self._masks.get(thing.number)
        if known is None or known[:2] != (thing, threshold):
            known = thing, threshold, thing.mask(threshold, self.size)
            self._masks[thing.number] = known
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
        self._threshold = _checked(value)
        self._tell()

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back; the last 64 can be."""
        return self._past[1] > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to repeat."""
        return self._past[1] < len(self._past[0]) - 1

    def undo(self) -> None:
        """Back to before the last action; nothing happens when there is none."""
        self._move(-1)

    def redo(self) -> None:
        """Forward again after `undo`; nothing happens when there is nothing to redo."""
        self._move(1)

    def _move(self, step: int) -> None:
        with self._lock:
            history, at = self._past
            self._past = history, min(max(at + step, 0), len(history) - 1)
        self._tell()

    def _do(self, action: Callable[[State], State]) -> None:
        with self._lock:
            state, (history, at) = action(self._state), self._past
            past = history[: at + 1][-STEPS:]
            self._past = [*past, state], len(past)
        self._tell()

    def _tell(self) -> None:
        try:
            for function in tuple(self.changed):
                function()
        finally:
            if self.autosave:
                self._save(self.autosave)

    def _save(self, path: Path) -> None:
        with self._lock:
            self.trouble = None
            try:
                save(path, json.dumps(self.to_json()).encode())
            except VPUError as error:
                self.trouble = str(error)

    def add(self, *prompts: Prompt) -> None:
        """One round on the selected object: take the prompts, answer with a mask."""
        self._do(lambda state: state.having(self.answers.said(state.thing, prompts)))

    def remove(self, index: int) -> None:
        """Take back prompt `index` of `prompts`; the rounds from its own on are played again."""
        self._do(lambda state: state.having(self.answers.without(state.thing, index)))

    def clear(self) -> None:
        """Forget the selected object's prompts and strokes; a start mask stays."""
        self._do(lambda state: state.having(replace(state.thing, rounds=(), strokes=())))

    def paint(
        self, points: Sequence[tuple[float, float]], radius: float, erase: bool = False
    ) -> None:
        """A stroke of a round brush, all in image pixels, on top of the selected object's mask.

        It outlives later prompts; where a later click lies, its sign wins.
        """
        line = Scribble(tuple(points), not erase)
        if not swept(line.points, Stroke(line, radius, 0).radius, self.size)[2].any():
            raise PromptError("The brush touches no pixel of the image. Paint on the image.")
        self._do(lambda state: state.having(state.thing.painted(line, radius)))

    def add_object(self, name: str | None = None) -> int:
        """Begin another object, select it and return its number."""
        self._do(lambda state: state.adding(name))
        return self.selected

    def select(self, number: int) -> None:
        """Go on with an object; no step."""
        with self._lock:
            history, at = list(self._past[0]), self._past[1]
            history[at] = State(history[at].things, history[at].at(number).number)
            self._past = history, at
        self._tell()

    def rename(self, number: int, name: str) -> None:
        """Call an object by another name."""
        self._do(lambda state: state.having(replace(state.at(number), name=name)))

    def recolour(self, number: int, colour: str) -> None:
        """Paint an object in another colour, #RRGGBB."""
        self._do(lambda state: state.having(replace(state.at(number), colour=colour)))

    def remove_object(self, number: int) -> None:
        """Delete an object; the last one left is emptied instead."""
        self._do(lambda state: state.without(number))

    def preview(self, *prompts: Prompt) -> np.ndarray:
        """The mask that `add` would give, bool `[H, W]`; changes nothing, and `add` costs less."""
        with self._lock:
            thing = self.answers.said(self._state.thing, prompts)
        return thing.mask(self._threshold, self.size)

    def prepare(self) -> None:
        """Encode now what the next prompt will most likely look at; changes nothing."""
        with self._lock:
            self.answers.prepare(self._state.thing)

    def vectors(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A prompt's PuE vector on the whole image: q_h `[L]` along x, q_v `[L]` along y, q_b."""
        return self.answers.vectors(self._state.thing, index)

    def rho(self, index: int) -> np.ndarray:
        """How alike each pixel is to prompt `index`, float32 `[H, W]` in 0..1 (Eq. 15)."""
        with self._lock:
            return self.answers.rho(self._state.thing, index)

    def to_json(self) -> dict[str, Any]:
        """A plain dict: prompts in rounds, strokes, objects, masks and what decides the answers."""
        state = self._state
        things = [{**t.to_json(), "mask": to_rle(self._mask(t))} for t in state.things.values()]
        view = {"threshold": self._threshold, "selected": state.selected}
        return {"schema": SCHEMA, **self.answers.identity, **view, "objects": things}

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
            if data["schema"] != SCHEMA:
                raise DataError(f"The session has schema {data['schema']}, expected {SCHEMA}.")
            self.answers.check(data, any_weights)
            answers = Answers(self.image, self.answers.model, data["precision"])
            things = {t.number: t for t in map(answers.restored, data["objects"])}
            state = State(things, State(things, 0).at(data["selected"]).number)
            threshold = _checked(data["threshold"])
        except VPUError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"This is no session: {error!r}. Expected what to_json gives."
            ) from None
        self.answers, self._threshold, self._past = answers, threshold, ([state], 0)


def _checked(threshold: float) -> float:
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold is {threshold}, expected a number between 0 and 1.")
    return float(threshold)
