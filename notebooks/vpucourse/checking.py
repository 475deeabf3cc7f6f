"""What we wrote by hand beside the package, and exercises that check themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class Same:
    """How well two results agree."""

    exact: bool
    close: bool
    difference: float

    def __repr__(self) -> str:
        words = {True: "yes", False: "no"}
        return (
            f"exact {words[self.exact]} | close {words[self.close]} | "
            f"largest difference {self.difference:.2g}"
        )


def same(ours: Any, package: Any, *, tolerance: float = 1e-6) -> Same:
    """Whether what we wrote by hand equals what the package says; raises when it is not close.

    Args:
        ours: a number, array or tensor.
        package: the same from the package.
        tolerance: largest absolute difference that counts as close.
    """
    a, b = (
        np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
        for value in (ours, package)
    )
    assert a.shape == b.shape, f"Ours has the shape {a.shape}, the package's is {b.shape}."
    difference = float(np.abs(a.astype(float) - b.astype(float)).max(initial=0.0))
    result = Same(bool((a == b).all()), difference <= tolerance, difference)
    assert result.close, f"Not the same: {result}"
    return result


class _Checks:
    """The exercises that check themselves, by number."""

    def __init__(self) -> None:
        self._known: dict[str, Callable[..., str]] = {}

    def add(self, *names: str) -> Callable[[Callable[..., str]], Callable[..., str]]:
        def keep(check: Callable[..., str]) -> Callable[..., str]:
            self._known |= dict.fromkeys(names, check)
            return check

        return keep

    def ex(self, name: str, answer: Any, **given: Any) -> str:
        """One line on an answer: not done yet, right, or which property breaks. Never raises.

        Args:
            name: the exercise, such as "00.B".
            answer: a value, or the function to be written; None or a function that raises
                NotImplementedError is not done yet.
            given: what the check needs to judge it, as the notebook's cell says.
        """
        if name not in self._known:
            return f"{name}: no such exercise. There are {', '.join(sorted(self._known))}."
        if answer is None:
            return f"{name}: not done yet."
        try:
            problem = self._known[name](answer, **given)
        except NotImplementedError:
            return f"{name}: not done yet."
        except Exception as error:  # noqa: BLE001 - a reader's code may raise anything
            return f"{name}: your code raised {type(error).__name__}: {error}"
        return f"{name}: not yet. {problem}" if problem else f"{name}: right."


checks = _Checks()
