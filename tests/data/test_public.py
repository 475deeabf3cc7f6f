"""Each published set in its own layout, made up small: read, evaluated and trained on in place."""

import contextlib
import io
import json
import shutil
import tarfile
import zipfile

import made_up
import numpy as np
import pytest
from PIL import Image
from small import shown

from vpuformer.baselines import GrabCut
from vpuformer.data.folders import FolderSamples
from vpuformer.data.public import instances, photos, samples, samples_of
from vpuformer.errors import DataError, ImageError
from vpuformer.evaluation import EvaluationConfig, evaluate

# The folder that holds the set's own; photos and objects, by set and split.
SETS = {
    ("grabcut", None): ("GrabCut", 3, 3),
    ("berkeley", None): ("Berkeley", 3, 3),
    ("davis", None): ("DAVIS345", 3, 3),
    ("coco_mval", None): ("COCO_MVal", 2, 2),
    ("sbd", "val"): ("benchmark_RELEASE/dataset", 1, 3),
    ("sbd", "train"): ("benchmark_RELEASE/dataset", 2, 4),
    ("voc", None): ("VOCdevkit/VOC2012", 2, 4),
    ("coco_lvis", "train"): ("", 2, 5),
    ("sstem", None): ("groundtruth-drosophila-vnc-68c1639/stack1", 2, 4),
    ("brats", None): ("BraTS20", 2, 2),
    ("oaizib", None): ("OAI-ZIB", 2, 4),
}
every = pytest.mark.parametrize(("name", "split"), SETS)


def unpacked(name, folder):
    """The folder of a made-up set, unpacked."""
    for archive, content in getattr(made_up, name)().items():
        if archive.endswith("zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as opened:
                opened.extractall(folder)
        else:
            with tarfile.open(fileobj=io.BytesIO(content)) as opened:
                opened.extractall(folder, filter="data")
    return folder / next(place for (key, _), (place, *_) in SETS.items() if key == name)


def of(name, root, number):
    return next(s for s in samples(name, root) if s.image_name == number)


@every
def test_every_set_is_read_object_by_object(name, split, tmp_path):
    root, (_, count, objects) = unpacked(name, tmp_path), SETS[name, split]
    found = list(samples(name, root, split))
    assert len(photos(name, root, split)) == count and len(found) == objects
    assert len({s.image_name for s in found}) == count
    assert len({s.key for s in found}) == objects and {s.set for s in found} == {name}
    for sample in found:
        assert sample.image.shape == (*made_up.SIZE, 3) and sample.image.dtype == np.uint8
        assert sample.gt.shape == made_up.SIZE and sample.gt.dtype == bool and sample.gt.any()
        assert sample.ignore is None or not (sample.ignore & sample.gt).any()
    assert len(list(samples(name, root, split, limit=1))) == 1


@every
def test_every_set_trains_as_it_is(name, split, tmp_path):
    data = FolderSamples(photos(name, unpacked(name, tmp_path), split))
    found = [shown(data.sample(0, position, 32), 32) for position in range(4)]
    assert not data.broken and all(s.target.any() for s in found)
    assert found[0].image.shape == (32, 32, 3)


def test_what_is_read_in_place_can_be_evaluated(tmp_path):
    found = samples("grabcut", unpacked("grabcut", tmp_path))
    config = EvaluationConfig(max_rounds=1)
    result = evaluate(GrabCut(), found, out=tmp_path / "results.jsonl", config=config)
    assert result["grabcut"]["samples"] == 3


def key_set(found):
    return [(s.key, int(s.gt.sum())) for s in found]


@every
def test_a_set_is_named_in_one_word(name, split, tmp_path):
    root = unpacked(name, tmp_path)
    word = f"{name}/{split}:{root}" if split else f"{name}:{root}"
    assert key_set(samples_of(word)) == key_set(samples(name, root, split))
    assert len(list(samples_of(word, 1))) == 1


def test_a_folder_may_have_a_colon_in_its_name(tmp_path):
    root = tmp_path / "davis:mine"
    for part, suffix in (("images", "jpg"), ("masks", "png")):
        (root / part).mkdir(parents=True)
        Image.new("L", (12, 9), 255).save(root / part / f"a.{suffix}")
    assert key_set(samples_of(root)) == [(("davis:mine", "a", 255), 108)]
    with pytest.raises(DataError, match=r"No set is called 'davos'. There are coco_lvis, grabcut"):
        samples_of(f"davos:{root}")
    with pytest.raises(DataError, match=r"gone holds no photo in images/"):
        samples_of(tmp_path / "gone")
    with pytest.raises(DataError, match=r"has no img/. Give the folder with img/ and gt/"):
        samples_of(f"davis:{root}")


def test_trimaps_have_a_void_border(tmp_path):
    sample = of("grabcut", unpacked("grabcut", tmp_path), "1")
    assert sample.gt[8].tolist() == [False] * 6 + [True] * 11 + [False] * 43
    assert np.flatnonzero(sample.ignore[8]).tolist() == [5]


def test_two_objects_of_a_scene_share_its_photo(tmp_path):
    found = photos("berkeley", unpacked("berkeley", tmp_path))
    pairs = {p.name: p.image.name for p in found}
    assert pairs == {"12a": "12.jpg", "12b": "12b.jpg", "77": "77.jpg"}


def test_masks_mean_what_their_set_says(tmp_path):
    roots = {name: unpacked(name, tmp_path / name) for name, _ in SETS}
    areas = {
        (name, split): sorted(int(s.gt.sum()) for s in samples(name, roots[name], split))
        for name, split in SETS
    }
    assert areas["davis", None] == [288] * 3  # both squares are one object
    assert areas["brats", None] == [288] * 2
    assert areas["oaizib", None] == [144] * 4  # each value is one
    assert areas["sstem", None] == [64, 64, 144, 144]  # parts that touch at a corner only
    assert areas["voc", None] == [144] * 4  # entries 1 and 16 of the palette
    assert areas["sbd", "val"] == [13, 144, 144]
    assert areas["sbd", "train"] == [144] * 4  # the diagonal is void
    assert areas["coco_lvis", "train"] == [16, 64, 100, 400, 400]


def test_objects_that_lie_on_each_other_stay_whole(tmp_path):
    root = unpacked("coco_lvis", tmp_path)
    first, second = photos("coco_lvis", root)
    assert (first.name, second.name) == ("000000000009", "000000000025")
    _, person, tie, again, dog = first.read()
    assert person[12, 20] == 1 and tie[12, 20] == 1 and person.sum() == 400
    assert again.sum() == 400 and dog.sum() == 100
    _, only = second.read()
    assert np.bincount(only.ravel(), minlength=256)[[1, 255]].tolist() == [64, 240]  # the crowd
    assert first.about["licence"].startswith("Attribution License")
    data = FolderSamples([first])
    seen = {int(shown(data.sample(0, epoch, 60), 60).target.sum() > 500) for epoch in range(8)}
    assert seen == {0, 1}  # the small and the large in turn


def test_photos_without_an_object_are_no_samples(tmp_path):
    root = unpacked("davis", tmp_path)
    Image.new("RGB", made_up.SIZE[::-1]).save(root / "gt" / "2.png")
    assert {s.image_name for s in samples("davis", root)} == {"0", "1"}
    data = FolderSamples(photos("davis", root))
    assert all(shown(data.sample(0, i, 32), 32).target.any() for i in range(3))
    assert set(data.broken) == {"2.jpg"}


def test_void_alone_is_no_object(tmp_path):
    root = unpacked("voc", tmp_path)
    for path in (root / "SegmentationObject").iterdir():
        mask = Image.fromarray(np.full(made_up.SIZE, 255, np.uint8))
        mask.putpalette(made_up.palette())
        mask.save(path)
    assert not list(samples("voc", root))


def test_files_are_read_when_asked_for(tmp_path):
    root = unpacked("davis", tmp_path)
    (root / "img" / "1.jpg").write_bytes(b"torn")
    found = samples("davis", root)
    assert next(found).image_name == "0"
    with pytest.raises(ImageError, match=r"1\.jpg is no image"):
        next(found)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"No set is called 'davos'. There are .*davis"):
        photos("davos", tmp_path)
    for name, place in (("davis", "img"), ("voc", "JPEGImages"), ("oaizib", "test/image")):
        with pytest.raises(DataError, match=f"has no {place}/. Give the folder with"):
            photos(name, tmp_path)
    with pytest.raises(DataError, match=r"There is no .*lvis_v1_train.json. Give the folder"):
        photos("coco_lvis", tmp_path)
    root = unpacked("sbd", tmp_path / "sbd")
    with pytest.raises(DataError, match=r"no list .*test\.txt"):
        photos("sbd", root, "test")
    (root / "img" / "2010_3.jpg").unlink()
    with pytest.raises(ImageError, match=r"no image file .*2010_3\.jpg"):
        list(samples("sbd", root))
    (root / "inst" / "2008_1.mat").write_bytes(b"words")
    with pytest.raises(DataError, match=r"2008_1\.mat holds no GTinst"):
        list(samples("sbd", root, "train"))
    root = unpacked("davis", tmp_path / "davis")
    (root / "img" / "1.jpg").unlink()
    with pytest.raises(DataError, match=r"1\.png has no photo in .*img"):
        photos("davis", root)


@pytest.mark.parametrize(("name", "file"), [("brats", "annotation/1.png"), ("voc", None)])
def test_a_mask_that_is_none_or_of_another_size_is_named(name, file, tmp_path):
    root = unpacked(name, tmp_path)
    path = root / (file or "SegmentationObject/2007_000042.png")
    Image.new("L", (30, 20), 1).save(path)
    with pytest.raises(DataError, match="is 60 x 40, its mask 30 x 20"):
        list(samples(name, root))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises((DataError, ImageError), match=r"is no image|cannot be read as a mask"):
        list(samples(name, root))


def test_more_objects_than_a_map_can_hold_are_refused(tmp_path):
    root = unpacked("oaizib", tmp_path)
    for values in (255, 256):
        ramp = np.resize(np.arange(values, dtype=np.uint8), made_up.SIZE)
        Image.fromarray(ramp).save(root / "test" / "annotations" / "test0.png")
        if values == 255:
            assert len([s for s in samples("oaizib", root) if s.image_name == "test0"]) == 254
    with pytest.raises(DataError, match=r"test0\.png has 255 objects, expected at most 254"):
        list(samples("oaizib", root))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"images": [{"id": 9', "not whole"),
        ("[1, 2]", "not whole"),
        (json.dumps({"images": [{"id": 9}]}), "not as published in images: KeyError"),
        (json.dumps({"annotations": [{"image_id": 1, "segmentation": [[1, 2, 3]]}]}), "ValueError"),
        (json.dumps({"annotations": [{"segmentation": []}]}), "KeyError"),
        (json.dumps({"annotations": [{"image_id": 1, "segmentation": None}]}), "TypeError"),
        ('{"annotations": [{"image_id": 1, "segmentation": [[1, NaN]]}]}', "NaN"),
        (json.dumps({"images": [{"id": 9, "height": "x", "width": 1}]}), "in images: TypeError"),
        (json.dumps({"annotations": [{"image_id": 1, "segmentation": []}]}), "photos, first 1"),
    ],
)
def test_a_broken_or_foreign_json_is_named(content, message, tmp_path):
    root = unpacked("coco_lvis", tmp_path)
    (root / "lvis_v1_train.json").write_text(content)
    with pytest.raises(DataError, match=message):
        photos("coco_lvis", root)


def test_a_photo_lies_in_the_folder_that_its_address_names(tmp_path):
    """LVIS's val has photos of COCO's train2017, too."""
    root = unpacked("coco_lvis", tmp_path)
    path = root / "lvis_v1_train.json"
    content = json.loads(path.read_text())
    for image in content["images"]:
        image["coco_url"] = f"http://images.cocodataset.org/other2017/{image['id']:012}.jpg"
    path.write_text(json.dumps(content))
    (root / "annotations" / "instances_train2017.json").write_text('{"images": []}')
    (root / "train2017").rename(root / "other2017")
    assert list(samples("coco_lvis", root))


@pytest.mark.parametrize("at", range(60, 400, 40))
def test_a_damaged_mat_is_named(at, tmp_path):
    root = unpacked("sbd", tmp_path)
    path = next((root / "inst").iterdir())
    content = bytearray(path.read_bytes())
    content[128 + at % (len(content) - 128)] ^= 0xFF
    path.write_bytes(content)
    with contextlib.suppress(DataError):  # or the byte told nothing
        instances(path)


def test_coco_without_its_photos_is_named(tmp_path):
    root = unpacked("coco_lvis", tmp_path)
    shutil.rmtree(root / "train2017")
    with pytest.raises(ImageError, match=r"no image file .*000000000009\.jpg"):
        next(samples("coco_lvis", root))
