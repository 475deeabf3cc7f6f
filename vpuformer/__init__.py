"""VPUFormer: interactive image segmentation with clicks, boxes and scribbles.

`import vpuformer as vpu` costs nothing: every name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vpuformer.doctor import doctor
    from vpuformer.evaluation import evaluate
    from vpuformer.model import VPUFormer, build, preset
    from vpuformer.predictor import Predictor, segment
    from vpuformer.prompts import Box, Click, Scribble
    from vpuformer.training.finetune import finetune
    from vpuformer.training.loop import fit
    from vpuformer.weights import load, save
    from vpuwidget.panel import PromptWidget

_NAMES = {
    ".doctor": "doctor",
    ".evaluation": "evaluate",
    ".model": "VPUFormer build preset",
    ".predictor": "Predictor segment",
    ".prompts": "Box Click Scribble",
    ".training.finetune": "finetune",
    ".training.loop": "fit",
    ".weights": "load save",
    "vpuwidget.panel": "PromptWidget",
}
_HOMES = dict(sorted((name, home) for home, names in _NAMES.items() for name in names.split()))
__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"vpuformer has no {name!r}. It has {', '.join(__all__)}.")
    try:
        value = getattr(import_module(_HOMES[name], "vpuformer"), name)
    except ModuleNotFoundError as error:
        extra = "notebooks" if name == "PromptWidget" else "train"
        message = f"{error.name} is not installed. Run: pip install 'vpuformer[{extra}]'"
        raise ModuleNotFoundError(message, name=error.name) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


# A module and its function share this name: bound here, the function wins whoever imports first.
doctor = import_module("vpuformer.doctor").doctor
