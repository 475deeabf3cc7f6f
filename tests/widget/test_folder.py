"""A folder of images: steps, saving, skipping, going on later, bad files, what finetune takes."""

import json

import numpy as np
import pytest
from PIL import Image
from small import CONFIG

from vpuformer.data.folders import check_folders
from vpuformer.data.samples import folder_samples, read_labels
from vpuformer.errors import DataError
from vpuformer.model import build
from vpuformer.prompts import Click
from vpuwidget.folder import Folder

H, W = SIZE = (30, 44)
MODEL = build(CONFIG).eval()
NAMES = ("a.jpg", "b.png", "c.webp", "d.png")


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for seed, name in enumerate(NAMES):
        pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    return folder


def name(folder):
    return folder.images[folder.at].name


def files(images, kind):
    return sorted(p.name for p in images.parent.glob(f"{kind}/*"))


def test_steps_in_name_order_and_stays_at_the_ends(images):
    folder = Folder(images, model=MODEL)
    assert [p.name for p in folder.images] == list(NAMES) and name(folder) == "a.jpg"
    assert not folder.previous() and name(folder) == "a.jpg"
    seen = [name(folder)]
    while folder.next():
        seen.append(name(folder))
    assert seen == list(NAMES) and name(folder) == "d.png"
    assert folder.go(1) and name(folder) == "b.png" and folder.session.size == SIZE
    assert not folder.go(9) and name(folder) == "b.png"
    assert files(images, "*") == ["a.jpg", "b.png", "c.webp", "d.png", "notes.txt"]


def test_one_object_is_written_as_0_and_255(images):
    folder = Folder(images, model=MODEL)
    folder.session.add_object()
    folder.session.paint([(10, 10)], 4)
    mask = folder.session.mask
    file = folder.save()
    assert file == images.parent / "masks" / "a.png"
    assert np.array_equal(read_labels(file), mask * np.uint8(255))


def test_several_objects_are_written_as_labels(images):
    folder = Folder(images, model=MODEL)
    folder.session.paint([(10, 10)], 4)
    folder.session.add_object()
    folder.session.paint([(30, 20)], 4)
    assert np.array_equal(read_labels(folder.save()), folder.session.labels())


def test_what_is_saved_is_a_data_set(images):
    folder = Folder(images, model=MODEL)
    while True:
        folder.session.paint([(10, 10)], 4)
        if folder.at % 2:
            folder.session.add_object()
            folder.session.paint([(30, 20)], 4)
        folder.save()
        if not folder.next():
            break
    assert folder.counts == {"done": 4}
    assert len(check_folders(images, images.parent / "masks")) == 4
    assert [s.key[1:] for s in folder_samples(images.parent)] == [
        ("a", 255),
        ("b", 1),
        ("b", 2),
        ("c", 255),
        ("d", 1),
        ("d", 2),
    ]


def test_nothing_marked_is_not_saved(images):
    folder = Folder(images, model=MODEL)
    with pytest.raises(DataError, match=r"Nothing is marked in a\.jpg"):
        folder.save()
    assert folder.state(0) == "open" and not files(images, "masks")


def test_goes_on_where_it_stopped(images):
    folder = Folder(images, model=MODEL)
    folder.session.paint([(10, 10)], 4)
    folder.save()
    folder.next()
    assert folder.skip() and name(folder) == "c.webp"
    folder.session.add(Click(20, 15))
    record = folder.session.to_json()
    again = Folder(images, model=MODEL)
    assert name(again) == "c.webp" and again.session.to_json() == record
    assert again.counts == {"done": 1, "skipped": 1, "begun": 1, "open": 1}
    assert again.previous() and again.state(again.at) == "skipped"
    assert again.previous() and again.session.mask.any()


def test_a_finished_folder_opens_at_its_first_image(images):
    folder = Folder(images, model=MODEL)
    while folder.skip():
        pass
    assert folder.counts == {"skipped": 4} and name(folder) == "d.png"
    assert name(Folder(images, model=MODEL)) == "a.jpg"


def test_a_skipped_image_has_no_mask_until_it_is_saved_again(images):
    folder = Folder(images, model=MODEL)
    folder.session.paint([(10, 10)], 4)
    folder.save()
    folder.skip()
    assert not files(images, "masks") and files(images, "sessions") == ["a.json"]
    folder.previous()
    assert folder.state(0) == "skipped" and folder.session.mask.any()
    folder.save()
    assert folder.state(0) == "done" and Folder(images, model=MODEL).state(0) == "done"


def test_moving_on_renews_a_mask_that_was_written(images):
    folder = Folder(images, model=MODEL)
    folder.session.paint([(10, 10)], 4)
    file = folder.save()
    file.write_bytes(b"as it was")
    folder.next()
    folder.previous()
    folder.next()
    assert file.read_bytes() == b"as it was"
    folder.previous()
    folder.session.paint([(30, 20)], 4)
    mask = folder.session.mask
    folder.next()
    assert np.array_equal(read_labels(file) > 0, mask)
    folder.session.paint([(30, 20)], 4)
    folder.next()
    assert files(images, "masks") == ["a.png"]


def test_bad_images_are_reported_and_passed(images):
    (images / "a.jpg").write_bytes(b"no picture")
    (images / "c.webp").write_bytes((images / "c.webp").read_bytes()[:60])
    folder = Folder(images, model=MODEL)
    assert name(folder) == "b.png" and "is no image" in folder.bad["a.jpg"]
    assert folder.next() and name(folder) == "d.png"
    assert folder.bad.keys() == {"a.jpg", "c.webp"}
    assert folder.counts == {"bad": 2, "open": 2}
    assert not folder.next() and folder.previous() and name(folder) == "b.png"
    assert not folder.previous() and name(folder) == "b.png"
    Image.new("RGB", (W, H)).save(images / "a.jpg")
    assert folder.previous() and folder.bad.keys() == {"c.webp"}


def test_two_images_of_one_name_are_reported(images):
    Image.new("RGB", (W, H)).save(images / "a.png")
    folder = Folder(images, model=MODEL)
    assert name(folder) == "b.png"
    assert folder.bad.keys() == {"a.jpg", "a.png"} and "another ending" in folder.bad["a.png"]


def test_a_session_of_another_image_is_reported_and_left_alone(images):
    folder = Folder(images, model=MODEL)
    folder.session.add(Click(20, 15))
    file = images.parent / "sessions" / "a.json"
    before = file.read_bytes()
    Image.new("RGB", (W, H)).save(images / "a.jpg")
    again = Folder(images, model=MODEL)
    assert name(again) == "b.png" and "another image" in again.bad["a.jpg"]
    assert file.read_bytes() == before


def test_begins_before_a_bad_end(images):
    folder = Folder(images, model=MODEL)
    for _ in range(3):
        folder.session.paint([(10, 10)], 4)
        folder.save()
        folder.next()
    for broken in ("c.webp", "d.png"):
        (images / broken).write_bytes(b"")
    assert name(Folder(images, model=MODEL)) == "b.png"


def test_a_bad_image_does_not_send_one_to_a_finished_one(images):
    folder = Folder(images, model=MODEL)
    folder.next()
    folder.session.paint([(10, 10)], 4)
    folder.save()
    (images / "a.jpg").write_bytes(b"")
    assert name(Folder(images, model=MODEL)) == "c.webp"


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        Folder(tmp_path / "none", model=MODEL)
    with pytest.raises(DataError, match="no image"):
        Folder(tmp_path, model=MODEL)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a\.png: "):
        Folder(tmp_path, model=MODEL)


def test_another_place_for_what_is_written(images, tmp_path):
    folder = Folder(images, tmp_path / "deep" / "out", MODEL)
    folder.session.paint([(10, 10)], 4)
    assert folder.save() == tmp_path / "deep" / "out" / "masks" / "a.png"
    folder.next()
    folder.skip()
    assert json.loads((tmp_path / "deep" / "out" / "skipped.json").read_text()) == ["b.png"]
    assert not files(images, "masks")


def test_it_goes_on_with_other_weights(images):
    folder = Folder(images, model=MODEL)
    folder.session.add(Click(10, 10))
    again = Folder(images, model=build(CONFIG, seed=1).eval())
    assert name(again) == "a.jpg" and again.session.prompts == [Click(10, 10)]
