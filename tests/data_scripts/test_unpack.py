"""Archives of strangers: plain files inside one folder, or a refusal and nothing outside."""

import bz2
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
from collections import namedtuple

import numpy as np
import pytest
import unpack as module
from unpack import one_member, opened_zip, unpack

from vpuformer.errors import DataError

TAR_KINDS = {
    "a symbolic link": tarfile.SYMTYPE,
    "a hard link": tarfile.LNKTYPE,
    "a character device": tarfile.CHRTYPE,
    "a block device": tarfile.BLKTYPE,
    "a pipe": tarfile.FIFOTYPE,
}
PATHS = ["../out.txt", "a/../../out.txt", "/tmp/out.txt", "C:\\out.txt", "..\\out.txt", "a/.."]


def tar(path, *members, mode="w:gz"):
    """A tar archive; a member is (name, bytes), or (name, a link or device as TarInfo)."""
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if info is not content:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return path


def linked(name, kind, to="/etc/passwd"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return name, info


def zipped(path, *members, kind=0, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = kind << 16
            info.compress_type = method
            archive.writestr(info, content)
    return path


def files(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz", "tar.gz"])
def test_plain_files_come_out_as_they_went_in(tmp_path, suffix):
    members = {"Set/img/a b.jpg": b"picture", "Set/gt/a b.png": b"", "top.txt": b"x" * 3000}
    archive = tmp_path / f"Set.{suffix}"
    if suffix == "zip":
        zipped(archive, ("Set/empty/", b""), *members.items())
    else:
        tar(archive, *members.items(), mode="w" if suffix == "tar" else "w:gz")
    unpack(archive, tmp_path / "out")
    assert files(tmp_path / "out") == members
    assert suffix != "zip" or (tmp_path / "out" / "Set" / "empty").is_dir()


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("suffix", ["zip", "tgz"])
def test_paths_that_lead_out_are_refused(tmp_path, suffix, name):
    archive, make = tmp_path / f"evil.{suffix}", {"zip": zipped, "tgz": tar}[suffix]
    make(archive, ("fine.txt", b"1"), (name, b"2"))
    with pytest.raises(DataError, match=r"evil.* is refused because of .*leads out"):
        unpack(archive, tmp_path / "deep" / "out")
    assert set(files(tmp_path)) <= {archive.name, "deep/out/fine.txt"}


@pytest.mark.parametrize("kind", TAR_KINDS.values(), ids=TAR_KINDS)
def test_links_and_devices_in_tar_are_refused(tmp_path, kind):
    archive = tar(tmp_path / "evil.tar", ("fine.txt", b"1"), linked("link", kind), mode="w")
    with pytest.raises(DataError, match="'link': it is a link or a device"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out" / "link").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_zip_are_refused(tmp_path, kind):
    archive = zipped(tmp_path / "evil.zip", ("link", b"/etc/passwd"), kind=kind | 0o777)
    with pytest.raises(DataError, match="'link': it is a link or a device"):
        unpack(archive, tmp_path / "out")
    assert files(tmp_path / "out") == {}


def test_a_file_through_a_link_cannot_leave(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    door = linked("door", tarfile.SYMTYPE, str(outside))
    archive = tar(tmp_path / "evil.tgz", door, ("door/out.txt", b"2"))
    with pytest.raises(DataError, match="link"):
        unpack(archive, tmp_path / "out")
    assert not list(outside.iterdir())


@pytest.mark.parametrize("suffix", ["zip", "tgz"])
def test_bombs_are_stopped_early(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 1 << 20)
    monkeypatch.setattr(module, "CHUNK", 1 << 16)
    archive, make = tmp_path / f"bomb.{suffix}", {"zip": zipped, "tgz": tar}[suffix]
    make(archive, ("zeros", bytes(8 << 20)))
    with pytest.raises(DataError, match="swells far beyond its size"):
        unpack(archive, tmp_path / "out")
    assert sum(map(len, files(tmp_path / "out").values())) <= 1 << 20


@pytest.mark.parametrize(("name", "content"), [("{}", b"x"), ("{}", b""), ("{}/", b"")])
def test_too_many_members_are_stopped(tmp_path, monkeypatch, name, content):
    monkeypatch.setattr(module, "MOST_MEMBERS", 5)
    members = [(name.format(i), content) for i in range(9)]
    unpack(zipped(tmp_path / "some.zip", *members[:5]), tmp_path / "some")
    with pytest.raises(DataError, match="holds more than 5 members"):
        unpack(zipped(tmp_path / "many.zip", *members), tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 5


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("suffix", ["zip", "tgz"])
def test_a_file_that_comes_twice_is_refused(tmp_path, suffix):
    archive, make = tmp_path / f"twice.{suffix}", {"zip": zipped, "tgz": tar}[suffix]
    make(archive, ("a.txt", b"1"), ("a.txt", b"2"))
    with pytest.raises(DataError, match="it comes twice"):
        unpack(archive, tmp_path / "out")
    assert files(tmp_path / "out") == {"a.txt": b"1"}


def test_an_encrypted_file_is_refused(tmp_path):
    archive = zipped(tmp_path / "locked.zip", ("a.txt", b"1"), method=zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
@pytest.mark.parametrize("keep", [0.0, 0.4, 0.7])
def test_a_cut_archive_is_named(tmp_path, suffix, keep):
    noise = np.random.default_rng(0).bytes(40_000)
    archive, make = tmp_path / f"cut.{suffix}", {"zip": zipped}.get(suffix, tar)
    words = {"mode": "w"} if suffix == "tar" else {}
    make(archive, ("a", noise), ("b", noise), **words)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataError, match=r"not a whole archive .*fetch it again"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("wrong", ["a damaged header", "no end"])
def test_a_plain_tar_does_not_end_early(tmp_path, wrong):
    archive = tar(tmp_path / "bad.tar", ("a", b"1"), ("b", b"2"), mode="w")
    content = archive.read_bytes()  # a member's header and content take 512 bytes each
    bad = content[:1024] + b"?" + content[1025:] if wrong == "a damaged header" else content[:2048]
    archive.write_bytes(bad)
    with pytest.raises(DataError, match=r"not a whole archive .*fetch it again"):
        unpack(archive, tmp_path / "out")


def test_a_damaged_zip_is_named(tmp_path):
    noise = np.random.default_rng(0).bytes(40_000)
    archive = zipped(tmp_path / "bad.zip", ("a", noise), method=zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    content[20_000] ^= 255
    archive.write_bytes(content)
    with pytest.raises(DataError, match="not a whole archive"):
        unpack(archive, tmp_path / "out")
    with pytest.raises(DataError, match="not a whole archive"), opened_zip(archive) as file:
        one_member(file, "a", 10**6)


@pytest.mark.parametrize("kind", ["bz2", "lzma", "tar.xz", "tar.bz2"])
def test_a_damaged_archive_of_other_packing_is_named(tmp_path, kind):
    noise = ("a", np.random.default_rng(0).bytes(40_000))
    if kind.startswith("tar"):
        archive = tar(tmp_path / f"bad.{kind}", noise, mode=f"w:{kind[4:]}")
    else:
        method = {"bz2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}[kind]
        archive = zipped(tmp_path / "bad.zip", noise, method=method)
    content = bytearray(archive.read_bytes())
    content[20_000:20_100] = bytes(100)
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"not a whole archive .*fetch it again"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_the_checksum_at_the_end_of_a_packed_tar_is_compared(tmp_path, kind):
    archive = tar(tmp_path / f"bad.tar.{kind}", ("a", b"12345"), mode="w")
    packer = {"gz": gzip, "bz2": bz2, "xz": lzma}[kind]
    content = bytearray(packer.compress(archive.read_bytes()))
    at = {"gz": -8, "bz2": -3, "xz": -40}[kind]  # the checksum of all, or of the last block
    content[at] ^= 16
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"not a whole archive .*fetch it again"):
        unpack(archive, tmp_path / "out")


def test_a_flipped_bit_in_a_tgz_is_found(tmp_path):
    archive = tmp_path / "bad.tgz"
    noise = np.random.default_rng(0).bytes(40_000)
    content = gzip.compress(tar(archive, ("a", noise), mode="w").read_bytes())
    for at in range(1000, 40_000, 3000):
        archive.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        with pytest.raises(DataError, match="not a whole archive"):
            unpack(archive, tmp_path / f"out{at}")


def test_a_bomb_behind_the_last_member_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 1 << 20)
    archive = tar(tmp_path / "bomb.tgz", ("a", b"1"), mode="w")
    archive.write_bytes(gzip.compress(archive.read_bytes() + bytes(8 << 20)))
    with pytest.raises(DataError, match="swells far beyond its size"):
        unpack(archive, tmp_path / "out")


def test_a_zip_that_points_outside_itself_is_named(tmp_path):
    archive = zipped(tmp_path / "bad.zip", ("a", b"1"))
    content = bytearray(archive.read_bytes())
    at = content.index(b"PK\x05\x06") + 16  # where the list of members begins
    content[at : at + 4] = (9999).to_bytes(4, "little")
    archive.write_bytes(content)
    with pytest.raises(DataError, match="not a whole archive"):
        unpack(archive, tmp_path / "out")


def test_what_the_disk_refuses_is_not_the_archives_fault(tmp_path):
    archive = zipped(tmp_path / "long.zip", ("a" * 300, b"1"))
    with pytest.raises(DataError, match=r"cannot be written: .*Choose another folder"):
        unpack(archive, tmp_path / "out")


def test_a_disk_without_room_is_said_first(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "a.zip", ("a", bytes(5000)))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 4000))
    with pytest.raises(DataError, match=r"Unpacking .* needs"):
        unpack(archive, tmp_path / "out")
    assert files(tmp_path / "out") == {}


def test_one_member_is_read_up_to_a_limit(tmp_path):
    archive = zipped(tmp_path / "a.zip", ("x/a", b"12345"))
    with opened_zip(archive) as file:
        assert one_member(file, "x/a", 5) == b"12345"
        with pytest.raises(DataError, match="larger than 4 bytes"):
            one_member(file, "x/a", 4)
        with pytest.raises(DataError, match="holds no x/b"):
            one_member(file, "x/b", 5)
