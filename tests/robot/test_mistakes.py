import cv2
import numpy as np
import pytest
from scipy import ndimage

from vpuformer.errors import DataError
from vpuformer.robot.mistakes import depth, find_mistakes, largest_error


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_mistakes_by_hand():
    gt = np.array([[1, 1, 0, 0], [1, 0, 0, 1]], bool)
    pred = np.array([[1, 0, 1, 0], [0, 0, 1, 0]], bool)
    ignore = np.array([[0, 0, 0, 0], [1, 0, 1, 0]], bool)
    mistakes = find_mistakes(gt, pred, ignore)
    assert mistakes.missed.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]
    assert mistakes.surplus.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert not mistakes.is_empty
    assert find_mistakes(gt, gt).is_empty
    assert find_mistakes(gt, pred, np.ones_like(gt)).is_empty


def test_depth_is_exact_and_the_border_is_outside(rng):
    for _ in range(20):
        mask = rng.random((17, 23)) < 0.8
        exact = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        assert np.array_equal(depth(mask), exact.astype(np.float32))
    assert depth(np.ones((5, 9), bool)).max() == 3


def test_depth_leaves_opencv_as_it_was():
    if not hasattr(cv2, "ipp"):
        pytest.skip("this OpenCV has no IPP switch")
    before = cv2.ipp.useIPP()
    depth(np.ones((3, 4), bool))
    assert cv2.ipp.useIPP() == before


def test_the_largest_piece_wins():
    gt, pred = np.zeros((2, 20, 30), bool)
    gt[2:6, 2:6] = True  # missed, 16
    gt[6, 6] = True  # touches by a corner: 17 in all
    pred[10:14, 20:24] = True  # surplus, 16
    pred[19, 0] = True  # surplus, 1: too small to be merged
    region = largest_error(find_mistakes(gt, pred))
    assert region is not None and region.positive
    assert np.array_equal(region.pixels, gt) and np.array_equal(region.merged, gt)
    gt[6, 6] = False
    region = largest_error(find_mistakes(gt, pred))
    assert region is not None and not region.positive  # a tie is surplus
    assert region.merged.sum() == region.pixels.sum() == 16


def test_large_pieces_of_one_kind_are_merged():
    gt = np.zeros((20, 30), bool)
    gt[2:12, 2:6] = gt[2:12, 20:26] = True
    gt[18, 18] = True
    region = largest_error(find_mistakes(gt, np.zeros_like(gt)))
    assert region is not None
    assert region.pixels.sum() == 60 and region.merged.sum() == 100


def test_nothing_wrong():
    gt = np.eye(4, 6, dtype=bool)
    assert largest_error(find_mistakes(gt, gt)) is None


def test_shapes_must_agree():
    with pytest.raises(DataError, match=r"expected one .H, W"):
        find_mistakes(np.zeros((4, 5), bool), np.zeros((5, 4), bool))
