"""Published weights and the input that goes with them: key maps, folded BatchNorm, reports."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vpuformer.errors import CheckpointError
from vpuformer.network.shapes import Image

MEAN = (0.485, 0.456, 0.406)  # ImageNet, RGB in 0..1
STD = (0.229, 0.224, 0.225)


def normalise(image: Image) -> Image:
    """An RGB image in 0..1 as ImageNet networks see it."""
    mean, std = (image.new_tensor(v)[:, None, None] for v in (MEAN, STD))
    return (image - mean) / std


class Published:
    """A published file of weights, used up key by key; nothing is written before `close`.

    `dropped` names the beginnings of keys that belong to parts this project does not have.
    """

    def __init__(
        self, weights: Mapping[str, Tensor], network: str, dropped: tuple[str, ...] = ()
    ) -> None:
        self.network, kept = network, (k for k in weights if not k.startswith(dropped))
        self.left = {k: weights[k] for k in kept if not k.endswith("num_batches_tracked")}
        self._missing: list[str] = []
        self._found: list[tuple[Tensor, Tensor]] = []

    def pop(self, key: str) -> Tensor | None:
        """The tensor under a key, or None, which `close` will report."""
        if key not in self.left:
            self._missing.append(key)
        return self.left.pop(key, None)

    def put(self, target: Tensor, value: Tensor | None, key: str) -> None:
        """Remember a value for a parameter of the same shape."""
        if value is None:
            return
        if value.shape != target.shape:
            raise CheckpointError(
                f"{key} has shape {tuple(value.shape)}, expected {tuple(target.shape)}. Is this "
                f"another variant of {self.network}?"
            )
        self._found.append((target, value))

    def copy(self, module: nn.Module, prefix: str) -> None:
        """Every parameter of a module from `prefix.NAME`."""
        for name, target in module.named_parameters():
            self.put(target, self.pop(f"{prefix}.{name}"), f"{prefix}.{name}")

    def fold(self, conv: nn.Conv2d, conv_key: str, bn_key: str, eps: float = 1e-5) -> None:
        """conv(x) = BatchNorm(conv'(x)) with the BatchNorm's stored statistics."""
        keys = [f"{conv_key}.weight"]
        keys += [f"{bn_key}.{p}" for p in ("weight", "bias", "running_mean", "running_var")]
        tensors = [value.float() for key in keys if (value := self.pop(key)) is not None]
        if len(tensors) < len(keys) or conv.bias is None:
            return
        kernel, gain, bias, mean, var = tensors
        scale = gain / (var + eps).sqrt()
        if len(scale) != len(kernel):
            self.put(conv.bias, scale, f"{bn_key}.weight")
        self.put(conv.weight, kernel * scale[:, None, None, None], keys[0])
        self.put(conv.bias, bias - mean * scale, keys[2])

    def fold_all(self, module: nn.Module, prefix: str) -> None:
        """Every convolution of a module that bears the file's names: `convN` + `bnN`, `0` + `1`."""
        for name, conv in module.named_modules(prefix=prefix):
            if isinstance(conv, nn.Conv2d):
                path, _, last = name.rpartition(".")
                norm = "1" if last == "0" else last.replace("conv", "bn")
                self.fold(conv, name, f"{path}.{norm}")

    def close(self) -> None:
        """Write all values, or say what is missing and what is left over."""
        faults = {"lack": self._missing, "hold, beyond what this trunk has,": sorted(self.left)}
        said = [f"{does} {', '.join(k[:5])} ({len(k)} in all)" for does, k in faults.items() if k]
        if said:
            raise CheckpointError(
                f"{self.network} weights {' and '.join(said)}. Check that the file holds the "
                "published layout of this very variant."
            )
        with torch.no_grad():
            for target, value in self._found:
                target.copy_(value)
