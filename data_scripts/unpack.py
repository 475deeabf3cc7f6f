"""Archives of strangers: unpacked into an empty folder or not at all, plain files only."""

import errno
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, cast

from fetch import CHUNK, check_room, full_or

from vpuformer.errors import DataError

MOST_RATIO = 60  # bytes unpacked per byte packed; photos stay near 1, flat BMP masks near 20
SMALL = 64 << 20  # bytes that any archive may unpack to
MOST_MEMBERS = 500_000
BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError),
)
NO_DISK = (None, errno.EINVAL)  # OSErrors of gzip and bz2; of a zip that points outside itself
Member = tuple[str, IO[bytes] | None]  # its path; None: a folder


def unpack(archive: Path, folder: Path) -> None:
    """Every file of a zip or tar archive under `folder`, which is made and must be empty.

    Refused are paths that leave the folder, links, devices, a file that comes twice, and archives
    that swell far beyond their size. The caller removes the folder after an error.

    Raises:
        DataError: refused, not whole, or the disk is full.
    """
    packed = archive.stat().st_size
    budget = max(SMALL, MOST_RATIO * packed)
    try:
        folder.mkdir(parents=True)
        check_room(folder, _declared(archive), f"Unpacking {archive.name}")
        with opened(archive) as members:
            for count, (name, content) in enumerate(members):
                if count >= MOST_MEMBERS:
                    raise _refused(archive, name, f"it holds more than {MOST_MEMBERS:,} members")
                target = folder / _inside(archive, name)
                if content is None:
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    while chunk := content.read(CHUNK):
                        budget -= len(chunk)
                        if budget < 0:
                            raise _refused(archive, name, "it swells far beyond its size")
                        file.write(chunk)
    except FileExistsError as error:
        raise _refused(archive, str(error.filename), "it comes twice") from None
    except OSError as error:
        raise full_or(error, folder) from error


class _Header(tarfile.TarInfo):
    """A header that is damaged or missing is an error; tarfile takes it for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # the end, as it should be
            raise tarfile.ReadError(str(error)) from None


@contextmanager
def opened(archive: Path) -> Iterator[Iterator[Member]]:
    """The members of an archive, one after the other; a broken archive is a `DataError`."""
    with _whole(archive):
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as file:
                yield _zip_members(archive, file)
        else:
            with tarfile.open(archive, "r:*", tarinfo=_Header) as file:
                yield _tar_members(archive, file)


@contextmanager
def _whole(archive: Path) -> Iterator[None]:
    """What a broken archive raises, however it is packed, as a `DataError`."""
    try:
        yield
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and (error.errno not in NO_DISK or error.filename):
            raise  # the disk's
        raise DataError(
            f"{archive} is not a whole archive ({str(error).partition(':')[0]}). Remove it and "
            "fetch it again."
        ) from None


def _zip_members(archive: Path, file: zipfile.ZipFile) -> Iterator[Member]:
    for info in file.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir():
            yield info.filename, None
            continue
        if kind not in (0, stat.S_IFREG):
            raise _refused(archive, info.filename, "it is a link or a device")
        if info.flag_bits & 1:
            raise _refused(archive, info.filename, "it is encrypted")
        with file.open(info) as content:
            yield info.filename, content


def _tar_members(archive: Path, file: tarfile.TarFile) -> Iterator[Member]:
    for info in file:
        if info.isdir():
            yield info.name, None
            continue
        content = file.extractfile(info) if info.isreg() else None
        if content is None:
            raise _refused(archive, info.name, "it is a link or a device")
        with content:
            yield info.name, content
    _read_out(archive, file)


def _read_out(archive: Path, file: tarfile.TarFile) -> None:
    """What follows the last member: a packed stream compares its checksum at its very end."""
    left = max(SMALL, MOST_RATIO * archive.stat().st_size)
    while chunk := cast("IO[bytes]", file.fileobj).read(CHUNK):
        left -= len(chunk)
        if left < 0:
            raise _refused(archive, "its end", "it swells far beyond its size")


def _inside(archive: Path, name: str) -> PurePosixPath:
    """The path of a member, if it stays inside the folder on every system."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or set(name) & set("\\:\0"):
        raise _refused(archive, name, "its path leads out of the folder")
    return path


def _declared(archive: Path) -> int:
    """Bytes that the archive says it holds, or the least it can hold."""
    if archive.suffix == ".zip":
        with suppress(DataError), opened_zip(archive) as file:  # said when it is opened again
            return sum(info.file_size for info in file.infolist())
        return 0
    return archive.stat().st_size


def _refused(archive: Path, name: str, why: str) -> DataError:
    return DataError(
        f"{archive.name} is refused because of {name!r}: {why}. Nothing of it was kept. "
        "Fetch it from another address."
    )


@contextmanager
def opened_zip(archive: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive to read single files from; a broken one is a `DataError`."""
    with _whole(archive), zipfile.ZipFile(archive) as file:
        yield file


def one_member(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One file of an open archive, at most `most` bytes large.

    Raises:
        DataError: it is not in there, too large, or broken.
    """
    try:
        with _whole(Path(file.filename or "")), file.open(name) as content:
            found = content.read(most + 1)
    except KeyError:
        raise DataError(f"{file.filename} holds no {name}. Fetch it as published.") from None
    if len(found) > most:
        raise DataError(f"{name} in {file.filename} is larger than {most:,} bytes: refused.")
    return found
