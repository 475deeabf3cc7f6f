"""A download ends whole and checked, or in a message and nothing that looks whole."""

import errno
import hashlib
import io
import shutil
import zipfile
from collections import namedtuple
from pathlib import Path

import fetch as module
import numpy as np
import pytest
from fetch import Download, fetch

from vpuformer.errors import DataError

NAME = "Set.zip"


def zipped(seed):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("noise", np.random.default_rng(seed).bytes(300_000))
    return packed.getvalue()


@pytest.fixture(scope="module")
def content():
    return zipped(seed=0)


@pytest.fixture
def published(server, content):
    """The file at two addresses, with its sha256 and without."""
    server.files = {"/a/Set.zip": content, "/b/Set.zip": content}
    urls = tuple(f"{server.url}{path}" for path in server.files)
    server.known = Download(NAME, urls, len(content), hashlib.sha256(content).hexdigest())
    server.unknown = Download(NAME, urls)
    return server


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("file", ["known", "unknown"])
def test_a_file_comes_whole_and_once(published, content, tmp_path, file):
    path = fetch(getattr(published, file), tmp_path / "new" / "folder")
    assert path.read_bytes() == content and left(path.parent) == [NAME]
    fetch(getattr(published, file), path.parent)
    assert published.asked == [("/a/Set.zip", None)]


@pytest.mark.parametrize("faults", [["down"] * 4, ["cut"] * 4, ["page"], ["hidden page"]])
def test_a_bad_first_mirror_is_passed_over(published, content, tmp_path, faults):
    published.faults["/a/Set.zip"] = list(faults)
    assert fetch(published.unknown, tmp_path).read_bytes() == content
    assert left(tmp_path) == [NAME]
    assert [path for path, _ in published.asked].count("/a/Set.zip") == len(faults)


def test_a_first_mirror_with_half_a_zip_is_passed_over(published, content, tmp_path):
    published.files["/a/Set.zip"] = content[:-200]
    assert fetch(published.unknown, tmp_path).read_bytes() == content and left(tmp_path) == [NAME]


def test_half_a_zip_alone_is_named_and_not_kept(published, content, tmp_path):
    published.files = dict.fromkeys(published.files, content[:-200])
    with pytest.raises(DataError, match=r"/a/Set.zip: it breaks off before its end"):
        fetch(published.unknown, tmp_path)
    assert left(tmp_path) == []


def test_a_missing_first_mirror_is_asked_once(published, content, tmp_path):
    del published.files["/a/Set.zip"]
    assert fetch(published.known, tmp_path).read_bytes() == content
    assert [path for path, _ in published.asked] == ["/a/Set.zip", "/b/Set.zip"]


@pytest.mark.parametrize("file", ["known", "unknown"])
def test_a_cut_download_goes_on_where_it_stopped(published, content, tmp_path, file):
    published.faults["/a/Set.zip"] = ["cut", "down"]
    assert fetch(getattr(published, file), tmp_path).read_bytes() == content
    half = f"bytes={len(content) // 2}-"
    assert [span for _, span in published.asked] == [None, half, half]


def test_a_later_run_goes_on_too(published, content, tmp_path):
    published.faults["/a/Set.zip"] = ["cut", "down", "down", "down"]
    published.faults["/b/Set.zip"] = ["down"] * 4
    with pytest.raises(DataError, match="503"):
        fetch(published.known, tmp_path)
    assert left(tmp_path) == [f"{NAME}.part", f"{NAME}.part.json"]
    published.asked.clear()
    assert fetch(published.known, tmp_path).read_bytes() == content
    assert published.asked == [("/a/Set.zip", f"bytes={len(content) // 2}-")]


def test_a_file_that_changed_meanwhile_is_fetched_anew(published, content, tmp_path):
    only = Download(NAME, published.unknown.urls[:1])
    published.faults["/a/Set.zip"] = ["cut", "down", "down", "down"]
    with pytest.raises(DataError):
        fetch(only, tmp_path)
    published.files["/a/Set.zip"] = zipped(seed=1)
    assert fetch(only, tmp_path).read_bytes() == published.files["/a/Set.zip"]


def test_bytes_of_unknown_origin_are_never_joined(published, content, tmp_path):
    part = tmp_path / f"{NAME}.part"
    part.write_bytes(b"PK\x03\x04" + b"x" * 999)
    assert fetch(published.unknown, tmp_path).read_bytes() == content
    part.write_bytes(b"PK\x03\x04" + b"x" * 999)
    (tmp_path / NAME).unlink()
    # The sha256 finds the wrong join; the second mirror then starts from nothing.
    assert fetch(published.known, tmp_path).read_bytes() == content


def test_a_server_without_ranges_sends_the_file_again(published, content, tmp_path):
    published.faults["/a/Set.zip"] = ["cut", "whole"]
    assert fetch(published.unknown, tmp_path).read_bytes() == content


def test_another_range_than_asked_for_is_refused(published, content, tmp_path):
    published.faults["/a/Set.zip"] = ["cut", "other range"]
    assert fetch(published.known, tmp_path).read_bytes() == content
    assert published.asked[-1][0] == "/b/Set.zip"


def test_a_range_past_the_end_starts_again(published, content, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(content + b"more")
    assert fetch(published.known, tmp_path).read_bytes() == content


def test_a_whole_part_is_not_asked_for_again(published, content, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(content)
    assert fetch(published.known, tmp_path).read_bytes() == content and not published.asked


@pytest.mark.parametrize(
    ("fault", "message"),
    [("page", "a web page comes"), ("hidden page", "bytes, expected"), ("down", "503")],
)
def test_what_is_wrong_is_said_for_each_mirror(published, tmp_path, fault, message):
    for path in published.files:
        published.faults[path] = [fault] * 4
    with pytest.raises(DataError, match=message) as error:
        fetch(published.known, tmp_path)
    assert all(url in str(error.value) for url in published.known.urls)
    assert NAME not in left(tmp_path)


def test_a_page_under_a_false_flag_is_known_by_its_content(published, tmp_path):
    for path in published.files:
        published.faults[path] = ["hidden page"]
    with pytest.raises(DataError, match="a web page, not an archive"):
        fetch(published.unknown, tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c[:-1] + b"x", "sha256 is not"),
        (lambda c: c[:-1], "299,9.. bytes|bytes, expected"),
        (lambda c: b"Rar!" + c[4:], "no .zip archive"),
    ],
)
def test_other_content_is_refused(published, content, tmp_path, change, message):
    published.files = dict.fromkeys(published.files, change(content))
    with pytest.raises(DataError, match=message):
        fetch(published.known, tmp_path)
    assert left(tmp_path) == []


def test_a_wrong_file_that_is_there_is_named_not_removed(published, tmp_path):
    (tmp_path / NAME).write_bytes(b"PK\x03\x04 mine")
    with pytest.raises(DataError, match=r"is there, but it has 9 bytes.*Remove it"):
        fetch(published.known, tmp_path)
    assert left(tmp_path) == [NAME] and not published.asked


def test_a_disk_without_room_is_said_before_anything_is_written(published, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, module.SPARE + 9))
    with pytest.raises(DataError, match=r"needs 0\.00 GB, the disk .* Free some"):
        fetch(published.known, tmp_path)
    assert left(tmp_path) == []


def test_a_disk_that_fills_up_leaves_a_part_that_is_resumed(
    published, content, tmp_path, monkeypatch
):
    def fill(answer, part, *_):
        part.write_bytes(answer.read(1000))
        raise OSError(errno.ENOSPC, "No space left on device")

    write = module._write
    monkeypatch.setattr(module, "_write", fill)
    with pytest.raises(DataError, match=r"is full\. Free some space"):
        fetch(published.known, tmp_path)
    assert NAME not in left(tmp_path)
    monkeypatch.setattr(module, "_write", write)
    assert fetch(published.known, tmp_path).read_bytes() == content
    assert published.asked[-1] == ("/a/Set.zip", "bytes=1000-")


def test_nobody_there(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)
    with pytest.raises(DataError, match="refused, 4 times"):
        fetch(Download(NAME, ("http://127.0.0.1:1/Set.zip",)), tmp_path)
