import io
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from vpucourse import curves, diagrams, vectors
from vpuformer.drawing import palette
from vpuformer.drawing.curves import learning
from vpuformer.prompts import Box, Click, rescale

H, W = 40, 60
PHOTO = np.full((H, W, 3), 128, np.uint8)


def opened(figure):
    return Image.open(io.BytesIO(curves.encoded(figure)[1]))


def drawn(figure):
    picture = np.asarray(opened(figure).convert("RGB"))
    assert picture.shape[1] == pytest.approx(6.4 * 110, abs=1)
    assert (picture[0, 0] >= 254).all() and (picture[-1, -1] >= 254).all()
    return picture


def texts(figure):
    return [t for t in figure.findobj(lambda x: hasattr(x, "get_fontsize")) if t.get_text()]


def has(picture, colour, within=12):
    return (np.abs(picture.astype(int) - palette.rgb(colour)).max(-1) <= within).any()


def pipeline(here=tuple(palette.PARTS)):
    shapes = {"pue": "3 vectors", "image": "3×448×448", "mask": "40×60"}
    return diagrams.pipeline(shapes, PHOTO, PHOTO, title="T", here=here)


FIGURES = {
    "strip": lambda: curves.strip([PHOTO, np.eye(H, W), PHOTO], ["a", "b", "c"], title="T"),
    "rows": lambda: curves.strip([PHOTO] * 5, list("abcde"), columns=3),
    "iou": lambda: curves.iou_per_round({"a": [0.5, 0.8], "b": [0.5, 0.81]}, targets=(0.85,)),
    "lines": lambda: curves.lines(
        {"a": [1, 2], "b": [2, 2.01]}, [0, 1], xlabel="x", ylabel="y", title="T"
    ),
    "two ways": lambda: diagrams.two_ways("T"),
    "pipeline": pipeline,
    "vectors": lambda: vectors.beside_photo(
        PHOTO, [Click(20, 10)], q_h=np.eye(1, 30, 10), q_v=np.eye(1, 30, 7), title="T"
    ),
    "stacked": lambda: vectors.stacked(
        {
            "flat": {"d": np.ones(9), "q": np.eye(9)[4]},
            "ramp": {"d": np.arange(9), "q": np.eye(9)[4]},
        },
        title="T",
        marks=4,
    ),
    "bars": lambda: vectors.bars(
        {"a +": {"q_h": np.eye(30)[3], "q_v": np.eye(20)[3], "q_b": np.eye(2)[0]}}, title="T"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_on_opaque_white_paper_of_our_width(name):
    drawn(FIGURES[name]())


@pytest.mark.parametrize("name", FIGURES)
def test_letters_are_large_enough_and_on_the_page(name):
    figure = FIGURES[name]()
    drawn(figure)
    assert texts(figure) and min(t.get_fontsize() for t in texts(figure)) >= 9
    ink = figure.get_tightbbox()  # inches; a text that leaves the page widens it
    width, height = figure.get_size_inches()
    assert min(ink.x0, ink.y0) >= -0.01 and ink.x1 <= width + 0.01 and ink.y1 <= height + 0.01


def test_equal_figures_give_equal_bytes():
    assert curves.encoded(FIGURES["iou"]()) == curves.encoded(FIGURES["iou"]())


def test_lines_stay_exact_and_photos_become_small():
    assert curves.encoded(FIGURES["iou"]())[0] == "image/png"
    noise = np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)
    kind, data = curves.encoded(curves.strip([noise] * 2, ["a", "b"]))
    assert kind == "image/jpeg" and Image.open(io.BytesIO(data)).format == "JPEG"


def test_maps_bring_their_scale_and_photos_stay_aligned():
    figure = FIGURES["strip"]()
    drawn(figure)
    photos = [ax.get_position() for ax in figure.axes[:3]]
    assert len({round(p.y0, 3) for p in photos}) == 1
    bars = [child for ax in figure.axes for child in ax.child_axes]
    assert len(bars) == 1


def test_pictures_keep_their_shape_in_rows():
    figure = FIGURES["rows"]()
    width, height = figure.get_size_inches()
    places = [ax.get_position() for ax in figure.axes]
    assert len(places) == 5 and len({round(p.y0, 3) for p in places}) == 2
    shapes = [(p.height * height) / (p.width * width) for p in places]
    assert shapes == pytest.approx([H / W] * 5)


def test_a_staircase_goes_through_the_values():
    figure = curves.iou_per_round({"run": [0.4, 0.7, 0.9]}, notes=["click", "box", "scribble"])
    stairs, dots = figure.axes[0].lines
    assert list(stairs.get_ydata()) == [0.4, 0.7, 0.9, 0.9]
    assert list(dots.get_xdata()) == [1, 2, 3]
    assert figure.axes[0].get_xticklabels()[1].get_text() == "2\nbox"


def test_names_at_the_ends_are_pushed_apart():
    figure = curves.iou_per_round({"a": [0.9], "b": [0.9], "c": [0.91]})
    ys = sorted(t.get_position()[1] for t in figure.axes[0].texts)
    assert np.diff(ys).min() >= 0.08


def test_a_run_that_stops_early_is_named_above_its_end_and_pushes_nobody():
    figure = curves.iou_per_round({"long": [0.5, 0.6, 0.7], "short": [0.5, 0.71]})
    places = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert places["long"] == pytest.approx((3.56, 0.7))
    assert 2 < places["short"][0] < 3 and places["short"][1] > 0.71


def test_few_points_are_ticks_of_their_own():
    few = curves.lines({"a": [1, 2, 4]}, [12, 25, 50], xlabel="x", ylabel="y")
    assert list(few.axes[0].get_xticks()) == [12, 25, 50]


def test_vector_entries_lie_above_their_pixels():
    q = np.eye(1, 30, 10)
    prompts = [Box.from_corners(5, 5, 30, 20, positive=False)]
    figure = vectors.beside_photo(PHOTO, prompts, q_h=q, q_v=q)
    _, top, side = figure.axes
    x, y = top.lines[0].get_data()
    assert x[np.argmax(y)] == pytest.approx(rescale(10, 30, W))
    values, rows = side.lines[0].get_data()
    assert rows[np.argmax(values)] == pytest.approx(rescale(10, 30, H))
    assert top.lines[0].get_color() == palette.NEGATIVE


def test_pipeline_shows_four_parts_and_pales_the_others():
    full = drawn(pipeline())
    assert all(has(full, colour) for colour in palette.PARTS.values())
    one = drawn(pipeline(here=("pue",)))
    assert has(one, palette.PARTS["pue"]) and not has(one, palette.PARTS["dma"])
    words = " ".join(t.get_text() for t in texts(pipeline()))
    assert "3 vectors" in words and "40×60" in words


def test_learning_curves_from_a_log_with_gaps(tmp_path):
    rows = [
        {"step": s, "loss": 3.0 / s, "iou1": 0.5} | ({"iou3": 0.8} if s % 2 else {})
        for s in range(1, 41)
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    figure = learning(path, title="It learns")
    left, right = figure.axes
    assert left.lines[0].get_xydata()[-1].tolist() == [40, 3 / 40]
    assert left.lines[1].get_ydata()[0] == pytest.approx((3 + 1.5) / 2)  # two rows a twentieth
    assert [t.get_text() for t in right.texts] == ["round 1", "round 3"]
    assert len(right.lines[2].get_xdata()) == 20
    assert curves.encoded(learning(rows))[1] == curves.encoded(learning(rows))[1]


def test_stacked_panels_share_their_axis():
    figure = FIGURES["stacked"]()
    assert len(figure.axes) == 4
    assert {ax.get_xlim() for ax in figure.axes} == {(0.0, 8.0)}
    assert figure.axes[0].get_title(loc="left") == "flat"


def test_a_cell_is_dark_where_the_entry_is_one():
    figure = FIGURES["bars"]()
    (cells,) = figure.axes[0].images
    row = cells.get_array()[0].astype(int).sum(-1)
    assert row.argmin() == 3 and (np.delete(row, 3) == 765).all()
    assert figure.axes[2].get_title(loc="left") == "q_b, 2"


def test_names_of_lines_are_pushed_apart():
    figure = FIGURES["lines"]()
    low, high = sorted(note.xy[1] for note in figure.axes[0].texts)
    assert high - low >= 0.08 and [len(line.get_xdata()) for line in figure.axes[0].lines] == [
        2,
        2,
    ]
