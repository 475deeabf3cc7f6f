"""Prompts: golden numbers, round trips, refusals."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpuformer.errors import PromptError
from vpuformer.prompts import (
    Box,
    Click,
    Prediction,
    Scribble,
    check_inside,
    kind_of,
    of_sign,
    prompt_from_json,
    rescale,
)

SIZE = (60, 80)  # H, W
number = st.floats(-1e4, 1e4, allow_nan=False)
side = st.floats(1e-3, 1e4)
clicks = st.builds(Click, number, number, st.booleans())
boxes = st.builds(Box, number, number, side, side, st.booleans())
scribbles = st.builds(
    Scribble, st.lists(st.tuples(number, number), min_size=1, max_size=9), st.booleans()
)
prompts = st.one_of(clicks, boxes, scribbles)


@pytest.mark.parametrize(
    ("value", "old", "new", "expected"),
    [
        (0, 10, 20, 0.5),
        (9, 10, 20, 18.5),
        (-0.5, 7, 448, -0.5),
        (0, 4, 1, -0.375),
        (3, 8, 8, 3),
    ],
)
def test_rescale_golden(value, old, new, expected):
    assert rescale(value, old, new) == expected


def test_rescale_keeps_the_far_edge_and_takes_arrays():
    assert rescale(99.5, 100, 448) == pytest.approx(447.5)
    np.testing.assert_array_equal(rescale(np.array([0.0, 1.0]), 2, 4), [0.5, 2.5])


@given(value=number, old=st.integers(1, 5000), new=st.integers(1, 5000))
def test_rescale_there_and_back(value, old, new):
    assert rescale(rescale(value, old, new), new, old) == pytest.approx(value, abs=1e-6, rel=1e-9)


@given(prompts)
def test_json_round_trip(prompt):
    assert prompt_from_json(json.loads(json.dumps(prompt.to_json()))) == prompt


@given(prompts, st.tuples(st.integers(1, 900), st.integers(1, 900)))
def test_rescaled_there_and_back(prompt, new):
    back = prompt.rescaled(SIZE, new).rescaled(new, SIZE)
    assert back.positive is prompt.positive and type(back) is type(prompt)
    assert back.bounds == pytest.approx(prompt.bounds, abs=1e-6, rel=1e-9)


@given(prompts, number, number)
def test_moved_shifts_the_bounds(prompt, dx, dy):
    expected = [b + d for b, d in zip(prompt.bounds, (dx, dy, dx, dy), strict=True)]
    assert prompt.moved(dx, dy).bounds == pytest.approx(expected, abs=1e-6)


def test_axes_are_not_swapped():
    assert Click(10, 20).rescaled((100, 200), (100, 400)) == Click(20.5, 20)
    assert Box(10, 20, 4, 6).rescaled((100, 200), (200, 200)) == Box(10, 40.5, 4, 12)
    assert Scribble([(1, 2)]).moved(5, 0) == Scribble([(6, 2)])


def test_box_constructors():
    assert Box.from_corners(10, 30, 4, 6).bounds == (4, 6, 10, 30)
    box = Box.from_pixels(2, 3, 5, 3)
    assert (box.w, box.h) == (4, 1) and box.bounds == (1.5, 2.5, 5.5, 3.5)
    with pytest.raises(PromptError, match="backwards"):
        Box.from_pixels(5, 0, 2, 3)


@pytest.mark.parametrize(("x", "pixel"), [(0.49, 0), (0.5, 1), (-0.5, 0), (2.51, 3)])
def test_own_pixel(x, pixel):
    assert Click(x, 7).pixel == (pixel, 7)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Click(math.nan, 1),
        lambda: Click(math.inf, 1),
        lambda: Click(10**400, 1),
        lambda: Click("left", 1),
        lambda: Box.from_corners(5, 5, 1e20, 1e20),
        lambda: Click(1, 2, positive="no"),
        lambda: Box(1, 2, 0, 3),
        lambda: Box(1, 2, 3, -1),
        lambda: Scribble([]),
        lambda: Scribble(5),
        lambda: Scribble([(1, 2, 3)]),
        lambda: prompt_from_json({"kind": "lasso"}),
        lambda: prompt_from_json({"kind": "click", "x": 1}),
        lambda: prompt_from_json([1, 2]),
        lambda: kind_of("click"),
    ],
)
def test_refused(make):
    with pytest.raises(PromptError):
        make()


def test_errors_say_what_to_do():
    with pytest.raises(PromptError, match=r"w = 0\. Give two different"):
        Box.from_corners(3, 1, 3, 9)


@pytest.mark.parametrize(
    ("prompt", "inside"),
    [
        (Click(-0.5, -0.5), True),
        (Click(79.49, 59.49), True),
        (Click(79.5, 0), False),
        (Click(0, 59.5), False),
        (Click(-0.51, 0), False),
        (Box(-10, 10, 19.1, 5), True),
        (Box(-10, 10, 18.9, 5), False),
        (Scribble([(-5, 5), (3, 3)]), True),
        (Scribble([(-5, 30), (200, 30)]), False),
    ],
)
def test_check_inside(prompt, inside):
    if inside:
        check_inside(prompt, SIZE)
    else:
        with pytest.raises(PromptError, match="80 wide and 60 high"):
            check_inside(prompt, SIZE)


def test_values_do_not_change():
    with pytest.raises(AttributeError):
        Click(1, 2).x = 3


def test_of_sign_keeps_order():
    a, b, c = Click(1, 1), Click(2, 2, positive=False), Box(1, 1, 2, 2)
    assert of_sign([a, b, c], True) == [a, c] and of_sign([a, b, c], False) == [b]


def test_prediction_is_computed_once_and_on_demand():
    calls = []

    def prob():
        calls.append(1)
        return np.array([[0.2, 0.5, 0.7]])

    prediction = Prediction(prob)
    assert not calls
    assert prediction.mask.tolist() == [[False, False, True]]
    assert prediction.prob.dtype == np.float32 and len(calls) == 1
