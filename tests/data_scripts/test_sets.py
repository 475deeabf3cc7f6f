"""Every published set, made up small: from its address to what vpuformer reads."""

import errno
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import made_up
import numpy as np
import pytest
import write as write_module
from PIL import Image
from run import MANIFEST

from vpuformer.data.samples import folder_samples
from vpuformer.data.shards import Shards

PUBLISHED = json.loads(MANIFEST.read_text("utf-8"))
# Photos and objects of the made-up sets, by set and split.
COUNTS = {
    ("grabcut", "test"): {"photos": 3, "objects": 3},
    ("berkeley", "test"): {"photos": 3, "objects": 3, "scenes": 2},
    ("davis", "test"): {"photos": 3, "objects": 3},
    ("coco_mval", "test"): {"photos": 2, "objects": 2},
    ("sbd", "val"): {"photos": 1, "objects": 3, "published objects": 3},
    ("sbd", "train"): {"photos": 2, "objects": 4, "published objects": 6},
    ("voc", "val"): {"photos": 2, "objects": 4, "objects read as grey": 2},
    ("coco_lvis", "train"): {"photos": 2, "lvis annotations": 2, "coco annotations": 4},
    ("sstem", "test"): {"photos": 2, "objects": 4},
    ("brats", "test"): {"photos": 2, "objects": 2},
    ("oaizib", "test"): {"photos": 2, "objects": 4},
}
BY_HAND = {"brats", "oaizib"}


class Desk:
    """A place to work, with the made-up set behind the local server."""

    def __init__(self, name, split, server, folder):
        self.name, self.split, self.folder, self.server = name, split, folder, server
        self.out, self.downloads = folder / "data" / name, folder / "downloads"
        self.archives = getattr(made_up, name)()
        server.files = {f"/{file}": content for file, content in self.archives.items()}
        self.entry = json.loads(json.dumps(PUBLISHED[name]))
        for file in self.entry["files"]:
            file |= {"urls": [f"{server.url}/{file['name']}"], "size": None, "sha256": None}
        self.entry["splits"][split]["counts"] = dict(COUNTS[name, split])

    def run(self, *words):
        manifest = self.folder / "manifest.json"
        manifest.write_text(json.dumps({self.name: self.entry}), "utf-8")
        words = [*words, "--manifest", manifest, "--out", self.out, "--split", self.split]
        main = importlib.import_module(self.name).main
        return main([str(w) for w in (*words, "--downloads", self.downloads)])

    def by_hand(self):
        if self.name not in BY_HAND:
            return ()
        path = self.folder / next(iter(self.archives))
        path.write_bytes(self.archives[path.name])
        return "--source", path

    def nothing_made(self):
        return not self.out.exists() and not [*self.out.parent.glob(".*")]


@pytest.fixture
def desk(request, server, tmp_path):
    return Desk(*request.param, server, tmp_path)


def sets(*only):
    chosen = [key for key in COUNTS if not only or key[0] in only]
    return pytest.mark.parametrize("desk", chosen, ids="-".join, indirect=True)


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
    shutil.unpack_archive(write(desk, "GrabCut.zip"), desk.folder / "mine")
    assert desk.run("--source", desk.folder / "mine") == 0 and not desk.server.asked


@sets("coco_lvis")
def test_unpacked_photos_and_json_serve_too(desk):
    for name in desk.archives:
        shutil.unpack_archive(write(desk, name), desk.folder / "mine")
    assert desk.run("--source", desk.folder / "mine") == 0 and not desk.server.asked


def write(desk, name) -> Path:
    path = desk.folder / name
    path.write_bytes(desk.archives[name])
    return path


def labels(desk, name):
    return np.asarray(Image.open(desk.out / "masks" / f"{name}.png"))


@sets("grabcut")
def test_grabcut_border_is_void_and_photos_stay_as_published(desk):
    assert desk.run() == 0
    assert labels(desk, "0")[8].tolist()[4:19] == [0, 255] + [1] * 11 + [0, 0]
    assert sorted(p.name for p in (desk.out / "images").iterdir()) == [
        "0.jpg",
        "1.bmp",
        "2.jpg",
    ]
    assert (desk.out / "images" / "0.jpg").read_bytes() == made_up.photo(0)


@sets("davis")
def test_a_photo_without_an_object_is_counted_not_written(desk, capsys):
    black = made_up.encoded(Image.new("RGB", made_up.SIZE[::-1]))
    desk.archives["DAVIS.zip"] = made_up.davis(black)["DAVIS.zip"]
    desk.entry["splits"]["test"]["counts"] = {"photos": 3, "objects": 2}
    assert desk.run("--source", write(desk, "DAVIS.zip")) == 0
    assert "1 photos without an object" in capsys.readouterr().out
    assert len(list((desk.out / "images").iterdir())) == 2 and desk.run("--check") == 0


@sets("coco_mval")
def test_names_become_plain(desk):
    assert desk.run() == 0
    assert sorted(p.stem for p in (desk.out / "masks").iterdir()) == [
        "cat_1",
        "traffic_light_2",
    ]


@sets("voc")
def test_voc_objects_are_palette_entries(desk):
    assert desk.run() == 0
    assert made_up.palette()[-3:] == [224, 224, 192]
    assert np.unique(labels(desk, "2007_000033")).tolist() == [0, 1, 16, 255]


@sets("oaizib")
def test_values_become_objects(desk):
    assert desk.run(*desk.by_hand()) == 0
    assert np.unique(labels(desk, "test0")).tolist() == [0, 1, 2]


@sets("sbd")
def test_sbd_drops_thin_masks_in_training_only(desk):
    assert desk.run("--form", "folder") == 0
    found = np.unique(labels(desk, {"val": "2010_3", "train": "2008_1"}[desk.split])).tolist()
    assert found == ([0, 1, 2, 3] if desk.split == "val" else [0, 1, 2, 255])


@sets("coco_lvis")
def test_coco_lvis_keeps_each_object_whole_and_once(desk):
    assert desk.run() == 0
    shards = Shards(desk.out)
    maps = [shards.read(i)[1] for i in range(len(shards))]
    records = [shards.record(i) for i in range(len(shards))]
    assert [r["photo"] for r in records] == ["000000000009"] * 2 + ["000000000025"]
    person, tie, crowd = maps
    areas = [np.bincount(m.ravel(), minlength=256)[[1, 2, 255]].tolist() for m in maps]
    assert areas == [[400, 100, 0], [16, 0, 0], [64, 0, 240]]
    assert person[12, 20] == 1 and tie[12, 20] == 1 and crowd[12, 3] == 255
    assert records[0]["licence"].startswith("Attribution License")
    assert json.loads((desk.out / "source.json").read_text())["coco images"] == 3


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
