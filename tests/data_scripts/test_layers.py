"""Objects of COCO and LVIS on few label maps: twins once, parts apart, seams void."""

import numpy as np
from layers import TOUCH, layers, without_twins

SIZE = (13, 17)  # H, W


def box(x0, y0, x1, y1, size=SIZE):
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True  # row = y
    return mask


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
