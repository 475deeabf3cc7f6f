"""What `vpuformer` reads: a folder of photos and masks to evaluate on, or shards to train on."""

import io
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps

from vpuformer.data.augmentation import VOID
from vpuformer.data.samples import Photo, folder_samples
from vpuformer.data.shards import Shards, write_index
from vpuformer.errors import DataError
from vpuformer.imaging import FORMATS, read

Seen = Counter[str]
SHARD_BYTES = 256 << 20
TOLD = 2000  # label maps between two words on the screen
BARE = "photos without an object"  # counted, not written
BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # of bad pictures
KEPT = {"JPEG": "jpg", "WEBP": "webp"}  # what a shard holds as published
ORIENTATION = ExifTags.Base.Orientation


def write_folder(photos: Iterable[Photo], out: Path, seen: Seen) -> None:
    """images/NAME.* as published and masks/NAME.png."""
    (out / "images").mkdir(parents=True)
    (out / "masks").mkdir()
    for name, photo, labels in _usable(photos, seen):
        content, _ = _content(photo, labels)
        (out / "images" / f"{name}{photo.image.suffix.lower()}").write_bytes(content)
        (out / "masks" / f"{name}.png").write_bytes(_png(labels))


def write_shards(photos: Iterable[Photo], out: Path, seen: Seen, about: dict[str, Any]) -> None:
    """SET-0000.tar and on (key.jpg or key.webp, key.png, key.json, key.stuff) with their index.

    Args:
        photos: what to write; other formats than JPEG and WebP, and those of them that are turned
            by EXIF or transparent, become lossless WebP, upright and on white.
        out: a folder, made here.
        seen: counts photos and objects.
        about: source and licence, for every photo's record.
    """
    out.mkdir(parents=True)
    size, count = SHARD_BYTES, 0
    with ExitStack() as shard:
        for name, photo, labels in _usable(photos, seen):
            if size >= SHARD_BYTES:
                shard.close()
                path = out / f"{_shard_name(about['source'])}-{count:04}.tar"
                archive = shard.enter_context(tarfile.open(path, "w"))
                size, count = 0, count + 1
            known = {"photo": photo.name, "labels": "human"}
            record = about | known | {"instances": _objects(labels)} | dict(photo.about)
            for extension, content in _parts(photo, labels, record).items():
                info = tarfile.TarInfo(f"{name}.{extension}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
                size += info.size
    if count:
        write_index(out)


def _shard_name(source: str) -> str:
    """A plain one; to readers teacher-*.tar holds masks that a model drew (taken less often)."""
    name = _plain(source)
    return f"human-{name}" if name.startswith("teacher") else name


def _parts(photo: Photo, labels: np.ndarray, record: dict[str, Any]) -> dict[str, bytes]:
    maps = {"png": labels}
    if photo.stuff:
        stuff = photo.stuff()
        maps["stuff"] = np.where(np.isin(stuff, labels), 0, stuff)  # a number is one thing's only
    content, suffix = _content(photo, *maps.values())
    if suffix not in KEPT.values():
        picture, suffix = io.BytesIO(), "webp"
        Image.fromarray(read(content)).save(picture, "WEBP", lossless=True)
        content = picture.getvalue()
    pngs = {extension: _png(each) for extension, each in maps.items()}
    return {suffix: content, **pngs, "json": json.dumps(record).encode()}


def _usable(photos: Iterable[Photo], seen: Seen) -> Iterator[tuple[str, Photo, np.ndarray]]:
    """Each label map with its photo and a name that any file system and a tar key can hold."""
    called, taken, photo_count, kept = set(), Counter(), 0, 0
    for photo_count, photo in enumerate(photos, 1):
        if photo.name in called:
            raise DataError(f"Two photos are called {photo.name!r}. Rename or remove one of them.")
        called.add(photo.name)
        found = False
        for number, labels in enumerate(photo.decode(photo.truth)):
            name = _free(_plain(f"{photo.name}-{number}" if number else photo.name), taken)
            taken[name] = 1
            if objects := _objects(labels):
                found = True
                seen["objects"] += objects
                yield name, photo, labels
            if len(taken) % TOLD == 0:
                print(f"{len(taken):,} label maps", flush=True)
        kept += found
        seen["photos"], seen[BARE] = photo_count, photo_count - kept


def _free(name: str, taken: Counter[str]) -> str:
    """The name, with a number where others became the same: NAME, NAME_2, NAME_3."""
    free = name
    while free in taken:
        taken[name] += 1
        free = f"{name}_{taken[name]}"
    return free


def _plain(name: str) -> str:
    return re.sub(r"[^\w-]", "_", name, flags=re.ASCII)


def _objects(labels: np.ndarray) -> int:
    return int((np.unique(labels) % VOID > 0).sum())


def _content(photo: Photo, *maps: np.ndarray) -> tuple[bytes, str]:
    """The bytes of the photo's file, checked upright against its label maps, and their kind.

    The kind is one of `KEPT` only where a reader of shards may take the pixels as they lie.
    """
    try:
        content = photo.image.read_bytes()
        with Image.open(io.BytesIO(content), formats=FORMATS) as file:
            kind, is_turned = file.format or "", file.getexif().get(ORIENTATION, 1) != 1
            as_is = not is_turned and not file.has_transparency_data
            width, height = ImageOps.exif_transpose(file).size if is_turned else file.size
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(f"The photo {photo.name} cannot be read: {error}.") from None
    for rows, columns in {labels.shape for labels in maps} - {(height, width)}:
        raise DataError(
            f"The photo {photo.name} is {width} x {height}, its labels {columns} x {rows}. "
            "Fetch the set again."
        )
    return content, KEPT.get(kind, kind) if as_is else kind


def _png(labels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(labels).save(content, "PNG")
    return content.getvalue()


def count_again(out: Path) -> Seen:
    """Photos and objects of a written set, every file read the way `vpuformer` reads it."""
    seen = Seen()
    if any(out.glob("*.tar")):
        shards, names = Shards(out), set()
        for index in range(len(shards)):
            try:
                _, labels = shards.read(index)
                record = shards.record(index)
            except BROKEN as error:
                raise DataError(f"Photo {index} of {out} is broken: {error}.") from None
            names.add(record.get("photo", index))
            seen["objects"] += _objects(labels)
        seen["photos"] = len(names)
        return seen
    names = set()
    for sample in folder_samples(out):
        names.add(sample.image_name)
        seen["objects"] += 1
    seen["photos"] = len(names)
    return seen
