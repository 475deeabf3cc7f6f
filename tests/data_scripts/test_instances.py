"""COCO's and LVIS's objects: outlines, runs, twins, layers, and a JSON read piece by piece."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import TOUCH, entries, inside, layers, mask_of, outline, without_twins

from vpuformer.errors import DataError

SIZE = (13, 17)  # H, W
corners = st.lists(st.tuples(st.integers(-20, 200), st.integers(-20, 160)), min_size=3, max_size=7)


def box(x0, y0, x1, y1, size=SIZE):
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True  # row = y
    return mask


def is_inside(x, y, polygon):
    """A ray to the left crosses the outline an odd number of times."""
    odd = False
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x:
            odd = not odd
    return odd


@given(corners)
def test_an_outline_holds_the_pixels_whose_centre_lies_in_it(points):
    # No edge meets a centre, where a tie would be a coin toss: these offsets share no unit.
    polygon = np.array(points) / 10 + np.sqrt([2, 3]) / 100
    mask = inside(polygon, SIZE)
    slow = [
        [is_inside(x + 0.5, y + 0.5, polygon.tolist()) for x in range(SIZE[1])]
        for y in range(SIZE[0])
    ]
    assert np.array_equal(mask, slow)


def test_coordinates_are_edges_of_pixels():
    assert np.array_equal(inside(np.array([[3, 2], [8, 2], [8, 6], [3, 6]]), SIZE), box(3, 2, 8, 6))
    everything = np.array([[-9, -9], [99, -9], [99, 99], [-9, 99]])
    assert inside(everything, SIZE).all()


def test_parts_are_joined_and_runs_go_down_the_columns():
    parts = [[0, 0, 2, 0, 2, 2, 0, 2], [5, 5, 7, 5, 7, 9, 5, 9]]
    assert np.array_equal(mask_of(outline(parts), SIZE), box(0, 0, 2, 2) | box(5, 5, 7, 9))
    runs = {"size": list(SIZE), "counts": [13 * 4 + 2, 5, 8, 5, 13 * 11 + 6]}
    assert np.array_equal(mask_of(outline(runs), SIZE), box(4, 2, 6, 7))


@pytest.mark.parametrize("counts", [[1, 2, 3], "c1PQ"])
def test_other_runs_are_refused(counts):
    with pytest.raises(DataError, match="list of numbers"):
        mask_of({"size": list(SIZE), "counts": counts}, SIZE)


def test_the_same_object_of_two_sets_is_taken_once():
    kept, again, new = box(2, 2, 10, 10), box(3, 2, 10, 10), box(9, 9, 13, 13)
    found = without_twins([kept], [again, new])
    assert len(found) == 2 and found[0] is kept and found[1] is new
    assert without_twins([], [new]) == [new] and without_twins([kept], []) == [kept]


def test_a_part_on_a_whole_takes_a_map_of_its_own():
    whole, part, beside = box(0, 0, 10, 10), box(3, 3, 6, 6), box(12, 0, 16, 8)
    maps, left = layers([part, beside, whole], np.zeros(SIZE, bool))
    assert left == 0 and len(maps) == 2
    assert np.array_equal(maps[0] == 1, whole) and np.array_equal(maps[0] == 2, beside)
    assert np.array_equal(maps[1] == 1, part)


def test_touching_objects_share_a_map_and_the_seam_is_void():
    size = (40, 60)
    a, b = box(0, 0, 30, 40, size), box(29, 0, 58, 40, size)
    assert 0 < (a & b).sum() <= TOUCH * b.sum()
    (labels,), left = layers([a, b], box(50, 0, 60, 40, size))
    assert left == 0 and np.array_equal(labels == 1, a & ~b)
    assert np.array_equal(labels == 255, a & b | box(58, 0, 60, 40, size))


def test_what_finds_no_place_is_counted():
    nested = [box(0, 0, n, n) for n in range(5, 12)]
    maps, left = layers(nested, np.zeros(SIZE, bool))
    assert len(maps) == 4 and left == 3
    assert layers([], np.ones(SIZE, bool)) == ([], 0)


def test_a_map_holds_254_objects_and_no_more():
    cells = [box(x, y, x + 1, y + 1, (20, 20)) for x in range(20) for y in range(15)]
    maps, left = layers(cells, np.zeros((20, 20), bool))
    assert left == 0 and [int(m.max()) for m in maps] == [254, 46]


@pytest.mark.parametrize("indent", [None, 1])
def test_entries_are_those_of_the_whole_file(indent):
    content = {
        "info": {"images": [1, 2]},
        "images": [{"id": 1, "name": 'a "], quote'}, {"id": 2}],
        "none": [],
        "word": "annotations",
        "annotations": [{"segmentation": [[1.5, 2, 3e2]], "id": 7}],
    }
    found = list(entries(json.dumps(content, indent=indent)))
    lists = {key: value for key, value in content.items() if isinstance(value, list)}
    assert found == [(key, element) for key, value in lists.items() for element in value]


@pytest.mark.parametrize("keep", [0, 1, 30, 60])
def test_a_file_that_breaks_off_is_named(keep):
    text = json.dumps({"images": [{"id": i} for i in range(9)]})
    with pytest.raises(DataError, match="not whole"):
        list(entries(text[:keep]))
