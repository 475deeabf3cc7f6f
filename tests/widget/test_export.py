"""Exports: run lengths, polygons, COCO, labels, cut-outs, archives; each read back."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from small import CONFIG

from vpuformer.data.coco import from_rle, to_rle
from vpuformer.data.samples import read_labels
from vpuformer.drawing import palette
from vpuformer.errors import DataError, read_json
from vpuformer.model import build
from vpuformer.widget.export import (
    KINDS,
    coco,
    exported,
    polygons,
    save,
)
from vpuformer.widget.session import Session

H, W = SIZE = (30, 44)
IMAGE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
MODEL = build(CONFIG).eval()
MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


def session():
    painted = Session(IMAGE, MODEL, precision="float32")
    painted.rename(1, "cup")
    painted.paint([(10, 10), (20, 10)], 4)
    painted.add_object("cup")
    painted.paint([(30, 20)], 5)
    painted.add_object("nothing")
    painted.select(1)
    return painted


def area(ring):
    x, y = np.array(ring).T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def inside(ring, x, y):
    """Whether (x, y) lies in a ring: edges to its right crossed an odd number of times."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y0 > y) != (y1 > y):
            crossings += x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return crossings % 2 == 1


def filled(parts, size):
    mask = np.zeros(size, int)
    for y, x in np.ndindex(size):
        for part in parts:
            in_hole = any(inside(hole, x, y) for hole in part["holes"])
            mask[y, x] += inside(part["outer"], x, y) and not in_hole
    return mask


def test_run_lengths_by_hand():
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)  # columns: 00 10 11
    assert to_rle(mask) == {"size": [2, 3], "counts": [2, 1, 1, 2]}
    assert to_rle(~mask) == {"size": [2, 3], "counts": [0, 2, 1, 1, 2]}
    assert to_rle(np.zeros((2, 3), bool)) == {"size": [2, 3], "counts": [6]}
    assert to_rle(np.ones((2, 3), bool)) == {"size": [2, 3], "counts": [0, 6]}


@given(MASKS)
def test_run_lengths_come_back(mask):
    rle = json.loads(json.dumps(to_rle(mask)))
    assert sum(rle["counts"]) == mask.size
    assert np.array_equal(from_rle(rle), mask)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": [2, 3], "counts": [2, 1]},
        {"size": [2, 3], "counts": [7, -1]},
        {"size": [2], "counts": [2]},
        {"size": [2, 3], "counts": "abc"},
        {"size": [2, 3], "counts": [10**15]},
        {"counts": [6]},
        None,
    ],
)
def test_wrong_run_lengths_are_refused(wrong):
    with pytest.raises(DataError, match="Run lengths"):
        from_rle(wrong)


def test_polygons_by_hand():
    mask = np.zeros((5, 7), bool)
    mask[1:4, 1:4] = True
    mask[2, 2] = False
    mask[4, 6] = True
    ring, pixel = sorted(polygons(mask), key=lambda part: -area(part["outer"]))
    assert sorted(map(tuple, ring["outer"])) == [(0.5, 0.5), (0.5, 3.5), (3.5, 0.5), (3.5, 3.5)]
    (hole,) = ring["holes"]
    assert sorted(map(tuple, hole)) == [(1.5, 1.5), (1.5, 2.5), (2.5, 1.5), (2.5, 2.5)]
    assert area(pixel["outer"]) == 1 and pixel["holes"] == []
    assert polygons(np.zeros((4, 6), bool)) == []


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_polygons_hold_exactly_the_mask(mask):
    parts = polygons(mask)
    assert np.array_equal(filled(parts, mask.shape), mask)
    areas = [area(p["outer"]) - sum(map(area, p["holes"])) for p in parts]
    assert sum(areas) == mask.sum()
    for part in parts:
        for ring in (part["outer"], *part["holes"]):
            edges = np.diff(np.array([*ring, ring[0]]), axis=0)
            assert ((edges == 0).sum(1) == 1).all()  # along pixel edges, no point for nothing


def test_coco_by_hand():
    first, empty = np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    first[1:3, 2:6] = True
    record = coco([first, empty, ~first], ["cup", "dog", "cup"], "a.jpg")
    assert record["images"] == [{"id": 1, "file_name": "a.jpg", "width": 6, "height": 4}]
    one, two = record["annotations"]
    assert (one["id"], one["area"], one["bbox"], one["iscrowd"]) == (1, 8, [2, 1, 4, 2], 0)
    assert (two["id"], two["area"], two["bbox"]) == (2, 16, [0, 0, 6, 4])
    names = {kind["id"]: kind["name"] for kind in record["categories"]}
    assert names[one["category_id"]] == names[two["category_id"]] == "cup"
    assert np.array_equal(from_rle(two["segmentation"]), ~first)


def opened(data):
    return Image.open(io.BytesIO(data))


def test_cut_outs_are_transparent_outside_the_mask():
    painted = session()
    whole = np.asarray(opened(exported("cutout", painted)))
    assert whole.shape == (*SIZE, 4)
    assert np.array_equal(whole[..., 3] == 255, painted.mask)
    assert np.array_equal(whole[..., :3], IMAGE)
    trimmed = np.asarray(opened(exported("cropped", painted)))
    rows, columns = np.nonzero(painted.mask)
    assert np.array_equal(
        trimmed, whole[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    )


def test_masks_and_labels_are_read_back_by_the_data_room(tmp_path):
    painted = session()
    mask = read_labels(save(tmp_path / "new" / "mask.png", exported("mask", painted)))
    assert np.array_equal(mask, painted.mask * np.uint8(255))
    file = save(tmp_path / "labels.png", exported("labels", painted))
    assert np.array_equal(read_labels(file), painted.labels())
    assert set(np.unique(painted.labels())) == {0, 1, 2}
    shown = np.asarray(Image.open(file).convert("RGB"))
    assert shown[10, 10].tolist() == list(palette.rgb(painted.objects[0].colour))
    assert shown[0, 0].tolist() == [0, 0, 0]


def test_other_kinds_are_read_back():
    painted = session()
    archive = np.load(io.BytesIO(exported("numpy", painted)))
    assert {name: archive[name].sum() for name in archive} == {
        f"object_{n}": mask.sum() for n, mask in painted.masks().items()
    }
    assert archive["object_2"].dtype == bool
    record = json.loads(exported("coco", painted))
    assert record["images"][0]["file_name"] == "image" and len(record["annotations"]) == 2
    shapes = json.loads(exported("polygons", painted))
    assert [shape["name"] for shape in shapes] == ["cup", "cup", "nothing"]
    assert np.array_equal(filled(shapes[1]["parts"], SIZE), painted.masks()[2])
    assert json.loads(exported("session", painted)) == painted.to_json()


def test_a_coco_file_names_the_photo(tmp_path):
    path = tmp_path / "cup.png"
    Image.fromarray(IMAGE).save(path)
    fresh = Session(path, MODEL)
    for begun in (
        fresh,
        Session(str(path), MODEL),
        Session.from_json(fresh.to_json(), path, MODEL),
    ):
        record = json.loads(exported("coco", begun))
        assert record["images"][0]["file_name"] == "cup.png"


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_session_can_be_exported(kind):
    assert exported(kind, Session(IMAGE, MODEL))


def test_an_unknown_kind_is_refused():
    with pytest.raises(DataError, match="cutout, cropped"):
        exported("gif", session())


def test_files_are_whole_or_not_there(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(DataError, match="taken"):
        save(tmp_path / "taken", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
    (tmp_path / "bad.json").write_bytes(b"\xff{")
    with pytest.raises(DataError, match=r"bad\.json"):
        read_json(tmp_path / "bad.json")
