"""Photos and labels in tar shards (webdataset layout), read by index in an order one can repeat.

On disk or over HTTP. A position decides the sample, so ranks share an epoch without overlap and a
run that resumes inside one repeats and loses nothing.
"""

import io
import json
import tarfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image

from vpuformer.data.augmentation import Choice, Sample, augment
from vpuformer.data.samples import labels_of, with_object
from vpuformer.errors import DataError
from vpuformer.imaging import FORMATS

PARTS = {"webp": "image", "jpg": "image", "png": "labels", "stuff": "stuff", "json": "json"}
INDEX = "index.json"
TRIES, TIMEOUT, PAUSE = 4, 30, 0.5  # requests, seconds, seconds more after each failure
CHOICE = Choice(parts=0.2, whole=0.3, power=0.25, grey=0.2)
Parts = dict[str, Any]  # offset and length in bytes of each part of a sample, maybe its record


@dataclass(frozen=True, slots=True)
class Remote:
    """A file or folder on a web server."""

    url: str

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.url}/{quote(name)}")

    @property
    def name(self) -> str:
        """What follows the last slash."""
        return unquote(self.url.rpartition("/")[2])

    def read(self, span: Sequence[int] | None = None) -> bytes:
        """All bytes, or those of (offset, length); a connection that breaks is tried again.

        Raises:
            DataError: the server refuses, cannot be reached, or does not serve ranges.
        """
        headers = {"Range": f"bytes={span[0]}-{span[0] + span[1] - 1}"} if span else {}
        for attempt in range(TRIES):
            try:
                with urlopen(Request(self.url, headers=headers), timeout=TIMEOUT) as answer:
                    if span and answer.status != HTTPStatus.PARTIAL_CONTENT:
                        raise DataError(
                            f"{self.url}: the server sends whole files only. Shards need one that "
                            "serves ranges of bytes, or a copy on disk."
                        )
                    content = answer.read()
                if not span or len(content) == span[1]:
                    return content
                fault = f"{len(content)} bytes came, expected {span[1]}"
            except HTTPError as error:
                error.close()
                fault = f"the server says {error.code} {error.reason}"
                if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise DataError(f"{self.url}: {fault}. Check the address.") from None
            except (OSError, HTTPException) as error:
                fault = str(error) or type(error).__name__
            time.sleep(PAUSE * attempt)
        raise DataError(f"{self.url}: {fault}, {TRIES} times. Start again when it answers.")


Place = Path | Remote


class Shards:
    """All samples of the shards of a folder: `key.webp` (or jpg), `key.png`, `key.json`.

    `key.stuff`, a PNG like the labels, may hold those of what is no object (sky, grass).

    A folder on a web server is read by ranges of bytes, a sample at a time, nothing kept; it needs
    the file that `write_index` makes.

    Args:
        root: a folder of .tar files, or its http(s) address.
        teacher_share: how often a photo whose masks a model drew is taken, against one whose masks
            people drew (1.0: as often).
        choice: which objects are asked for, and how crops look; small objects, parts and grey ones
            are more frequent than elsewhere.
    """

    def __init__(
        self, root: str | Path, teacher_share: float = 0.35, choice: Choice = CHOICE
    ) -> None:
        self.choice, is_remote = choice, str(root).startswith(("http://", "https://"))
        self.root: Place = Remote(str(root).rstrip("/")) if is_remote else Path(root)
        shards = _contents(self.root).items()
        self.entries = [(self.root / name, parts) for name, every in shards for parts in every]
        if not self.entries:
            raise DataError(f"{root}: no shard holds key.webp (or .jpg) with key.png. See pack.py.")
        is_drawn = np.array([p.name.startswith("teacher") for p, _ in self.entries], bool)
        self.weights = np.where(is_drawn, teacher_share, 1.0)  # by a model

    def __len__(self) -> int:
        return len(self.entries)

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Which samples to take in an epoch, in order; a share of the teacher's is left out."""
        rng = np.random.default_rng([seed, epoch])
        return rng.permutation(np.flatnonzero(rng.random(len(self)) < self.weights))

    def read(self, index: int, with_stuff: bool = False) -> tuple[Image.Image, np.ndarray]:
        """The photo and its label map: 0 background, 1..K instances, 255 void (see `with_object`).

        With stuff, its labels lie where no object is, if the shards hold any.
        """
        path, parts = self.entries[index]
        names = ["image", "labels"] + ["stuff"] * (with_stuff and "stuff" in parts)
        files = [io.BytesIO(self._bytes(path, parts[name])) for name in names]
        try:
            image, *maps = (Image.open(file, formats=FORMATS) for file in files)
            rgb, (labels, *stuff) = image.convert("RGB"), map(labels_of, maps)
        except (OSError, SyntaxError, ValueError) as error:
            raise DataError(f"{path.name}, photo {index}: {error}. Make it anew.") from None
        if wrong := [each.size for each in maps if each.size != image.size]:
            raise DataError(f"{path.name}: labels are {wrong[0]}, the photo is {image.size}.")
        labels = with_object(labels)
        return rgb, np.where(labels, labels, *stuff) if stuff else labels

    def record(self, index: int) -> dict:
        """What is known of a photo: source, licence where stated, who drew its masks; or {}."""
        path, parts = self.entries[index]
        if "record" in parts:
            return parts["record"]
        try:
            return dict(json.loads(self._bytes(path, parts["json"]))) if "json" in parts else {}
        except (ValueError, TypeError) as error:
            raise DataError(f"{path.name}, photo {index}: {error}. Mend its .json.") from None

    def _bytes(self, path: Place, span: Sequence[int]) -> bytes:
        if isinstance(path, Remote):
            return path.read(span)
        with path.open("rb") as file:
            file.seek(span[0])
            return file.read(span[1])


def write_index(root: str | Path) -> Path:
    """`index.json` beside the shards of a folder: what a web server must hold besides them.

    Where the parts of each sample lie, and its record.
    """
    shards, path, found = Shards(root), Path(root) / INDEX, defaultdict(list)
    for index, (shard, parts) in enumerate(shards.entries):
        found[shard.name].append({**parts, "record": shards.record(index)})
    path.write_text(json.dumps(found) + "\n", encoding="utf-8")
    return path


def _contents(root: Place) -> dict[str, Sequence[Parts]]:
    """Shard name -> the parts of its samples."""
    if isinstance(root, Path):
        return _scan(root)
    content = (root / INDEX).read()
    try:
        shards = json.loads(content).items()
        return {n: [p for p in each if len(p["image"]) == len(p["labels"])] for n, each in shards}
    except (AttributeError, LookupError, TypeError, ValueError):
        raise DataError(f"{root.url}/{INDEX} is no index. Make it with write_index.") from None


def _scan(root: Path) -> dict[str, Sequence[Parts]]:
    paths = sorted(root.glob("*.tar"))
    if not paths:
        raise DataError(f"No .tar shard in {root}. Expected files like human-0000.tar.")
    return {path.name: _index(path) for path in paths}


def _index(path: Path) -> Sequence[Parts]:
    """Offset and length of each part of each sample in a shard."""
    found: dict[str, Parts] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                key, _, extension = member.name.rpartition(".")
                if member.isfile() and extension in PARTS:
                    found.setdefault(key, {})[PARTS[extension]] = member.offset_data, member.size
    except tarfile.TarError as error:
        raise DataError(f"{path} is not a whole tar archive: {error}. Fetch it again.") from None
    return [parts for parts in found.values() if {"image", "labels"} <= parts.keys()]


class ShardSamples:
    """Training samples from shards: position -> the same crop of the same photo, every time."""

    def __init__(self, shards: Shards) -> None:
        self.shards, self.choice = shards, shards.choice
        self._order = cache(shards.order)  # several threads may ask

    def sample(self, seed: int, position: int, crop: int) -> Sample:
        """The sample at a position of the endless order of epochs drawn from `seed`."""
        left, epochs = position, count()
        while left >= len(order := self._order(seed, next(epochs))):
            left -= len(order)
        chance = np.random.default_rng([seed, position])
        with_stuff = self.choice.stuff > 0 and chance.random() < self.choice.stuff
        image, labels = self.shards.read(int(order[left]), with_stuff)
        return augment(image, labels, crop, chance, self.choice)
