"""Where points lie on the canvas, without a browser."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from vpuformer.prompts import Box, Click, Scribble
from vpuwidget.view import View, anchor

SIZES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
PARTS = st.floats(0, 1)


def test_a_photo_twice_as_large():
    view = View.fitted((100, 200), (300, 400))
    assert view.shown == (200, 400) and view.zoom == 2
    assert view.to_canvas(-0.5, -0.5) == (0, 0)  # the image's corner is the canvas's
    assert view.to_canvas(0, 0) == (1, 1)  # the first pixel's centre
    assert view.to_image(400, 200) == (199.499, 99.499)  # just inside
    assert view.window == (0, 0, 200, 100)


@given(SIZES, PARTS, PARTS, st.integers(0, 60))
def test_there_and_back(size, a, b, margin):
    view = View.fitted(size, (480, 640))
    view = View(view.size, view.shown, view.zoom, margin=margin)
    x, y = a * (size[1] - 1), b * (size[0] - 1)
    assert np.allclose(view.to_image(*view.to_canvas(x, y)), (x, y), atol=1e-6)


@given(SIZES, PARTS, PARTS, st.floats(0.2, 6))
@example((1922, 1), 0.5, 0.0, 2.0)  # thinner than a pixel of the canvas
def test_zoom_keeps_the_point_and_shows_only_the_image(size, a, b, factor):
    view = View.fitted(size, (480, 640))
    u, v = a * view.shown[1], b * view.shown[0]
    near = view.zoomed(u, v, 3.0)
    before, after = near.to_image(u, v), near.zoomed(u, v, max(factor, 1)).to_image(u, v)
    filled = np.equal(near.place, near.shown)[::-1]  # a slit of a photo begins at its edge
    assert np.allclose(np.array(before)[filled], np.array(after)[filled], atol=1e-3)
    far = near.zoomed(u, v, factor).moved(factor * 500, -factor * 500)
    left, top, right, bottom = far.window
    assert 0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]
    assert np.allclose(far.zoomed(u, v, 1e-9).window[:2], 0, atol=1e-9)


def test_a_slit_gets_room_to_be_zoomed_into():
    view = View.fitted((200, 2000), (480, 640))
    assert view.shown == (240, 640) and view.place == (64, 640)
    assert view.holds(600, 60) and not view.holds(600, 80)
    assert view.window == (0, 0, 2000, 200)
    near = view.zoomed(320, 32, 4)
    assert near.place == (240, 640) and near.window[3] - near.window[1] == 240 / near.zoom


def test_panning_moves_the_photo_with_the_hand():
    view = View.fitted((300, 400), (480, 640)).zoomed(320, 240, 4)
    x, y = view.to_image(300, 200)
    assert np.allclose(view.moved(20, 10).to_image(320, 210), (x, y))


def test_signs_stand_where_a_prompt_begins():
    assert anchor(Click(3, 4)) == (3, 4)
    assert anchor(Box.from_corners(9, 8, 1, 2)) == (1, 2)
    assert anchor(Scribble([(5, 6), (1, 1)])) == (5, 6)
