"""The head learns from clicks: how far each tells, the least squares, and what holds still."""

import numpy as np
import pytest
import torch

from vpuformer import adaptation
from vpuformer.adaptation import FADES, HARDENS, MARGIN, STILL, Disc, adapted, told
from vpuformer.conversation import Round, reply
from vpuformer.imaging import Frame
from vpuformer.prompts import Box, Click, Scribble

SIDE, COARSE = 64, 16


def ring_logits(frame, x, y, radius):
    """Logits whose mask is a disc around (x, y) of the image, drawn on the frame's pixels."""
    (left, top, *_), (height, width) = frame.window, frame.window_size
    xs = (np.arange(SIDE) + 0.5) * width / SIDE - 0.5 + left
    ys = (np.arange(SIDE) + 0.5) * height / SIDE - 0.5 + top
    return (radius - np.hypot(xs - x, (ys - y)[:, None])).astype(np.float32)


@pytest.mark.parametrize(
    "frame", [Frame((128, 256), SIDE), Frame((300, 300), SIDE, (40, 0, 168, 96))]
)
def test_a_negative_click_tells_as_far_as_the_mask_reaches(frame):
    logits = ring_logits(frame, 100, 50, 40)
    clicks = [Click(100, 50, False), Click(85, 50, False), Click(100, 74, False)]
    found = [disc.radius for disc in told(clicks, logits, frame)]
    assert found == pytest.approx([40, 25, 16], abs=4)  # a frame's pixel is up to 4 wide


def test_other_prompts_tell_their_pixel_or_nothing():
    frame = Frame((128, 256), SIDE)
    logits = ring_logits(frame, 100, 50, 40)
    assert told([Click(200, 50)], logits, frame) == (Disc(200, 50, 0, True),)
    assert told([Click(100, 50)], logits, frame)[0].radius == 0  # also where the mask is
    assert told([Click(200, 50, False)], logits, frame)[0].radius == 0  # it is outside already
    assert told([Click(100, 50, False)], np.full_like(logits, -3), frame)[0].radius == 0
    assert told([Click(100, 50, False)], np.full_like(logits, 3), frame)[0].radius == 0
    assert told([Box(9, 9, 4, 4), Scribble(((1, 1), (9, 9)))], logits, frame) == ()


def a_case(seed=0, channels=5):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(channels, COARSE, COARSE)).astype(np.float32)
    weights = rng.normal(size=channels).astype(np.float32)
    small = np.tensordot(weights, maps, 1)
    return maps, np.kron(small, np.ones((4, 4), np.float32))


def test_the_head_solves_the_equation():
    frame, (maps, logits) = Frame((64, 64), SIDE), a_case()
    said = [Disc(10, 12, 0, True), Disc(40, 40, 9, False), Disc(20, 50, 6, False)]
    f = np.concatenate([maps.reshape(5, -1), np.ones((1, COARSE**2))]).T
    centres = 4 * np.arange(COARSE) + 1.5
    rows, goals = [np.sqrt(STILL / len(f)) * f, np.sqrt(1e-3) * np.eye(6)], [np.zeros(len(f) + 6)]
    told_so = []
    for age, disc in enumerate(reversed(said)):
        off = np.hypot(centres - disc.x, (centres - disc.y)[:, None]).ravel()
        at, sign = off <= max(disc.radius, off.min()), 1 if disc.positive else -1
        lack = sign * np.maximum(0, MARGIN - sign * logits[::4, ::4].ravel()[at])
        share = np.sqrt(FADES**age / HARDENS**2 / at.sum())
        rows.append(share * f[at])
        goals.append(share * lack)
        told_so += [] if disc.positive else [(at, lack)]
    change = f @ np.linalg.lstsq(np.concatenate(rows), np.concatenate(goals), rcond=None)[0]
    for at, lack in told_so:  # in any case
        change[at] = np.minimum(change[at], lack)
    wanted = torch.from_numpy(change.reshape(1, 1, COARSE, COARSE))
    wanted = torch.nn.functional.interpolate(wanted, scale_factor=4, mode="bilinear")[0, 0].numpy()
    np.testing.assert_allclose(adapted(logits, maps, frame, said) - logits, wanted, atol=1e-4)
    assert np.abs(wanted).max() > 0.5


def two_kinds():
    """A mask of two halves that look different, on a third kind of ground."""
    maps = np.zeros((3, COARSE, COARSE), np.float32)
    maps[0, 4:12, 2:8], maps[1, 4:12, 8:14] = 1, 1
    maps[2] = 1 - maps[0] - maps[1]
    logits = np.kron(3 * (maps[0] + maps[1]) - 3 * maps[2], np.ones((4, 4))).astype(np.float32)
    return maps, logits


def test_the_head_hears_only_clicks_in_the_frame():
    frame, (maps, logits) = Frame((100, 100), SIDE, (20, 20, 84, 84)), a_case()
    logits = logits - 9
    places = [(10, 50), (50, 10), (90, 50), (50, 90), (19.4, 50), (50, 83.6)]
    for x, y in places:
        assert np.array_equal(adapted(logits, maps, frame, [Disc(x, y, 0, True)]), logits)
    for x, y in [(19.6, 50), (50, 83.4)]:
        assert not np.array_equal(adapted(logits, maps, frame, [Disc(x, y, 0, True)]), logits)


def test_the_head_sees_the_mean_of_a_cells_logits():
    frame, (maps, logits) = Frame((64, 64), SIDE), a_case()
    ripple = np.tile(np.float32([[2, -2], [-2, 2]]), (32, 32))
    said = [Disc(40, 40, 9, False)]
    rippled = adapted(logits + ripple, maps, frame, said) - ripple
    np.testing.assert_allclose(rippled, adapted(logits, maps, frame, said), atol=1e-4)


def test_what_looks_alike_follows_and_the_rest_holds_still():
    (maps, logits), frame = two_kinds(), Frame((64, 64), SIDE)
    found = adapted(logits, maps, frame, [Disc(18, 30, 0, True), Disc(44, 30, 6, False)])
    assert (found[20:44, 40:52] < logits[20:44, 40:52] - 2).all()  # the whole right half
    np.testing.assert_allclose(found[20:44, 12:28], logits[20:44, 12:28], atol=0.3)
    np.testing.assert_allclose(found[:12], logits[:12], atol=0.3)


def test_a_late_click_moves_less_of_what_looks_alike():
    (maps, logits), frame = two_kinds(), Frame((64, 64), SIDE)
    late, moved = Disc(42, 30, 6, False), []
    for count in range(0, 30, 3):
        found = adapted(logits, maps, frame, [Disc(18, 30, 0, True)] * count + [late])
        moved.append(np.abs(found - logits)[20:44, 53:56].mean())  # beside the disc
        assert (found[28:32, 40:44] < 0).all()  # which is obeyed
    assert (np.diff(moved) < 0).all() and moved[-1] < 0.02 * moved[0]


def test_nothing_changes_where_nothing_lacks():
    (maps, logits), frame = two_kinds(), Frame((64, 64), SIDE)
    assert adapted(logits, maps, frame, [Disc(18, 30, 0, True), Disc(2, 2, 9, False)]) is logits
    assert adapted(logits, maps, frame, [Disc(500, 30, 8, True)]) is logits  # outside the frame
    assert adapted(logits, maps, frame, []) is logits


def test_a_click_of_the_other_sign_bounds_what_is_told():
    frame = Frame((64, 64), SIDE)
    negative = Disc(32, 32, 20, False)
    for others, reach in (([], 20), ([Disc(44, 32, 0, True)], 6), ([Disc(44, 32, 0, False)], 20)):
        pixels, sign = next(adaptation._pixels([negative, *others], frame, COARSE))
        rows, columns = np.divmod(pixels, COARSE)
        off = np.hypot(4 * columns + 1.5 - 32, 4 * rows + 1.5 - 32)
        assert sign == -1 and reach - 4 < off.max() <= reach


def test_the_head_learns_from_a_click_but_not_after_a_box():
    (maps, logits), frame = two_kinds(), Frame((64, 64), SIDE)
    first = reply((), (Click(18, 30),), None, frame, logits, maps)
    np.testing.assert_array_equal(first.logits, logits)
    click, box = Click(44, 30, False), Box(44, 30, 20, 20, False)
    learnt = reply((first,), (click,), None, frame, logits, maps)
    assert learnt.logits[30, 44] < 0 < logits[30, 44]
    for prompts, learns in (((box,), maps), ((click, box), maps), ((click,), None)):
        answer = reply((first,), prompts, None, frame, logits, learns)
        np.testing.assert_array_equal(answer.logits, logits)
    seen = (first, Round((click,), frame, logits, learnt.told))
    again = reply(seen, (), None, frame, logits, maps)
    assert again.logits[30, 44] < 0  # a second look: the click stays the newest prompt


def test_what_early_clicks_told_holds_through_a_long_conversation():
    (maps, logits), frame = two_kinds(), Frame((64, 64), SIDE)
    said = [Disc(44, 30, 6, False), *(Disc(10 + k % 9, 20 + k, 0, True) for k in range(24))]
    found = adapted(logits, maps, frame, said)
    assert (found[28:32, 42:46] < 0).all() and (found[24:40, 12:20] > 0).all()


def test_a_box_or_scribble_ends_what_clicks_told():
    (maps, logits), frame = two_kinds(), Frame((64, 64), SIDE)
    rounds = ()
    for prompt, count in (
        (Click(18, 30), 1),
        (Click(44, 30, False), 2),
        (Scribble(((40, 24), (48, 36))), 0),
        (Click(20, 36), 1),
    ):
        rounds = (*rounds, reply(rounds, (prompt,), None, frame, logits, maps))
        assert len(rounds[-1].told) == count
    np.testing.assert_array_equal(rounds[-1].logits, logits)
