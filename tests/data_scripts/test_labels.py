"""What the published masks of each set become."""

import json
import shutil

import made_up
import numpy as np
from desk import sets
from PIL import Image

from vpuformer.data.shards import Shards


@sets("grabcut")
def test_grabcut_border_is_void_and_photos_stay_as_published(desk):
    assert desk.run() == 0
    assert desk.labels("0")[8].tolist()[4:19] == [0, 255] + [1] * 11 + [0, 0]
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
    assert desk.run("--source", desk.write("DAVIS.zip")) == 0
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
    assert np.unique(desk.labels("2007_000033")).tolist() == [0, 1, 16, 255]


@sets("oaizib")
def test_values_become_objects(desk):
    assert desk.run(*desk.by_hand()) == 0
    assert np.unique(desk.labels("test0")).tolist() == [0, 1, 2]


@sets("sbd")
def test_sbd_drops_thin_masks_in_training_only(desk):
    assert desk.run("--form", "folder") == 0
    found = np.unique(desk.labels({"val": "2010_3", "train": "2008_1"}[desk.split])).tolist()
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
def test_stuff_comes_along_where_its_pixel_maps_lie_beside_the_archives(desk, capsys):
    pixels = np.full(made_up.SIZE, 183, np.uint8)
    pixels[:4], pixels[4], pixels[-6:] = 92, 0, 182
    for name in desk.archives:
        shutil.unpack_archive(desk.write(name), desk.folder / "mine")
    maps = desk.folder / "mine" / "stuff_train2017_pixelmaps"
    maps.mkdir()
    Image.fromarray(pixels).save(maps / "000000000009.png")
    words = "--source", desk.folder / "mine"
    assert desk.run(*words) == 2 and "000000000025.png cannot be read" in capsys.readouterr().err
    Image.fromarray(pixels).convert("P").save(maps / "000000000025.png")
    Image.fromarray(pixels[:9]).save(maps / "000000000009.png")
    assert desk.run(*words) == 2 and "Fetch the set again" in capsys.readouterr().err
    assert desk.nothing_made()
    Image.fromarray(pixels).save(maps / "000000000009.png")
    assert desk.run(*words) == 0 and desk.run("--check") == 0
    shards = Shards(desk.out)
    for index in range(3):
        (_, plain), (_, both) = shards.read(index), shards.read(index, with_stuff=True)
        free = plain == 0
        assert np.array_equal(both[~free], plain[~free]) and plain.max() in (1, 2, 255)
        expected = np.select([pixels == 92, pixels == 182], [164, 254], 0)
        assert np.array_equal(both[free], expected[free]) and {164, 254} <= {*both[free]}
