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

_HOMES = {
    "Box": ".prompts",
    "Click": ".prompts",
    "Predictor": ".predictor",
    "PromptWidget": "vpuwidget.panel",
    "Scribble": ".prompts",
    "VPUFormer": ".model",
    "build": ".model",
    "doctor": ".doctor",
    "evaluate": ".evaluation",
    "finetune": ".training.finetune",
    "fit": ".training.loop",
    "load": ".weights",
    "preset": ".model",
    "save": ".weights",
    "segment": ".predictor",
}
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
