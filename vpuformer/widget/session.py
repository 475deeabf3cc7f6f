"""Everything a person has said about one image, and what came back; no widget in sight."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from vpuformer.model import VPUFormer
from vpuformer.prompts import Prompt, Size
from vpuformer.weights import Precision
from vpuformer.widget.things import Thing


class Session:
    """The state of live prompting on one image: objects, prompts, brush strokes, undo and redo.

    Each action is one undo step of the whole session. Undo and redo restore what was stored, to the
    last bit. A failing action changes nothing and raises a VPUError. One lock guards everything:
    any thread may call.

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
        trouble: why the last autosave failed, in plain words; None when it did not.
    """

    image: np.ndarray
    truth: np.ndarray | None
    changed: list[Callable[[], object]]
    trouble: str | None

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
        raise NotImplementedError

    @property
    def size(self) -> Size:
        """(H, W) of the image."""
        raise NotImplementedError

    @property
    def objects(self) -> list[Thing]:
        """All objects, the earliest first: `.number .name .colour .is_empty .prompts .strokes`."""
        raise NotImplementedError

    @property
    def selected(self) -> int:
        """The number of the object that actions are about; numbers begin at 1."""
        raise NotImplementedError

    @property
    def prompts(self) -> list[Prompt]:
        """The selected object's prompts, in order."""
        raise NotImplementedError

    @property
    def prob(self) -> np.ndarray | None:
        """The selected object's probability, float32 `[H, W]`, before the brush; None at first."""
        raise NotImplementedError

    @property
    def mask(self) -> np.ndarray:
        """The selected object's mask now, bool `[H, W]`, with threshold and brush; read-only."""
        raise NotImplementedError

    def masks(self) -> dict[int, np.ndarray]:
        """Every object's mask by its number, bool `[H, W]` each; read-only."""
        raise NotImplementedError

    def labels(self) -> np.ndarray:
        """uint8 `[H, W]`: k where the k-th of `objects` lies, a later one on top; 0 elsewhere."""
        raise NotImplementedError

    @property
    def score(self) -> float | None:
        """IoU of the mask with the truth; None without a truth, or when both are empty."""
        raise NotImplementedError

    @property
    def threshold(self) -> float:
        """A pixel belongs to the mask when its probability is above this; settable, no step."""
        raise NotImplementedError

    @threshold.setter
    def threshold(self, value: float) -> None:
        raise NotImplementedError

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        raise NotImplementedError

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to repeat."""
        raise NotImplementedError

    def add(self, *prompts: Prompt) -> None:
        """One round on the selected object: take the prompts, answer with a mask."""
        raise NotImplementedError

    def remove(self, index: int) -> None:
        """Take back prompt `index` of `prompts`; the rounds from its own on are played again."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget the selected object's prompts and strokes; a start mask stays."""
        raise NotImplementedError

    def paint(
        self, points: Sequence[tuple[float, float]], radius: float, erase: bool = False
    ) -> None:
        """A stroke of the brush on top of the selected object's mask; it outlives later prompts.

        Where a later click lies, its sign wins.

        Args:
            points: (x, y) in the image's pixels, in drawing order.
            radius: of the round brush, in the image's pixels.
            erase: take away instead of adding.
        """
        raise NotImplementedError

    def add_object(self, name: str | None = None) -> int:
        """Begin another object, select it and return its number."""
        raise NotImplementedError

    def select(self, number: int) -> None:
        """Go on with an object; no step."""
        raise NotImplementedError

    def rename(self, number: int, name: str) -> None:
        """Call an object by another name."""
        raise NotImplementedError

    def recolour(self, number: int, colour: str) -> None:
        """Paint an object in another colour, #RRGGBB."""
        raise NotImplementedError

    def remove_object(self, number: int) -> None:
        """Delete an object; the last one left is emptied instead."""
        raise NotImplementedError

    def undo(self) -> None:
        """Back to before the last action; nothing happens when there is none."""
        raise NotImplementedError

    def redo(self) -> None:
        """Forward again after `undo`; nothing happens when there is nothing to redo."""
        raise NotImplementedError

    def preview(self, *prompts: Prompt) -> np.ndarray:
        """The mask that `add` would give, bool `[H, W]`; changes nothing.

        `add` of the same prompts right after takes the answer over and computes nothing.
        """
        raise NotImplementedError

    def vectors(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A prompt's PuE vector on the whole image: q_h `[L]` along x, q_v `[L]` along y, q_b."""
        raise NotImplementedError

    def rho(self, index: int) -> np.ndarray:
        """How alike each pixel is to prompt `index`, float32 `[H, W]` in 0..1 (Eq. 15)."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """A plain dict: prompts in rounds, strokes, objects, masks and what decides the answers."""
        raise NotImplementedError

    @classmethod
    def from_json(
        cls,
        data: dict[str, Any],
        image: Any,
        model: VPUFormer | None = None,
        *,
        any_weights: bool = False,
        truth: np.ndarray | None = None,
        autosave: str | Path | None = None,
    ) -> Self:
        """The session that a `to_json` dict describes, its rounds played again.

        Raises:
            DataError: it is no such dict, is about another image, or was made with other weights
                (unless `any_weights`).
        """
        raise NotImplementedError
