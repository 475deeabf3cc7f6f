import numpy as np
import pytest

from vpuformer.drawing import palette
from vpuformer.drawing.overlay import outlines, overlay
from vpuformer.errors import ImageError
from vpuformer.prompts import Box, Click, Scribble

H, W = 60, 90


@pytest.fixture
def grey():
    return np.full((H, W, 3), 128, np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((H, W), bool)
    mask[10:30, 20:70] = True
    return mask


def near(pixel, colour, within=6):
    return np.abs(pixel.astype(int) - palette.rgb(colour)).max() <= within


def area(mask, path):
    x, y = np.array(path).T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def test_nothing_to_draw_leaves_the_photo(grey):
    out = overlay(grey)
    assert out.dtype == np.uint8 and out.shape == grey.shape
    assert (out == grey).all() and out is not grey


def test_the_image_is_not_changed(grey, mask):
    before = grey.copy()
    overlay(grey, mask, prompts=[Click(40, 20)], gt_mask=mask, errors=True)
    assert (grey == before).all()


def test_mask_is_yellow_at_45_percent(grey, mask):
    out = overlay(grey, mask)
    expected = 128 * 0.55 + np.array(palette.rgb(palette.MASK)) * 0.45
    assert np.abs(out[20, 40] - expected).max() <= 1
    assert (out[50, 40] == 128).all()


def test_mask_has_a_dark_outline(grey, mask):
    out = overlay(grey, mask)
    assert out[20, 19:21].max() < 110  # between the pixels 19 and 20
    assert (out[20, 15] == 128).all()


@pytest.mark.parametrize("positive", [True, False])
def test_a_mark_has_its_colour_and_shape(grey, positive):
    out = overlay(grey, prompts=[Click(45, 30, positive)])
    colour = palette.POSITIVE if positive else palette.NEGATIVE
    found = np.all(np.abs(out.astype(int) - palette.rgb(colour)) <= 6, -1)
    assert found.sum() > 15
    assert near(out[30, 45], palette.PAPER)  # + and × meet in the middle
    on_axis, on_diagonal = out[30, 48], out[32, 47]
    assert bool(on_axis.min() > on_diagonal.min()) is positive
    corner = out[25, 40]  # inside the square, outside the disc
    assert bool(near(corner, palette.PAPER, 70)) is not positive


def test_signs_differ_by_more_than_colour(grey):
    plus = overlay(grey, prompts=[Click(45, 30)]).mean(-1)
    cross = overlay(grey, prompts=[Click(45, 30, False)]).mean(-1)
    assert np.abs(plus - cross).max() > 60


def test_x_is_the_column(grey):
    out = overlay(grey, prompts=[Click(70, 15)])
    changed = np.argwhere((out != grey).any(-1))
    assert np.allclose(changed.mean(0), (15, 70), atol=0.3)


def test_box_and_scribble_are_drawn_where_they_lie(grey):
    out = overlay(grey, prompts=[Box.from_corners(20, 12, 80, 50, positive=False)])
    assert near(out[50, 60], palette.NEGATIVE, 30) and (out[30, 60] == 128).all()
    out = overlay(grey, prompts=[Scribble([(10, 10), (80, 10), (80, 50)])])
    assert near(out[10, 50], palette.POSITIVE) and near(out[40, 80], palette.POSITIVE)
    assert near(out[13, 50], palette.PAPER, 60) and (out[20, 50] == 128).all()


def test_a_scribble_of_one_vertex_is_a_mark(grey):
    one = overlay(grey, prompts=[Scribble([(45, 30)])])
    assert (one == overlay(grey, prompts=[Click(45, 30)])).mean() > 0.98


def test_errors_are_hatched(grey, mask):
    truth = np.roll(mask, 20, 1)
    out = overlay(grey, mask, gt_mask=truth, errors=True)
    excess, missed = out[14:26, 24:36].reshape(-1, 3), out[14:26, 74:86].reshape(-1, 3)
    assert any(near(p, palette.EXCESS) for p in excess)
    assert not any(near(p, palette.MISSED) for p in excess)
    assert any(near(p, palette.MISSED) for p in missed)


def test_truth_is_dashed(grey, mask):
    out = overlay(grey, gt_mask=mask)
    top = out[9:11, 25:65].mean(axis=(0, 2))
    assert (top > 150).any() and (np.abs(top - 128) < 3).any()


def test_scale_enlarges_the_picture_and_keeps_places(grey, mask):
    out = overlay(grey, mask, prompts=[Click(70, 45)], scale=2.0)
    assert out.shape == (2 * H, 2 * W, 3)
    changed = np.argwhere((out[80:] != 128).any(-1)) + np.array([80, 0])
    assert np.allclose(changed.mean(0), (45.5 * 2 - 0.5, 70.5 * 2 - 0.5), atol=0.4)


def test_outlines_enclose_the_area():
    mask = np.zeros((H, W), bool)
    mask[10:30, 20:70] = True
    mask[15:20, 30:40] = False
    paths = outlines(mask)
    sizes = sorted(area(mask, path) for path in paths)
    assert len(paths) == 2
    assert sizes == [pytest.approx(50 - 0.5), pytest.approx(1000 - 0.5)]
    assert outlines(np.zeros((4, 7), bool)) == []


def test_outlines_of_touching_corners_close():
    mask = np.zeros((4, 6), bool)
    mask[1, 1] = mask[2, 2] = True
    assert sum(len(path) for path in outlines(mask)) == 8


def test_grey_pictures_are_welcome_and_others_are_not(mask):
    assert overlay(np.zeros((H, W), np.uint8), mask).shape == (H, W, 3)
    with pytest.raises(ImageError, match="expected uint8"):
        overlay(np.zeros((H, W, 3)))
    with pytest.raises(ImageError, match=r"The mask is \(90, 60\)"):
        overlay(np.zeros((H, W, 3), np.uint8), mask.T)
