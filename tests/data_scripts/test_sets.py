"""Every published set, made up small: from its address to what vpuformer reads."""

import errno
import hashlib
import json
import re
import shutil
import subprocess
import sys

import made_up
import numpy as np
import write as write_module
from desk import COUNTS, PUBLISHED, sets
from run import MANIFEST, published
from unpack import unpack

from vpuformer.data.samples import folder_samples, objects
from vpuformer.data.shards import Shards


@sets()
def test_from_address_to_what_vpuformer_reads(desk, capsys):
    assert desk.run(*desk.by_hand()) == 0
    said = capsys.readouterr().out
    assert said.index("Terms: ") < said.index(str(desk.out))
    expected = COUNTS[desk.name, desk.split]
    if desk.entry["splits"][desk.split]["form"] == "folder":
        samples = list(folder_samples(desk.out))
        assert len(samples) == expected["objects"]
        assert len({s.image_name for s in samples}) == expected["photos"]
        assert all(s.gt.any() and s.gt.shape == made_up.SIZE for s in samples)
    else:
        shards = Shards(desk.out)
        assert sum(shards.record(i)["instances"] for i in range(len(shards))) > 0
        assert shards.record(0)["source"] == desk.name and (desk.out / "index.json").is_file()
        assert all(shards.read(i)[1].any() for i in range(len(shards)))
    assert desk.run("--check") == 0
    assert f"{expected['photos']:,} photos" in capsys.readouterr().out
    assert [p.name for p in desk.out.parent.iterdir()] == [desk.name]


@sets("grabcut", "berkeley", "davis", "sbd", "voc", "sstem", "brats", "oaizib")
def test_what_is_written_is_what_is_read_in_place(desk, tmp_path):
    unpack(desk.write(next(iter(desk.archives))), tmp_path / "mine")
    assert desk.run("--form", "folder", *desk.by_hand()) == 0
    there = published(desk.name, tmp_path / "mine", desk.split)
    direct, written = list(objects(there, "set")), list(folder_samples(desk.out, "set"))
    assert [s.key for s in direct] == [s.key for s in written]
    for one, other in zip(direct, written, strict=True):
        for part in ("image", "gt", "ignore"):
            assert np.array_equal(getattr(one, part), getattr(other, part)), part


@sets()
def test_a_set_that_lost_a_photo_is_not_made(desk, capsys):
    desk.entry["splits"][desk.split]["counts"]["photos"] += 1
    assert desk.run(*desk.by_hand()) == 2
    assert "photos, expected" in capsys.readouterr().err and desk.nothing_made()


@sets("grabcut", "sbd")
def test_check_finds_what_is_lost_or_broken_later(desk, capsys):
    assert desk.run() == 0
    victim = min(p for p in desk.out.rglob("*") if p.suffix in (".png", ".tar"))
    content = victim.read_bytes()
    victim.write_bytes(content[: len(content) // 3])
    assert desk.run("--check") == 2
    victim.unlink()
    assert desk.run("--check") == 2
    assert len(capsys.readouterr().err.splitlines()) >= 2


@sets("grabcut")
def test_check_counts_a_folder_made_by_other_means(desk, capsys):
    assert desk.run() == 0
    (desk.out / "source.json").unlink()
    assert desk.run("--check") == 0
    for path in desk.out.rglob("0.*"):
        path.unlink()
    assert desk.run("--check") == 2
    assert "holds 2 photos, expected 3, 2 objects, expected 3" in capsys.readouterr().err


@sets("grabcut")
def test_what_is_there_is_not_made_again(desk, capsys):
    desk.out.mkdir(parents=True)
    assert desk.run() == 2 and "is there. Look at it with --check" in capsys.readouterr().err
    shutil.rmtree(desk.out)
    assert desk.run("--check") == 2 and "Make it first" in capsys.readouterr().err
    assert not desk.server.asked


@sets("grabcut", "voc", "coco_lvis")
def test_a_server_that_misbehaves_leaves_nothing(desk, capsys):
    first = f"/{desk.entry['files'][0]['name']}"
    desk.server.faults[first] = ["page"]
    assert desk.run() == 2 and "a web page" in capsys.readouterr().err and desk.nothing_made()
    desk.server.faults[first] = ["down"] * 4
    assert desk.run() == 2 and "503" in capsys.readouterr().err and desk.nothing_made()
    desk.server.faults[first] = ["cut"]
    assert desk.run() == 0


@sets("grabcut", "voc", "coco_lvis")
def test_a_truncated_archive_leaves_nothing(desk, capsys):
    path = f"/{desk.entry['files'][0]['name']}"
    desk.server.files[path] = desk.server.files[path][:2000]
    assert desk.run() == 2 and desk.nothing_made()
    assert "gain" in capsys.readouterr().err


@sets("grabcut")
def test_an_archive_that_leads_out_leaves_nothing(desk, capsys):
    photo = made_up.photo(0)
    evil = {"GrabCut/data_GT/0.jpg": photo, "../../../../out.jpg": photo}
    desk.server.files["/GrabCut.zip"] = made_up.zipped(evil)
    assert desk.run() == 2 and "refused" in capsys.readouterr().err and desk.nothing_made()
    assert not list(desk.folder.rglob("out.jpg"))


@sets("sbd")
def test_a_disk_that_fills_up_leaves_nothing(desk, capsys, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(write_module, "_png", fill)
        assert desk.run() == 2
    assert "is full. Free some space" in capsys.readouterr().err and desk.nothing_made()
    assert desk.run() == 0


@sets("sbd")
def test_a_photo_that_is_missing_or_none_is_named(desk, capsys):
    for content, message in ((None, "No such file"), (b"<html>", "identify"), (..., "20 x 30")):
        members = made_up.sbd_members()
        photos = [name for name in members if name.endswith(".jpg")]
        members["benchmark_RELEASE/dataset/img/other.jpg"] = b""
        for name in photos:
            members.pop(name)
            if content:
                members[name] = made_up.photo(1, size=(30, 20)) if content is ... else content
        desk.server.files["/benchmark.tgz"] = made_up.tarred(members, "w:gz")
        shutil.rmtree(desk.downloads, ignore_errors=True)
        assert desk.run() == 2 and message in capsys.readouterr().err and desk.nothing_made()


@sets("sbd")
def test_a_file_that_is_no_mat_is_named(desk, capsys):
    for content in (b"words", made_up.matlab({"other": np.zeros(3)}), made_up.matlab({})):
        members = made_up.sbd_members()
        for name in members:
            if name.endswith(".mat"):
                members[name] = content
        desk.server.files["/benchmark.tgz"] = made_up.tarred(members, "w:gz")
        shutil.rmtree(desk.downloads, ignore_errors=True)
        assert desk.run() == 2 and "holds no GTinst" in capsys.readouterr().err


@sets("sbd")
def test_check_names_a_photo_that_broke_in_a_shard(desk, capsys):
    assert desk.run("--form", "shards") == 0
    path = next(desk.out.glob("*.tar"))
    content = path.read_bytes()
    at = content.index(b"\xff\xd8")
    path.write_bytes(content[:at] + bytes(200) + content[at + 200 :])
    assert desk.run("--check") == 2 and "is broken" in capsys.readouterr().err


@sets("brats", "oaizib")
def test_sets_behind_a_registration_say_so(desk, capsys):
    assert desk.run() == 2 and desk.nothing_made()
    error = capsys.readouterr().err
    assert "registration" in error and "--source" in error
    assert desk.run("--source", desk.folder / "nowhere") == 2


def test_a_script_runs_as_a_script(tmp_path):
    words = [sys.executable, str(MANIFEST.with_name("oaizib.py")), "--out", "x"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "registration" in done.stderr
    assert "Terms: Given after registration" in done.stdout and not list(tmp_path.iterdir())


@sets("grabcut")
def test_an_unpacked_folder_serves_too(desk):
    shutil.unpack_archive(desk.write("GrabCut.zip"), desk.folder / "mine")
    assert desk.run("--source", desk.folder / "mine") == 0 and not desk.server.asked


@sets("sbd")
def test_an_archive_of_the_published_name_is_held_to_size_and_sha256(desk, capsys):
    file, given = desk.entry["files"][0], desk.write("benchmark.tgz")
    file["size"] = given.stat().st_size
    file["sha256"] = hashlib.sha256(desk.archives["benchmark.tgz"]).hexdigest()
    assert desk.run("--source", given) == 0
    shutil.rmtree(desk.out)
    content = bytearray(desk.archives["benchmark.tgz"])
    content[4] ^= 1  # the time in gzip's header: nothing else finds it
    given.write_bytes(content)
    assert desk.run("--source", given) == 2 and desk.nothing_made()
    assert f"{given}: its sha256 is not {file['sha256']}. Fetch" in capsys.readouterr().err
    given.write_bytes(content + b"more")
    assert desk.run("--source", given) == 2 and "bytes, expected" in capsys.readouterr().err
    assert given.is_file() and not desk.server.asked


@sets("coco_lvis")
def test_unpacked_photos_and_json_serve_too(desk):
    for name in desk.archives:
        shutil.unpack_archive(desk.write(name), desk.folder / "mine")
    assert desk.run("--source", desk.folder / "mine") == 0 and not desk.server.asked


@sets("coco_lvis")
def test_a_damaged_photo_in_the_archive_is_named(desk, capsys):
    folder = desk.folder / "mine"
    folder.mkdir()
    for name, content in desk.archives.items():
        (folder / name).write_bytes(content)
    path, content = folder / "train2017.zip", bytearray(desk.archives["train2017.zip"])
    content[1000] ^= 255
    path.write_bytes(content)
    assert desk.run("--source", folder) == 2 and desk.nothing_made()
    assert f"{path} is not a whole archive" in capsys.readouterr().err


@sets("coco_lvis")
def test_foreign_json_is_named(desk, capsys):
    for entry, message in (
        ({"images": [{"id": 9}]}, "not as published in images: KeyError"),
        ({"annotations": [{"image_id": 1, "segmentation": [[1, 2, 3]]}]}, "ValueError"),
        ({"annotations": [{"image_id": 1, "segmentation": []}]}, "unknown photos, first 1"),
    ):
        content = made_up.zipped({"lvis_v1_train.json": json.dumps(entry)})
        desk.server.files["/lvis_v1_train.json.zip"] = content
        shutil.rmtree(desk.downloads, ignore_errors=True)
        assert desk.run() == 2 and message in capsys.readouterr().err and desk.nothing_made()


def test_the_manifest_names_every_script_and_says_what_is_not_known():
    scripts = {p.stem for p in MANIFEST.parent.glob("*.py") if "run(" in p.read_text("utf-8")}
    assert scripts - {"run"} == set(PUBLISHED) - {"_about"}
    for name, entry in PUBLISHED.items():
        if name == "_about":
            continue
        assert entry["licence"] and entry["licence_from"] and entry["title"] and entry["splits"]
        assert entry["files"] or "registration" in entry["how"]
        for file in entry["files"]:
            assert all(u.startswith(("http://", "https://")) for u in file["urls"])
            assert len(file["urls"]) > 1 and file["sha256_from"]
            assert file["sha256"] is None or len(bytes.fromhex(file["sha256"])) == 32


def test_nothing_is_unpickled_or_unpacked_unseen():
    for path in MANIFEST.parent.glob("*.py"):
        words = set(re.findall(r"\w+", path.read_text("utf-8")))
        assert not words & {"pickle", "extractall", "eval", "exec", "allow_pickle"}, path.name
