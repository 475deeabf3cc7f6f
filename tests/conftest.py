"""Shapes are checked while tests run: jaxtyping's annotations, by beartype. Users pay nothing."""

import sys
from types import ModuleType

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# An int may stand for a float, as in any Python call.
checker = ModuleType("vpuformer_shape_checker")
checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))
sys.modules[checker.__name__] = checker

CHECKED = (
    "vpuformer.pue.gaussian",
    "vpuformer.pue.box",
    "vpuformer.pue.scribble",
    "vpuformer.pue.restore",
    "vpuformer.network",
    "vpuformer.losses",
    "vpuformer.training.sampling",
    "vpuformer.training.recipes",
    "vpuformer.training.checkpoint",
)
install_import_hook(list(CHECKED), f"{checker.__name__}.check")
