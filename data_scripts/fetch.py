"""Download a large file: mirrors, resume, disk space, size, sha256, never half a file."""

import errno
import hashlib
import json
import os
import shutil
import time
import zipfile
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from vpuformer.errors import DataError

CHUNK = 1 << 20
SPARE = 64 << 20  # bytes that stay free on the disk
TRIES, TIMEOUT, PAUSE = 4, 30, 1.0  # requests, seconds, seconds more after each failure
MAGIC = {".zip": (b"PK\x03\x04", b"PK\x05\x06"), ".tgz": (b"\x1f\x8b",), ".gz": (b"\x1f\x8b",)}
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Download:
    """A published file: its addresses, best first, and what is known of its content."""

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None


class MirrorError(Exception):
    """One address does not give the file; the next one may."""


def fetch(file: Download, folder: Path) -> Path:
    """The file in `folder`, whole and checked; fetched unless it is there.

    Until it is whole it is called NAME.part, and the next call goes on where it stopped.

    Raises:
        DataError: no address gave the file (each fault is named), or the disk is full.
    """
    target, part = folder / file.name, folder / f"{file.name}.part"
    if target.is_file():
        if fault := fault_of(target, file):
            raise DataError(f"{target} is there, but {fault}. Remove it and run again.")
        return target
    faults = []
    for url in file.urls:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _download(url, part, file)
            if fault := fault_of(part, file):
                _forget(part)
                raise MirrorError(fault)
            os.replace(part, target)
        except MirrorError as error:
            faults.append(f"\n  {url}: {error}")
            continue
        except OSError as error:
            raise full_or(error, folder) from error
        _note(part).unlink(missing_ok=True)
        return target
    raise DataError(
        f"{file.name} could not be fetched:{''.join(faults)}\nTry again later (what came is kept "
        "and resumed), or fetch it by hand and give its folder with --source."
    )


def full_or(error: OSError, folder: Path) -> DataError:
    """A disk's refusal in words."""
    if error.errno in FULL:
        return DataError(f"The disk of {folder} is full. Free some space, then run again.")
    return DataError(f"{folder} cannot be written: {error}. Choose another folder.")


def check_room(folder: Path, needed: int, what: str) -> None:
    """Refuse before writing what does not fit.

    Raises:
        DataError: fewer bytes are free than needed.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise DataError(
            f"{what} needs {needed / 1e9:.2f} GB, the disk of {folder} has {free / 1e9:.2f} GB "
            "free. Free some, or choose folders on another disk (--downloads, --out)."
        )


def _download(url: str, part: Path, file: Download) -> None:
    """All bytes of one address into `part`; a connection that breaks is taken up again."""
    fault = ""
    for attempt in range(TRIES):
        time.sleep(PAUSE * attempt)
        if file.size and part.is_file() and part.stat().st_size == file.size:
            return
        try:
            if _append(url, part, file):
                return
            fault = "the connection breaks off before the end"
        except HTTPError as error:
            error.close()
            fault = f"the server says {error.code} {error.reason}"
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                _forget(part)
            elif error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise MirrorError(fault) from None
        except HTTPException as error:
            fault = type(error).__name__
        except OSError as error:
            if error.errno in FULL:
                raise
            fault = str(getattr(error, "reason", error))
    raise MirrorError(f"{fault}, {TRIES} times")


def _append(url: str, part: Path, file: Download) -> bool:
    """One request; whether the file is whole after it."""
    have, headers = _resume(url, part, file)
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as answer:
        if "text/html" in answer.headers.get("Content-Type", ""):
            raise MirrorError("a web page comes in place of the file (a login, a notice?)")
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise MirrorError("the server sends another range of bytes than asked for")
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        if file.size and total and total != file.size:
            raise MirrorError(f"the server has {total:,} bytes, expected {file.size:,}")
        check_room(part.parent, (total or file.size or 0) - have, file.name)
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        _note(part).write_text(json.dumps({"url": url, "mark": mark}), "utf-8")
        _write(answer, part, have, total)
    return total is None or part.stat().st_size == total


def _write(answer: HTTPResponse, part: Path, have: int, total: int | None) -> None:
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with part.open("ab" if have else "wb") as file, Progress(*columns) as progress:
        task = progress.add_task(part.stem, total=total, completed=have)
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            progress.advance(task, len(chunk))
        file.flush()
        os.fsync(file.fileno())


def _resume(url: str, part: Path, file: Download) -> tuple[int, dict[str, str]]:
    """Bytes that are here already, and the headers that ask for the rest.

    Without a sha256 to find a wrong join, only the same version at the same address is joined.
    """
    headers = {"User-Agent": "vpuformer-data-scripts"}
    have = part.stat().st_size if part.is_file() else 0
    try:
        note = json.loads(_note(part).read_text("utf-8"))
    except (OSError, ValueError):
        note = {}
    mark = note.get("mark") if note.get("url") == url else None
    if not have or not (mark or file.sha256):
        return 0, headers
    headers |= {"Range": f"bytes={have}-"} | ({"If-Range": mark} if mark else {})
    return have, headers


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def fault_of(path: Path, file: Download) -> str:
    """What is wrong with a whole file, or nothing."""
    with path.open("rb") as content:
        head = content.read(512)
        if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
            return "it is a web page, not an archive"
        size = path.stat().st_size
        if file.size and size != file.size:
            return f"it has {size:,} bytes, expected {file.size:,}"
        kind = Path(file.name).suffix
        if not head.startswith(MAGIC.get(kind, b"")):
            return f"it is no {kind} archive"
        content.seek(0)
        if file.sha256 and hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
            return f"its sha256 is not {file.sha256}"
        if kind == ".zip" and not zipfile.is_zipfile(content):  # its list of members comes last
            return "it breaks off before its end"
    return ""
