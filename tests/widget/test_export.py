"""What leaves a session comes back the same."""

import json
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from vpuformer.errors import DataError, ImageError
from vpuformer.widget import export

masks = st.tuples(st.integers(1, 13), st.integers(1, 17)).flatmap(lambda s: arrays(bool, s))


def ring_and_dot():
    mask = np.zeros((30, 44), bool)
    mask[4:24, 5:30] = True
    mask[10:16, 12:20] = False
    mask[12:14, 15:17] = True
    mask[26:29, 36:43] = True
    return mask


@given(masks)
@settings(deadline=None, max_examples=60)
def test_run_lengths_come_back(mask):
    rle = json.loads(json.dumps(export.to_rle(mask)))
    np.testing.assert_array_equal(export.from_rle(rle), mask)


def test_run_lengths_by_hand():
    # Columns of a 3 x 2 mask: 0 1 1 | 1 0 0 -> runs 1, 3, 2.
    mask = np.array([[0, 1], [1, 0], [1, 0]], bool)
    assert export.to_rle(mask) == {"size": [3, 2], "counts": "132"}
    plain = {"size": [3, 2], "counts": [1, 3, 2]}
    np.testing.assert_array_equal(export.from_rle(plain), mask)


def test_long_runs_take_several_letters_and_falling_runs_are_negative():
    # 100 = 3 * 32 + 4 -> 'T3'; from the fourth run on the difference to two runs ago is kept.
    assert export._packed([100]) == "T3"
    assert export._packed([5, 7, 3, 2]) == "573K"  # 2 - 7 = -5
    assert export._unpacked("573K") == [5, 7, 3, 2]


@pytest.mark.parametrize(
    "rle", [{}, {"size": [2, 2], "counts": [3]}, {"size": [2, 2], "counts": "o"}]
)
def test_torn_run_lengths_are_refused(rle):
    with pytest.raises(DataError):
        export.from_rle(rle)


@given(masks)
@settings(deadline=None, max_examples=60)
def test_polygons_come_back_with_holes_and_parts(mask):
    parts = json.loads(json.dumps(export.to_polygons(mask)))
    np.testing.assert_array_equal(export.from_polygons(parts, mask.shape), mask)


def test_a_ring_is_one_part_with_one_hole():
    parts = export.to_polygons(ring_and_dot())
    assert [len(p["holes"]) for p in parts] == [1, 0, 0]
    np.testing.assert_array_equal(export.from_polygons(parts, (30, 44)), ring_and_dot())


def test_coco_record():
    mask = ring_and_dot()
    record = export.to_coco([mask, ~mask, mask & False], ["cup", "rest", "none"], mask.shape)
    assert [a["category_id"] for a in record["annotations"]] == [1, 2]
    first = record["annotations"][0]
    assert first["bbox"] == [5, 4, 38, 25] and first["area"] == mask.sum()
    np.testing.assert_array_equal(export.from_rle(first["segmentation"]), mask)
    assert record["images"][0]["width"] == 44 and record["images"][0]["height"] == 30


def test_label_map_numbers_objects_in_order():
    mask = ring_and_dot()
    labels = export.label_map([np.ones_like(mask), mask], mask.shape)
    assert set(np.unique(labels)) == {1, 2} and (labels == 2).sum() == mask.sum()
    with pytest.raises(ImageError, match="255 objects"):
        export.label_map([mask] * 255, mask.shape)


def pixels(path):
    with Image.open(path) as file:
        return np.array(file)


class Held:
    image = np.random.default_rng(0).integers(0, 256, (30, 44, 3), dtype=np.uint8)
    size, mask = (30, 44), ring_and_dot()
    masks: ClassVar = {1: ring_and_dot(), 3: ~ring_and_dot()}
    items: ClassVar = [type("Item", (), {"name": n})() for n in ("cup", "rest")]


def test_every_kind_is_written_and_reads_back(tmp_path):
    paths = {k: export.write(Held, k, tmp_path / "out" / f"{k}.png") for k in export.KINDS}
    rgba = pixels(paths["cutout"])
    np.testing.assert_array_equal(rgba[..., 3] > 0, Held.mask)
    np.testing.assert_array_equal(rgba[..., :3], Held.image)
    assert pixels(paths["cropped"]).shape == (25, 38, 4)
    np.testing.assert_array_equal(pixels(paths["mask"]) == 255, Held.mask)
    assert set(np.unique(pixels(paths["labels"]))) == {1, 2}
    np.testing.assert_array_equal(np.load(paths["numpy"])[1], ~Held.mask)
    assert len(json.loads(paths["coco"].read_text())["annotations"]) == 2
    assert not list(tmp_path.rglob("*.tmp"))
    with pytest.raises(DataError, match="Expected one of"):
        export.write(Held, "tiff", tmp_path / "x")
