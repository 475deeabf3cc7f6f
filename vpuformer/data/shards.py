"""Photos and labels in tar shards (webdataset layout), read by index in an order one can repeat."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vpuformer.data.augmentation import Sample, augment
from vpuformer.errors import DataError

PARTS = {"webp": "image", "jpg": "image", "png": "labels", "json": "json"}


class Shards:
    """All samples of the shards of a folder: `key.webp` (or jpg), `key.png`, `key.json`.

    Args:
        root: a folder of .tar files.
        teacher_share: how often a photo whose masks a model drew is taken, against one whose masks
            people drew (1.0: as often).
    """

    def __init__(self, root: str | Path, teacher_share: float = 0.35) -> None:
        self.root = Path(root)
        paths = sorted(self.root.glob("*.tar"))
        if not paths:
            raise DataError(
                f"No .tar shard in {self.root}. Expected files like human-0000.tar."
            )
        self.entries: list[tuple[Path, dict[str, tuple[int, int]]]] = []
        for path in paths:
            self.entries += [(path, parts) for parts in _index(path)]
        self.weights = np.array(
            [teacher_share if p.name.startswith("teacher") else 1.0 for p, _ in self.entries]
        )
        self.files: dict[Path, bytes] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Which samples to take in an epoch, in order; a share of the teacher's is left out."""
        rng = np.random.default_rng([seed, epoch])
        kept = np.flatnonzero(rng.random(len(self)) < self.weights)
        return rng.permutation(kept)

    def read(self, index: int) -> tuple[Image.Image, np.ndarray]:
        """The photo and its label map: 0 background, 1..K instances, 255 void."""
        path, parts = self.entries[index]
        image = Image.open(io.BytesIO(self._bytes(path, parts["image"]))).convert("RGB")
        labels = np.asarray(Image.open(io.BytesIO(self._bytes(path, parts["labels"]))))
        if labels.shape != (image.height, image.width):
            raise DataError(
                f"{path.name}: labels are {labels.shape}, the photo {image.height, image.width}."
            )
        return image, labels

    def record(self, index: int) -> dict:
        """What is known of a photo: source, licence where stated, who drew its masks; or {}."""
        path, parts = self.entries[index]
        return json.loads(self._bytes(path, parts["json"])) if "json" in parts else {}

    def _bytes(self, path: Path, span: tuple[int, int]) -> bytes:
        if path not in self.files:
            self.files[path] = path.read_bytes()
        return self.files[path][span[0] : span[0] + span[1]]


def _index(path: Path) -> Sequence[dict[str, tuple[int, int]]]:
    """Offset and length of each part of each sample in a shard."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                key, _, extension = member.name.rpartition(".")
                if member.isfile() and extension in PARTS:
                    found.setdefault(key, {})[PARTS[extension]] = (
                        member.offset_data,
                        member.size,
                    )
    except tarfile.TarError as error:
        raise DataError(
            f"{path} is not a whole tar archive: {error}. Fetch it again."
        ) from None
    return [parts for parts in found.values() if {"image", "labels"} <= parts.keys()]


class ShardSamples:
    """Training samples from shards: position -> the same crop of the same photo, every time."""

    def __init__(self, shards: Shards) -> None:
        self.shards = shards
        self._orders: dict[int, list[np.ndarray]] = {}

    def sample(self, seed: int, position: int, crop: int) -> Sample:
        """The sample at a position of the endless order of epochs drawn from `seed`."""
        orders = self._orders.setdefault(seed, [])
        left, epoch = position, 0
        while True:
            if epoch == len(orders):
                orders.append(self.shards.order(seed, epoch))
            if left < len(orders[epoch]):
                break
            left, epoch = left - len(orders[epoch]), epoch + 1
        image, labels = self.shards.read(int(orders[epoch][left]))
        return augment(image, labels, crop, np.random.default_rng([seed, position]))
