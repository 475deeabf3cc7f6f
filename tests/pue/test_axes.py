"""Golden numbers of Eq. 1-3, 5, 6, worked by hand or counted in the paper's own example."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vpuformer.config import PueConfig
from vpuformer.errors import PromptError
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import encode

SIZE = (300, 448)  # H, W
CENTRE = Click(200, 100)


def halves(vector, size=SIZE):
    return vector[: size[1]], vector[size[1] : size[1] + size[0]], vector[sum(size) :]


def sine(step=3):
    return Scribble([(x, 100 + 30 * math.sin(x / 28.65)) for x in range(130, 311, step)])


def test_click_is_one_at_its_own_cell_and_has_nineteen_entries():
    q_h, q_v, q_b = halves(encode([CENTRE], SIZE)[0])
    assert q_h[200] == 1 and q_v[100] == 1
    assert (q_h == 1).sum() == 1 and (q_h > 0).sum() == 19
    assert torch.allclose(q_h[201:204], torch.tensor([0.94596, 0.80074, 0.60653]), atol=1e-5)
    assert q_b.tolist() == [1, 0]


def test_literal_cut_keeps_seven_entries():
    q_h, _, _ = halves(encode([CENTRE], SIZE, PueConfig(cut=1.0))[0])
    assert (q_h > 0).sum() == 7 and q_h[203] == pytest.approx(math.exp(-0.5))


def test_click_is_rounded_to_its_cell():
    moved = encode([Click(199.5, 100.49), Click(200.4, 99.5)], SIZE)
    assert torch.equal(moved[0], moved[1]) and torch.equal(moved[0], encode([CENTRE], SIZE)[0])
    half, whole = encode([Click(200.5, 100.5), Click(201, 101)], SIZE)  # not to the even one
    assert torch.equal(half, whole)


@given(
    x=st.integers(20, 200),
    y=st.integers(20, 150),
    dx=st.integers(0, 200),
    dy=st.integers(0, 100),
)
def test_shifting_the_click_shifts_the_vector(x, y, dx, dy):
    q, moved = (halves(encode([Click(a, b)], SIZE)[0]) for a, b in ((x, y), (x + dx, y + dy)))
    assert torch.equal(torch.roll(q[0], dx), moved[0])
    assert torch.equal(torch.roll(q[1], dy), moved[1])


def test_sign_lives_in_the_last_two_entries_only():
    plus, minus = encode([CENTRE, Click(200, 100, False)], SIZE)
    assert torch.equal(plus[:-2], minus[:-2])
    assert plus[-2:].tolist() == [1, 0] and minus[-2:].tolist() == [0, 1]


@pytest.mark.parametrize(("sign", "tail"), [("bit", [0.0]), ("code3", [0.0, 1.0, 0.0])])
def test_other_sign_codes(sign, tail):
    vector = encode([Click(200, 100, False)], SIZE, PueConfig(sign=sign))[0]
    assert vector[sum(SIZE) :].tolist() == tail


def test_box_fills_itself_and_nothing_else():
    q_h, q_v, _ = halves(encode([Box(200, 100, 120, 60)], SIZE)[0])
    assert (q_h > 0).nonzero()[:, 0].tolist() == list(range(140, 261))
    assert (q_v > 0).nonzero()[:, 0].tolist() == list(range(70, 131))
    assert q_h[140] == pytest.approx(math.exp(-4.5)) and q_h[200] == 1


def test_box_read_literally_loses_itself_and_plateau_does_not():
    literal, _, _ = halves(encode([Box(200, 100, 120, 60)], SIZE, PueConfig(box="fixed"))[0])
    assert (literal > 0).sum() == 0  # Reading R5: the range [0, w_0) misses the centre
    plateau, _, _ = halves(encode([Box(200, 100, 120, 60)], SIZE, PueConfig(box="plateau"))[0])
    assert set(plateau.tolist()) == {0.0, 1.0} and plateau.sum() == 121


def test_box_thinner_than_a_cell_fills_the_one_it_lies_in():
    q_h, q_v, _ = halves(encode([Box(10.48, 20.48, 0.2, 0.2)], SIZE)[0])
    assert q_h.nonzero().tolist() == [[10]] and q_v.nonzero().tolist() == [[20]]
    assert q_h[10] == q_v[20] == pytest.approx(math.exp(-0.5 * 0.48**2))  # sigma is 1 at least


def test_box_read_literally_ends_before_its_width():
    q_h, _, _ = halves(encode([Box(3, 3, 5, 5)], SIZE, PueConfig(box="fixed"))[0])
    assert q_h.nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_scribble_fills_each_column_and_row_it_crosses():
    q_h, q_v, _ = halves(encode([sine()], SIZE)[0])
    assert (q_h > 0).nonzero()[:, 0].tolist() == list(range(130, 311))
    rows = (q_v > 0).nonzero()[:, 0]
    assert rows.tolist() == list(range(int(rows[0]), int(rows[-1]) + 1))
    assert q_h[q_h > 0].min() >= 0.0109 and q_h.max() <= 1


def test_scribble_read_literally_loses_most_columns():
    q_h, _, _ = halves(encode([sine()], SIZE, PueConfig(scribble="fixed", cut=1.0))[0])
    assert 20 <= (q_h > 0).sum() <= 40  # of 181


def test_one_vertex_and_straight_strokes_have_entries():
    dot, level, upright = encode(
        [Scribble([(50, 60)]), Scribble([(10, 60), (30, 60)]), Scribble([(50, 20), (50, 80)])],
        SIZE,
    )
    assert torch.equal(encode([Scribble([(50, 60)])], SIZE)[0], dot)  # alone, and beside others
    assert (halves(dot)[0] > 0).sum() == 1 and (halves(dot)[1] > 0).sum() == 1
    assert (halves(level)[0] == 1).sum() == 21 and (halves(level)[1] > 0).sum() == 1
    assert (halves(upright)[0] > 0).sum() == 1 and (halves(upright)[1] == 1).sum() == 61


def every_column(points, length):
    """The median crossing of each column, segment by segment: the slow form."""
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    found = [[] for _ in range(length)]
    for column in range(max(0, math.floor(low + 0.5)), min(length - 1, math.floor(high + 0.5)) + 1):
        at = min(max(column, low), high)
        for (xa, ya), (xb, yb) in pairwise([*points, points[-1]]):
            if min(xa, xb) <= at <= max(xa, xb) and (xa, ya) != (xb, yb):
                t = 0.5 if xa == xb else (at - xa) / (xb - xa)
                found[column].append(ya + t * (yb - ya))
    return [sorted(ys)[(len(ys) - 1) // 2] if ys else None for ys in found]


spots = st.tuples(st.integers(-40, 260), st.integers(2, 186))  # quarters of a cell


@settings(deadline=None)
@given(st.lists(spots, min_size=2, max_size=9, unique=True))
def test_scribbles_equal_the_slow_form(corners):
    points = [(x / 4, y / 4) for x, y in corners]
    q_h = encode([Scribble(points)], (48, 56))[0, :56]
    ys = [y for _, y in points]
    top, bottom = (math.floor(y + 0.5) for y in (min(ys), max(ys)))
    sigma = max((bottom - top + 1) / 3, 1)
    for value, y in zip(q_h.tolist(), every_column(points, 56), strict=True):
        if y is None:
            assert value == 0
        else:
            d = min(max(y, top), bottom) - top
            assert value == pytest.approx(math.exp(-0.5 * (d / sigma) ** 2), abs=1e-5)


def test_what_lies_outside_the_picture_says_nothing():
    """A stroke that turns back above the picture is the same as one that stops at its edge."""
    inside = ((10, 30), (50, 30), (50, 0))
    beyond = (*inside[:2], (50, -5), (10, -5))
    ends, turns = (halves(encode([Scribble(points)], (60, 70))[0]) for points in (inside, beyond))
    assert (turns[0][10:51] > 0).all() and torch.equal(ends[0] > 0, turns[0] > 0)
    assert torch.equal(ends[1] > 0, turns[1] > 0)


@pytest.mark.parametrize(("y", "seen"), [(-0.6, 0), (-0.4, 21), (59.4, 21), (59.6, 0)])
def test_the_picture_ends_half_a_cell_beyond_its_last_row(y, seen):
    q_h = encode([Scribble([(10, y), (30, y)])], (60, 70))[0, :70]
    assert (q_h == 1).sum() == (q_h > 0).sum() == seen


def test_a_stroke_is_measured_by_what_lies_in_the_picture():
    above, below = encode(
        [Scribble([(10, 30), (50, 30), (50, -5)]), Scribble([(10, 50), (50, 30), (50, 75)])],
        (60, 70),
    )
    assert above[10] == pytest.approx(math.exp(-0.5 * (30 / (31 / 3)) ** 2))  # rows 0 to 30
    assert below[10] == pytest.approx(math.exp(-0.5 * (20 / (30 / 3)) ** 2))  # rows 30 to 59


def test_a_random_point_may_be_either_of_two():
    bend = Scribble([(10, 10), (40, 20), (10, 30)])  # column 20: 13.3 and 26.7
    config, sigma = PueConfig(scribble_point="random"), 21 / 3
    draws = (torch.Generator().manual_seed(seed) for seed in range(12))
    found = {round(encode([bend], SIZE, config, generator=g)[0, 20].item(), 3) for g in draws}
    assert found == {round(math.exp(-0.5 * (d / sigma) ** 2), 3) for d in (10 / 3, 50 / 3)}


def test_random_points_need_the_generator_only():
    zigzag = Scribble([(10, 10), (60, 90), (12, 50), (70, 20)])
    config = PueConfig(scribble_point="random")
    a, b = (
        encode([zigzag], SIZE, config, generator=torch.Generator().manual_seed(3)) for _ in "ab"
    )
    c = encode([zigzag], SIZE, config, generator=torch.Generator().manual_seed(4))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_visual_distance_needs_the_image_and_product_floods_flat_ground():
    with pytest.raises(PromptError, match="needs the image: give"):
        encode([CENTRE], SIZE, PueConfig(visual="product"))
    flat = torch.full((3, *SIZE), 0.5)
    product = halves(encode([CENTRE], SIZE, PueConfig(visual="product"), flat)[0])[0]
    assert (product == 1).sum() == 448  # Reading R2: the click's place is gone
    step = flat.clone()
    step[:, :, 203:] = 0.9
    bilateral = halves(encode([CENTRE], SIZE, PueConfig(visual="bilateral"), step)[0])[0]
    assert (bilateral == 1).sum() == 1 and bilateral[203] < 1e-5 < bilateral[197]


def test_no_prompts_is_an_empty_matrix():
    assert encode([], SIZE).shape == (0, 750)


def test_visual_distance_is_read_off_the_row_and_the_column_of_the_click():
    image = torch.zeros(3, 8, 24)
    image[:, 3, 19] = image[:, 5, 21] = torch.tensor([42, 56, 0]) / 255  # 70 grey levels, Eq. 2
    config = PueConfig(visual="bilateral")
    q_h, q_v, _ = halves(encode([Click(20.6, 3)], (8, 24), config, image)[0], (8, 24))
    other = math.exp(-0.5 * (70 / 20) ** 2)
    assert q_h[19] == pytest.approx(math.exp(-0.5 * 4 / 9) * other)  # two left of column 21
    assert q_v[5] == pytest.approx(math.exp(-0.5 * 4 / 9) * other)  # two below row 3
    assert q_h[21] == q_v[3] == 1 and q_h[22] == pytest.approx(math.exp(-0.5 / 9))
