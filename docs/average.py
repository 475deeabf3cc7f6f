"""The mean of two models' weights, tensor by tensor, as weights with a card of their own.

`python docs/average.py lite0 runs/lite0-6/lite0.safetensors --out lite0.safetensors` made the
shipped ones, where `lite0` are the weights that the leg began with (docs/training.md).
"""

import argparse
import sys
from pathlib import Path

import torch

import vpuformer as vpu
from vpuformer.errors import VPUError
from vpuformer.weights import save


def average(first: str, last: str, out: str | Path, command: str) -> Path:
    """Write (first + last) / 2 with the card of `last`, to which it adds where both come from.

    Args:
        first: what a leg of training began with, a preset or a weights file.
        last: what it made of that. The mean of weights without such a tie is worth nothing.
        out: the file to write, whole or not at all.
        command: the line that made it, for the card.

    Raises:
        VPUError: the leg began with other weights.
    """
    one, other = (vpu.load(name, device="cpu") for name in (first, last))
    began = (other.card.get("start") or {}).get("hash")
    if began != one.weights_hash:
        raise VPUError(
            f"{last} began with {(began or 'ImageNet')[:12]}, {first} is {one.weights_hash[:12]}. "
            "Give the weights that a leg began with, then what it made of them."
        )
    made_from = {"hashes": [one.weights_hash, other.weights_hash], "command": command}
    tensors = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    with torch.no_grad():
        for a, b in tensors:
            b.copy_((a.double() + b.double()) / 2)
    return save(other, out, other.card | {"mean_of": made_from})


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="average.py", description=__doc__)
    parser.add_argument("first", help="the weights that the leg began with")
    parser.add_argument("last", help="what it made of them")
    parser.add_argument("--out", type=Path, required=True)
    words = parser.parse_args()
    command = f"python docs/average.py {words.first} {words.last} --out {words.out}"
    try:
        average(words.first, words.last, words.out, command)
    except VPUError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
