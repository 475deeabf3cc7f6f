"""What every script does: licence, download, unpack, read, write, count, and only then a folder."""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fetch import Download, fault_of, fetch, full_or
from unpack import unpack
from write import BARE, Seen, count_again, write_folder, write_shards

from vpuformer.data import public
from vpuformer.data.samples import Photo
from vpuformer.errors import DataError, VPUError

Reader = Callable[[Path, str, Seen], Iterable[Photo]]
MANIFEST = Path(__file__).with_name("manifest.json")
RECORD = "source.json"


class CountError(VPUError):
    """A set holds more or less than it should."""


def run(name: str, argv: Sequence[str] | None = None, read: Reader | None = None) -> int:
    """Make or check a data set as the words of the command line say.

    Args:
        name: its entry in the manifest.
        argv: the words; those of the process when None.
        read: from a folder with the unpacked archives (or the archives themselves, where the
            manifest says `"unpack": false`), a split and a counter to its photos; `published`
            when None.

    Returns:
        0, or 2 when something is wrong; the reason is on stderr.
    """
    words = _words(name, argv)
    try:
        entry = json.loads(words.manifest.read_text("utf-8"))[name]
        split = words.split or next(iter(entry["splits"]))
        if split not in entry["splits"]:
            raise VPUError(f"{name} has no split {split}, it has {', '.join(entry['splits'])}.")
        out = words.out or Path("data") / (name if split == "test" else f"{name}-{split}")
        if words.check:
            _check(name, entry, split, out)
        else:
            read = read or (lambda root, split, _: published(name, root, split))
            _make(name, entry, split, out, words, read)
    except VPUError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def published(name: str, root: Path, split: str) -> list[Photo]:
    """The photos of a set, found in the nearest folder (`root` itself, or inside it) that holds it.

    Raises:
        DataError: no folder does, or `public.photos` does not take it.
    """
    folders = public.SETS[name][:2]
    inside = sorted((p for p in root.rglob("*") if p.is_dir()), key=lambda p: (len(p.parts), p))
    for place in (root, *inside):
        if all((place / folder).is_dir() for folder in folders):
            return public.photos(name, place, split)
    raise DataError(
        f"{root} holds no folder with {' and '.join(f'{n}/' for n in folders)} in it. "
        "Give the unpacked data set, or its archive."
    )


def _words(name: str, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=f"Make {name} usable here.")
    parser.add_argument("--out", type=Path, help="the folder to make (default: data/NAME)")
    parser.add_argument("--split", help="which part (default: the first in manifest.json)")
    parser.add_argument("--form", choices=("folder", "shards"), help="to evaluate, or to train")
    parser.add_argument("--check", action="store_true", help="count what lies in --out again")
    parser.add_argument("--source", type=Path, help="a folder or archive that you have already")
    kept = Path("data/downloads")
    parser.add_argument("--downloads", type=Path, default=kept, help=f"archives stay in {kept}")
    parser.add_argument("--manifest", type=Path, default=MANIFEST, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _make(
    name: str, entry: dict, split: str, out: Path, words: argparse.Namespace, read: Reader
) -> None:
    print(f"{entry['title']}\nTerms: {entry['licence']}\nPage: {entry['page']}")
    if out.exists():
        raise VPUError(f"{out} is there. Look at it with --check, or remove it to make it anew.")
    form = words.form or entry["splits"][split]["form"]
    rough = out.with_name(f".{out.name}.unfinished")
    _clear(rough)
    try:
        sources = _sources(entry, words)
        folder = _unpacked(entry, sources, rough / "unpacked")
        seen, photos = Seen(), rough / "made"
        found = read(folder, split, seen)
        if form == "folder":
            write_folder(found, photos, seen)
        else:
            about = {"source": name, "licence": entry["licence"]}
            write_shards(found, photos, seen, about)
        _compare(name, entry["splits"][split]["counts"], seen)
        written = {"photos": seen["photos"] - seen[BARE], "objects": seen["objects"]}
        note = {"set": name, "split": split, "form": form, "written": written} | dict(seen)
        note |= {"licence": entry["licence"], "files": [str(path) for path in sources]}
        (photos / RECORD).write_text(json.dumps(note, indent=2) + "\n", "utf-8")
        photos.rename(out)
    except OSError as error:
        raise full_or(error, out.parent) from error
    finally:
        _clear(rough)
    print(f"{out}: {_said(seen)}")


def _sources(entry: dict[str, Any], words: argparse.Namespace) -> list[Path]:
    """The archives, fetched; or what the user has already, held to what is known of it."""
    fields = ("name", "size", "sha256")
    files = [
        Download(urls=tuple(file["urls"]), **{key: file[key] for key in fields})
        for file in entry["files"]
    ]
    if words.source:
        if not words.source.exists():
            raise VPUError(f"There is no {words.source}. Check --source.")
        known = [file for file in files if file.name == words.source.name]
        if known and words.source.is_file() and (fault := fault_of(words.source, known[0])):
            raise DataError(
                f"{words.source}: {fault}. Fetch it again, or give the unpacked folder."
            )
        return [words.source]
    if not files:
        raise VPUError(f"{entry['how']} Then give the folder or archive with --source.")
    return [fetch(file, words.downloads) for file in files]


def _unpacked(entry: dict[str, Any], sources: list[Path], place: Path) -> Path:
    """A folder with everything in it."""
    if not entry.get("unpack", True):
        return sources[0] if sources[0].is_dir() else sources[0].parent
    for source in sources:
        if source.is_dir():
            return source
        print(f"Unpacking {source.name}")
        unpack(source, place / source.stem)
    return place


def _check(name: str, entry: dict[str, Any], split: str, out: Path) -> None:
    """Read every file of a finished set and count."""
    if not out.is_dir():
        raise VPUError(f"There is no {out}. Make it first: the same command without --check.")
    seen = count_again(out)
    counts = entry["splits"][split]["counts"]
    expected = {key: counts[key] for key in ("photos", "objects") if key in counts}
    with suppress(OSError, ValueError):
        expected |= json.loads((out / RECORD).read_text("utf-8"))["written"]
    _compare(name, expected, seen)
    print(f"{out}: {_said(seen)}, every file read")


def _compare(name: str, expected: dict[str, int], seen: Seen) -> None:
    if wrong := {key: count for key, count in expected.items() if seen[key] != count}:
        told = ", ".join(f"{seen[key]:,} {key}, expected {n:,}" for key, n in wrong.items())
        raise CountError(f"{name} holds {told}. Something is missing or foreign: fetch it again.")
    if not seen["photos"]:
        raise CountError(f"{name} holds no photo. Check --source.")


def _said(seen: Seen) -> str:
    return ", ".join(f"{count:,} {key}" for key, count in seen.items() if count)


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
