"""All that a person has said about a picture, with undo, redo and a file. No widget here."""

from collections.abc import Callable
from dataclasses import replace
from threading import RLock
from typing import Any

import numpy as np

from vpuformer.drawing import palette
from vpuformer.errors import ConfigError, PromptError
from vpuformer.predictor import Predictor
from vpuformer.prompts import Prompt
from vpuformer.widget.items import Item, State, Stroke, checked_colour


class Session:
    """A picture, its objects, and everything that was done to them, in order.

    Every action that changes the document can be undone and redone exactly; a failing one leaves
    everything as it was. The view (zoom, opacity, tool) is no part of it.

    Args:
        predictor: answers the prompts; the session owns it from here on.
        image: what `imaging.read` takes.
        mask: bool `[H, W]` that the first object starts from.
        on_change: called with the session after every change, for example to save it.
    """

    def __init__(
        self,
        predictor: Predictor,
        image: Any,
        mask: np.ndarray | None = None,
        on_change: Callable[[Any], None] | None = None,
    ) -> None:
        predictor.set_image(image, mask)
        self.predictor, self.on_change, self.lock = predictor, on_change, RLock()
        assert predictor.image is not None
        self.image: np.ndarray = predictor.image
        self.threshold = predictor.threshold
        first = Item(1, "object 1", palette.MASK, 0, start=mask)
        self._history, self._at = [State((first,), 1)], 0
        self._steps = {0: 0}  # where the predictor stands on each of its objects
        self._probs: dict[tuple[int, int], np.ndarray] = {}

    # What there is.

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        return self.predictor.size

    @property
    def state(self) -> State:
        """The document now."""
        return self._history[self._at]

    @property
    def items(self) -> tuple[Item, ...]:
        """All objects."""
        return self.state.items

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The selected object's prompts."""
        return self.state.item.prompts

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether an action was taken back."""
        return self._at < len(self._history) - 1

    def prob_of(self, item: Item) -> np.ndarray:
        """The model's probability for an object, float32 `[H, W]`; 0 where nothing was said."""
        with self.lock:
            key = (item.slot, item.step)
            if key not in self._probs:
                live = {(i.slot, i.step) for i in self.items}
                self._probs = {k: v for k, v in self._probs.items() if k in live}
                answer = self._stand(item)
                blank = np.zeros(self.size, np.float32)
                self._probs[key] = blank if answer is None else answer.prob
            return self._probs[key]

    def mask_of(self, item: Item) -> np.ndarray:
        """An object's mask bool `[H, W]`: the model's answer with brush and eraser over it."""
        mask = self.prob_of(item) > self.threshold
        for stroke in item.strokes:
            mask[stroke.covers(self.size)] = stroke.add
        return mask

    @property
    def mask(self) -> np.ndarray:
        """The selected object's mask."""
        return self.mask_of(self.state.item)

    @property
    def prob(self) -> np.ndarray:
        """The selected object's probability."""
        return self.prob_of(self.state.item)

    @property
    def masks(self) -> dict[int, np.ndarray]:
        """Every object's mask, by its number."""
        return {item.number: self.mask_of(item) for item in self.items}

    # What a person does.

    def add(self, *prompts: Prompt) -> np.ndarray:
        """Prompts answered together in one round; the mask that comes back."""
        with self.lock:
            item = self.state.item
            self._stand(item)
            self.predictor.add(*prompts)
            self._moved(item, rounds=(*item.rounds, prompts))
            return self.mask

    def remove(self, index: int) -> np.ndarray:
        """Delete prompt `index` of the selected object; later rounds are played again."""
        with self.lock:
            item = self.state.item
            self._stand(item)
            self.predictor.remove(index)
            rounds: list[tuple[Prompt, ...]] = []
            for turn in item.rounds:
                kept = tuple(p for i, p in enumerate(turn) if i != index)
                index -= len(turn)
                rounds += [kept] if kept else []
            self._moved(item, rounds=tuple(rounds))
            return self.mask

    def paint(self, stroke: Stroke) -> np.ndarray:
        """Brush or eraser over the selected object; it stays on top of later answers."""
        with self.lock:
            item = self.state.item
            self._put(replace(item, strokes=(*item.strokes, stroke)))
            return self.mask

    def clear(self) -> None:
        """Forget the selected object's prompts and strokes, keep its start mask."""
        with self.lock:
            item = self.state.item
            if item.rounds or item.strokes:
                slot = self._slot(item.start)
                self._put(replace(item, slot=slot, step=0, rounds=(), strokes=()))

    def add_object(self, name: str = "", mask: np.ndarray | None = None) -> int:
        """Begin another object, select it, return its number."""
        with self.lock:
            number = max(i.number for s in self._history for i in s.items) + 1
            colour = palette.OBJECTS[(number - 1) % len(palette.OBJECTS)]
            item = Item(
                number, name or f"object {number}", colour, self._slot(mask), start=mask
            )
            self._push(State((*self.items, item), number))
            return number

    def select(self, number: int) -> None:
        """Go on with an object."""
        with self.lock:
            self._check(number)
            if number != self.state.selected:
                self._push(replace(self.state, selected=number))

    def edit_object(self, *, name: str | None = None, colour: str | None = None) -> None:
        """Rename or recolour (`#RRGGBB`) the selected object."""
        with self.lock:
            item = self.state.item
            new = replace(
                item, name=name or item.name, colour=checked_colour(colour or item.colour)
            )
            if new != item:
                self._put(new)

    def remove_object(self, number: int) -> None:
        """Delete an object; the last one left is emptied instead."""
        with self.lock:
            self._check(number)
            rest = tuple(i for i in self.items if i.number != number)
            if not rest:
                rest = (Item(number, f"object {number}", palette.MASK, self._slot(None)),)
            kept = self.state.selected
            chosen = kept if any(i.number == kept for i in rest) else rest[-1].number
            self._push(State(rest, chosen))

    def undo(self) -> bool:
        """Back to before the last action; False when there is none."""
        return self._go(self._at - 1)

    def redo(self) -> bool:
        """Forward again; False when nothing was taken back."""
        return self._go(self._at + 1)

    def set_threshold(self, threshold: float) -> None:
        """From which probability on a pixel belongs to the mask; a setting, not undone."""
        if not 0 < threshold < 1:
            raise ConfigError(f"threshold is {threshold}, expected a number between 0 and 1.")
        self.threshold = float(threshold)
        self._changed()

    # How it is kept.

    def _check(self, number: int) -> None:
        if number not in (numbers := [i.number for i in self.items]):
            raise PromptError(f"There is no object {number}. There are {numbers}.")

    def _slot(self, start: np.ndarray | None) -> int:
        slot = self.predictor.add_object(start)
        self._steps[slot] = 0
        return slot

    def _stand(self, item: Item) -> Any:
        """Bring the predictor to the answer that an object shows."""
        answer = self.predictor.select(item.slot)
        while self._steps[item.slot] != item.step:
            back = self._steps[item.slot] > item.step
            answer = self.predictor.undo() if back else self.predictor.redo()
            self._steps[item.slot] += -1 if back else 1
        return answer

    def _moved(self, item: Item, rounds: tuple[tuple[Prompt, ...], ...]) -> None:
        self._steps[item.slot] = item.step + 1
        self._put(replace(item, step=item.step + 1, rounds=rounds))

    def _put(self, new: Item) -> None:
        items = tuple(new if i.number == new.number else i for i in self.items)
        self._push(replace(self.state, items=items))

    def _push(self, state: State) -> None:
        self._history = [*self._history[: self._at + 1], state]
        self._at += 1
        self._changed()

    def _go(self, at: int) -> bool:
        with self.lock:
            if not 0 <= at < len(self._history):
                return False
            self._at = at
            self._changed()
            return True

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change(self)
