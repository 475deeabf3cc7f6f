"""One command from any folder of photos and masks to shards that training streams."""

import io
import json
import tarfile
import zipfile

import made_up
import numpy as np
import pack
import pytest
import write
from PIL import Image
from small import shown

from vpuformer.data.samples import Photo, folder_samples
from vpuformer.data.shards import Shards, ShardSamples
from vpuformer.errors import DataError

SIZE = (50, 70)


@pytest.fixture
def folder(tmp_path):
    """A JPEG, a WebP, a PNG and a 16-bit TIFF, with one object (255) or two and void."""
    rng = np.random.default_rng(0)
    root = tmp_path / "mine"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for name in ("a.jpg", "b.webp", "c.png", "d.tif"):
        pixels = rng.integers(0, 255, (*SIZE, 3), np.uint8)
        picture = Image.fromarray(pixels if name != "d.tif" else pixels[..., 0] * np.uint16(200))
        picture.save(root / "images" / name)
        labels = np.zeros(SIZE, np.uint8)
        labels[5:20, 5:20] = 255 if name == "a.jpg" else 1  # row = y
        if name != "a.jpg":
            labels[30:45, 30:60], labels[0] = 2, 255
        Image.fromarray(labels).save(root / "masks" / f"{name[0]}.png")
    return root


def test_shards_hold_what_the_folder_held(folder, tmp_path, capsys):
    out = tmp_path / "shards"
    assert pack.main([str(folder), "--out", str(out), "--licence", "CC0"]) == 0
    assert "4 photos, 7 objects" in capsys.readouterr().out
    shards = Shards(out)
    found = [shards.read(i) for i in range(4)]
    assert np.array_equal(found[2][0], Image.open(folder / "images" / "c.png"))
    assert [np.unique(labels).tolist() for _, labels in found] == [[0, 1]] + [[0, 1, 2, 255]] * 3
    assert shards.record(0) | {"photo": ""} == {
        "source": "mine",
        "licence": "CC0",
        "labels": "human",
        "instances": 1,
        "photo": "",
    }
    first = json.loads((out / "index.json").read_text())["mine-0000.tar"][0]["image"]
    content = (out / "mine-0000.tar").read_bytes()[first[0] : first[0] + first[1]]
    assert content == (folder / "images" / "a.jpg").read_bytes()
    sample = shown(ShardSamples(shards).sample(0, 0, 32), 32)
    assert sample.image.shape == (32, 32, 3) and sample.target.any()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["jpg", "webp", "tif", "png"])
def test_a_photo_that_exif_turns_lies_upright_under_its_labels(tmp_path, kind, orientation):
    root, out = tmp_path / "mine", tmp_path / "shards"
    labels = np.zeros(SIZE, np.uint8)
    labels[5:20, 5:30] = 1  # row = y
    back = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    back[8] = Image.Transpose.ROTATE_270
    picture = Image.fromarray(np.repeat(labels[..., None] * 255, 3, -1))
    exif = Image.Exif()
    exif[0x0112] = orientation
    if back[orientation] is not None:
        picture = picture.transpose(back[orientation])
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    picture.save(root / "images" / f"a.{kind}", exif=exif, quality=95)
    Image.fromarray(labels).save(root / "masks" / "a.png")
    assert pack.main([str(root), "--out", str(out)]) == 0
    image, found = Shards(out).read(0)
    pixels = np.asarray(image)
    assert pixels[found == 1].mean() > 250 and pixels[found == 0].mean() < 5
    write.write_folder(pack.read(root), tmp_path / "folder", write.Seen())
    (sample,) = folder_samples(tmp_path / "folder")
    assert sample.image[sample.gt].mean() > 250 and sample.gt.shape == SIZE
    suffix = "jpg" if kind == "jpg" and orientation == 1 else "webp"
    assert f"a.{suffix}".encode() in (out / "mine-0000.tar").read_bytes()


@pytest.mark.parametrize("kind", ["webp", "png"])
def test_what_is_transparent_lies_on_white(folder, tmp_path, kind):
    for path in (folder / "images").glob("c.*"):
        path.unlink()
    clear = Image.new("RGBA", SIZE[::-1], (9, 9, 9, 0))
    clear.save(folder / "images" / f"c.{kind}", lossless=True)
    assert pack.main([str(folder), "--out", str(tmp_path / "shards")]) == 0
    assert np.asarray(Shards(tmp_path / "shards").read(2)[0]).min() == 255


def test_stuff_never_shares_a_number_with_an_object(folder, tmp_path):
    labels, stuff = np.full((2, *SIZE), 200, np.uint8)
    labels[10:], stuff[30:] = 0, 201
    photo = Photo("c", folder / "images" / "c.png", labels, lambda m: [m], stuff=lambda: stuff)
    about = {"source": "mine", "licence": "CC0"}
    write.write_shards([photo], tmp_path / "shards", write.Seen(), about)
    _, found = Shards(tmp_path / "shards").read(0, with_stuff=True)
    assert [np.unique(rows).tolist() for rows in (found[:10], found[10:30], found[30:])] == [
        [200],
        [0],
        [201],
    ]


@pytest.mark.parametrize(
    ("name", "shard"),
    [
        ("my photos.src", "my_photos_src-0000.tar"),
        ("teacher_marks", "human-teacher_marks-0000.tar"),
    ],
)
def test_shards_bear_a_plain_name_that_says_people_drew_the_masks(folder, tmp_path, name, shard):
    folder = folder.rename(tmp_path / name)
    assert pack.main([str(folder), "--out", str(tmp_path / "shards")]) == 0
    shards = Shards(tmp_path / "shards")
    assert [p.name for p in tmp_path.glob("shards/*.tar")] == [shard]
    assert shards.record(0)["source"] == name
    assert shards.weights.tolist() == [1.0] * 4 and len(shards.order(0, 0)) == 4


def test_a_large_set_takes_several_shards(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_BYTES", 1)
    assert pack.main([str(folder), "--out", str(tmp_path / "shards")]) == 0
    assert sorted(p.name for p in tmp_path.glob("shards/*.tar")) == [
        f"mine-{i:04}.tar" for i in range(4)
    ]
    shards = Shards(tmp_path / "shards")
    assert [shards.record(i)["photo"] for i in range(4)] == list("abcd")


def test_a_bad_folder_leaves_nothing(folder, tmp_path, capsys):
    Image.new("L", (9, 9), 255).save(folder / "masks" / "d.png")
    out = tmp_path / "shards"
    assert pack.main([str(folder), "--out", str(out)]) == 2
    assert "Both must have one size" in capsys.readouterr().err
    assert not out.exists() and sorted(p.name for p in tmp_path.iterdir()) == ["mine"]
    out.mkdir()
    assert pack.main([str(folder), "--out", str(out)]) == 2
    assert "is there" in capsys.readouterr().err


@pytest.mark.parametrize("out", [".", "..", "", "/"])
def test_a_folder_that_is_there_is_no_out(folder, tmp_path, capsys, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    assert pack.main([str(folder), "--out", out]) == 2
    assert "is there. Choose another --out" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_names_that_become_one_get_numbers(folder, tmp_path, capsys):
    names = ["e 1", "e_1", "e-1", "犬", "猫", "鳥", "__2"]
    for name in names:
        for part, suffix in (("images", "jpg"), ("masks", "png")):
            source = folder / part / f"a.{suffix}"
            (folder / part / f"{name}.{suffix}").write_bytes(source.read_bytes())
    out = tmp_path / "shards"
    assert pack.main([str(folder), "--out", str(out)]) == 0
    assert "11 photos, 14 objects" in capsys.readouterr().out
    shards = Shards(out)
    assert {shards.record(i)["photo"] for i in range(11)} == {*"abcd", *names}
    assert write.count_again(out) == {"photos": 11, "objects": 14}
    with tarfile.open(out / "mine-0000.tar") as archive:
        keys = {name.partition(".")[0] for name in archive.getnames()}
    assert keys == {*"abcd", "e_1", "e_1_2", "e-1", "_", "__2", "__3", "__4"}
    write.write_folder(pack.read(folder), tmp_path / "folder", write.Seen())
    assert {p.stem for p in (tmp_path / "folder" / "masks").iterdir()} == keys


def test_two_photos_of_one_name_are_refused(folder, tmp_path):
    photos = pack.read(folder)[:1] * 2
    with pytest.raises(DataError, match="Two photos are called 'a'"):
        write.write_folder(photos, tmp_path / "out", write.Seen())


@pytest.mark.parametrize(("name", "maps", "objects"), [("davis", 3, 3), ("coco_lvis", 3, 4)])
def test_a_published_set_is_packed_as_it_is(name, maps, objects, tmp_path, capsys):
    for content in getattr(made_up, name)().values():
        zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path / "set")
    root = tmp_path / "set" / ("DAVIS345" if name == "davis" else "")
    out = tmp_path / "shards"
    assert pack.main([f"{name}:{root}", "--out", str(out)]) == 0
    assert f"{objects} objects" in capsys.readouterr().out
    shards = Shards(out)
    assert len(shards) == maps and shards.record(0)["source"] == name
    assert sum(shards.record(i)["instances"] for i in range(maps)) == objects


def test_a_set_that_there_is_not_leaves_nothing(tmp_path, capsys):
    assert pack.main([f"davos:{tmp_path}", "--out", str(tmp_path / "shards")]) == 2
    assert "No set is called 'davos'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
