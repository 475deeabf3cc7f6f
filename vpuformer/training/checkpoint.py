"""Training state on disk: one safetensors file, written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vpuformer.errors import CheckpointError, read_json, written_whole

KEY = "vpuformer_training"
KEPT = 2
ADVICE = (
    "Earlier checkpoints are untouched; free some space in the run's folder and start the same "
    "command again."
)


def save_checkpoint(folder: Path, step: int, tensors: dict[str, Tensor], meta: dict) -> Path:
    """Write `step-N.safetensors` atomically (temporary file, fsync, rename); keep the last two.

    Raises CheckpointError when the disk refuses, with the earlier checkpoints untouched.
    """
    path = folder / f"step-{step:07d}.safetensors"
    plain = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    with written_whole(path, CheckpointError, ADVICE) as temporary:
        save_file(plain, temporary, metadata={KEY: json.dumps({"step": step, **meta})})
    kept = sorted(p for p in folder.glob("step-*.safetensors") if p <= path)[-KEPT:]
    # older ones, later ones of a run since begun anew, torn ones of a run killed while it wrote
    for old in {*folder.glob("step-*.safetensors"), *folder.glob("step-*.tmp")} - {*kept}:
        old.unlink()
    return path


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The newest readable checkpoint of a folder: (tensors, meta), or None when there is none."""
    broken = []
    for path in sorted(folder.glob("step-*.safetensors"), reverse=True):
        try:
            with safe_open(path, framework="pt") as file:
                meta = json.loads((file.metadata() or {})[KEY])
                return {k: file.get_tensor(k) for k in file.keys()}, meta  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            broken.append(f"{path.name} ({error})")
    if broken:
        raise CheckpointError(
            f"No readable checkpoint in {folder}: {'; '.join(broken)}. Remove the folder to start "
            "over, or put a whole file back."
        )
    return None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's state as flat tensors, `optimizer.PARAMETER.NAME`."""
    state = optimizer.state_dict()["state"]
    pairs = ((f"{i}.{name}", v) for i, values in state.items() for name, v in values.items())
    return {f"optimizer.{key}": torch.as_tensor(value) for key, value in pairs}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put `optimizer_tensors` back."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def claim(folder: Path, about: dict[str, Any]) -> None:
    """Write down in `run.json` whose folder this is, or refuse when it is another run's."""
    run, path = json.loads(json.dumps(about)), folder / "run.json"
    if path.exists() and (found := read_json(path)) != run:
        wrong = ", ".join(k for k in run if found.get(k) != run[k])
        raise CheckpointError(f"{folder} holds another run (its {wrong} differ). Give a new one.")
    with written_whole(path, CheckpointError, "Give another folder.") as temporary:
        temporary.write_text(json.dumps(run, indent=1) + "\n", "utf-8")
