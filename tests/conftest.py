"""Shapes are checked while tests run: jaxtyping's annotations, by beartype. Users pay nothing."""

import os
import sys
from types import ModuleType

import pytest
from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tensors: a second thread only waits

# An int may stand for a float, as in any Python call.
checker = ModuleType("vpuformer_shape_checker")
checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))
sys.modules[checker.__name__] = checker

CHECKED = tuple(f"vpuformer.{room}" for room in ("pue", "network", "losses", "model", "training"))
install_import_hook(list(CHECKED), f"{checker.__name__}.check")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """No test finds or leaves anything in the user's own cache."""
    os.environ["VPUFORMER_CACHE"] = str(tmp_path_factory.mktemp("cache"))
