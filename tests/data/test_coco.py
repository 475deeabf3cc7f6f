"""COCO's and LVIS's objects: outlines, runs, and what their JSON holds."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpuformer.data.coco import entries, inside, mask_of, outline
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


@pytest.mark.parametrize("counts", [[1, 2, 3], "c1PQ", [10**400], [float("inf")]])
def test_other_runs_are_refused(counts):
    with pytest.raises(DataError, match="list of numbers"):
        mask_of({"size": list(SIZE), "counts": counts}, SIZE)


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
