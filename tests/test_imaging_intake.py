"""Pictures of any kind in, frames there and back, masks out."""

import io
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vpuformer import imaging
from vpuformer.config import ZoomConfig
from vpuformer.errors import ImageError
from vpuformer.imaging import Frame, box_iou, covers, cutout, read, save_mask, zoom_crop
from vpuformer.prompts import Box, Click, Scribble, rescale

SIZE = (30, 44)  # H, W


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def encoded(picture, fmt="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, fmt, **options)
    return buffer.getvalue()


def test_one_picture_by_every_door(picture, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture))
    for source in (picture, path, str(path), path.read_bytes(), Image.fromarray(picture)):
        found = read(source)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, picture)


@pytest.mark.parametrize("fmt", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_come_back_exactly(picture, fmt):
    np.testing.assert_array_equal(read(encoded(picture, fmt)), picture)


@pytest.mark.parametrize("fmt", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats_are_read(picture, fmt):
    assert read(encoded(picture, fmt)).shape == (*SIZE, 3)


@pytest.mark.parametrize("shape", [SIZE, (*SIZE, 1)])
def test_grey_becomes_rgb(picture, shape):
    grey = picture[..., 0].reshape(shape)
    np.testing.assert_array_equal(read(grey), np.repeat(picture[..., :1], 3, 2))


def test_numbers_of_every_kind(picture):
    np.testing.assert_array_equal(
        read(picture[..., 0] > 127)[..., 1], 255 * (picture[..., 0] > 127)
    )
    for kind in (np.float16, np.float32, np.float64):
        np.testing.assert_array_equal(read((picture / 255).astype(kind)), picture)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_wide_range_is_stretched_and_said(kind, caplog):
    ramp = np.linspace(1000, 4000, SIZE[0] * SIZE[1]).reshape(SIZE).astype(kind)
    with caplog.at_level(logging.INFO, "vpuformer.imaging"):
        found = read(ramp)
    assert found.min() == 0 and found.max() == 255
    assert (np.diff(found[..., 0].ravel().astype(int)) >= 0).all()
    assert "stretched" in caplog.text


def test_nothing_is_said_about_plain_pictures(picture, caplog):
    with caplog.at_level(logging.INFO, "vpuformer.imaging"):
        read(picture)
        read(picture / 255)
    assert not caplog.text


def test_a_16_bit_file_is_stretched():
    ramp = np.linspace(0, 900, SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.uint16)
    assert read(encoded(ramp)).max() == 255


def test_transparency_lies_on_white(picture):
    alpha = np.zeros(SIZE, np.uint8)
    alpha[:, :20] = 255
    found = read(np.dstack([picture, alpha]))
    np.testing.assert_array_equal(found[:, :20], picture[:, :20])
    assert (found[:, 20:] == 255).all()
    np.testing.assert_array_equal(read(encoded(np.dstack([picture, alpha]))), found)


def test_palette_with_a_transparent_colour():
    image = Image.new("P", SIZE[::-1], 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.paste(0, (0, 0, 5, 5))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0)
    found = read(buffer.getvalue())
    assert (found[:5, :5] == 255).all() and (found[10, 10] == (10, 20, 30)).all()


def test_a_turned_photo_stands_upright(picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    found = read(encoded(picture, "PNG", exif=exif))
    np.testing.assert_array_equal(found, np.rot90(picture, -1))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((3, 30, 44)), "expected \\[H, W\\]"),
        (np.zeros((2, 30, 44, 3), np.uint8), "shape"),
        (np.zeros((0, 44, 3), np.uint8), "at least one pixel"),
        (np.full(SIZE, np.nan), "nan"),
        (np.zeros(SIZE, complex), "complex"),
        (np.array("photo"), "shape"),
        ("gone.jpg", "gone.jpg"),
    ],
)
def test_what_is_no_picture_is_refused(source, message):
    with pytest.raises(ImageError, match=message):
        read(source)


def test_the_cap_holds_for_files_and_arrays(picture, monkeypatch):
    monkeypatch.setattr(imaging, "MAX_PIXELS", SIZE[0] * SIZE[1] - 1)
    for source in (picture, encoded(picture), Image.fromarray(picture)):
        with pytest.raises(ImageError, match="at most"):
            read(source)


def test_a_decompression_bomb_is_an_image_error(picture, monkeypatch):
    for limit in (1000, 500):  # Pillow warns above it, and refuses above twice as much
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ImageError, match="too large"):
            read(encoded(picture))


whole = Frame(SIZE, 64)
part = Frame(SIZE, 64, (10, 4, 42, 20))


@pytest.mark.parametrize("frame", [whole, part])
def test_a_frame_moves_prompts_by_pixel_centres(frame):
    left, top, right, bottom = frame.window
    (click, box, stroke) = frame.prompts(
        [Click(12, 9), Box.from_corners(11, 5, 31, 15), Scribble([(11, 6), (20, 12)])]
    )
    assert click.x == pytest.approx(rescale(12 - left, right - left, 64))
    assert click.y == pytest.approx(rescale(9 - top, bottom - top, 64))
    assert box.w == pytest.approx(20 * 64 / (right - left))
    assert stroke.points[1][0] == pytest.approx(rescale(20 - left, right - left, 64))


def test_prompts_that_miss_the_crop_are_left_out():
    edge = Click(9.5, 4)  # belongs to pixel 10, the crop's first
    kept = part.prompts(
        [Click(2, 9), edge, Click(42, 9), Box.from_corners(0, 0, 15, 9, positive=False)]
    )
    assert [type(p) for p in kept] == [Click, Box] and kept[0].x == -0.5


@pytest.mark.parametrize("corner", [(10, 95), (38, 62)])
def test_a_stroke_around_the_crop_is_left_out(corner):
    frame = Frame((100, 100), 64, (40, 0, 100, 60))
    around = Scribble(((corner[0], 0), corner, (90, corner[1])))
    through = Scribble(((30, 10), (90, 90)))  # no vertex of it lies inside
    assert len(frame.prompts([around, through, Scribble(((99.5, 59.5),))])) == 1
    assert len(frame.prompts([Scribble(((39.5, 5), (20, 5))), Scribble(((50, 50),))])) == 2


def test_a_frame_shows_its_crop(picture):
    same = Frame((16, 40), 16, (20, 0, 36, 16))  # no resizing: 16 x 16 to 16 x 16
    np.testing.assert_array_equal(same.picture(picture), picture[:16, 20:36])
    np.testing.assert_array_equal(same.shrink(picture[..., 0]), picture[:16, 20:36, 0])


def test_logits_come_back_where_they_belong():
    logits = np.full((64, 64), -9.0, np.float32)
    logits[16:48, 32:] = 9
    prob = part.spread(logits)
    assert prob.dtype == np.float32 and prob.shape == SIZE
    inside = prob > 0.5
    assert inside[8:16, 26:42].all() and inside.sum() == 8 * 16
    outside = np.ones(SIZE, bool)
    outside[4:20, 10:42] = False
    assert (prob[outside] == 0).all()


def test_extreme_logits_stay_probabilities():
    prob = whole.spread(np.array([[-1e30, 1e30]] * 2, np.float32).repeat(32, 0).repeat(32, 1))
    assert prob.min() >= 0 and prob.max() <= 1 and np.isfinite(prob).all()


def test_bounds_of_a_mask_are_edges_in_the_image():
    mask = np.zeros((64, 64), bool)
    assert part.bounds_of(mask) is None
    mask[16:48, 32:] = True
    assert part.bounds_of(mask) == (25.5, 7.5, 41.5, 15.5)


def test_zoom_crop_golden():
    zoom = ZoomConfig(min_side=20)
    assert zoom_crop([(99.5, 49.5, 199.5, 99.5)], (400, 600), zoom) == (80, 40, 220, 110)
    assert zoom_crop([(99.5, 49.5, 99.5, 49.5)], (400, 600), zoom) == (90, 40, 110, 60)
    assert zoom_crop([(-0.5, -0.5, 9.5, 9.5)], (400, 600), zoom) == (0, 0, 15, 15)
    assert zoom_crop([(9.5, 9.5, 550, 350)], (400, 600), zoom) is None
    small = ZoomConfig()  # 60 px more than the object, up to 200, then 1.4 times as large
    assert zoom_crop([(299.5, 199.5, 319.5, 209.5)], (400, 600), small) == (270, 170, 350, 240)
    assert zoom_crop([(199.5, 99.5, 344.5, 249.5)], (400, 600), small) == (171, 70, 374, 280)
    wide = zoom_crop([(9.5, 190, 550, 210)], (400, 600), zoom)
    assert wide is not None and wide[0] == 0 and wide[2] == 600


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(*[st.floats(-0.5, 399.5)] * 4).map(
        lambda s: (min(s[0], s[2]), min(s[1], s[3]), max(s[0], s[2]), max(s[1], s[3]))
    )
)
def test_a_zoom_crop_lies_in_the_image_and_holds_what_it_was_made_for(span):
    crop = zoom_crop([span], (400, 600), ZoomConfig())
    if crop is not None:
        left, top, right, bottom = crop
        assert 0 <= left < right <= 600 and 0 <= top < bottom <= 400
        assert covers(crop, [span])


def test_box_iou_and_covers():
    assert box_iou((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert box_iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert box_iou((0, 0, 10, 10), (0, 0, 20, 10)) == 0.5
    assert covers((0, 0, 10, 10), [(-0.5, 0, 9.5, 3)])
    assert not covers((0, 0, 10, 10), [(0, 0, 9.6, 3)])


def test_cutout_and_mask_file(picture, tmp_path):
    mask = np.zeros(SIZE, bool)
    mask[3:9, 5:20] = True
    cut = cutout(picture, mask)
    assert cut.shape == (*SIZE, 4)
    np.testing.assert_array_equal(cut[..., 3] == 255, mask)
    np.testing.assert_array_equal(cut[mask][:, :3], picture[mask])
    assert cutout(picture, mask, crop=True).shape == (6, 15, 4)
    path = save_mask(tmp_path / "deep" / "mask.png", mask)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), mask * np.uint8(255))
    assert [p.name for p in path.parent.iterdir()] == ["mask.png"]
    with pytest.raises(ImageError, match="mask is"):
        cutout(picture, mask.T)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "mask.png"
    save_mask(path, np.ones(SIZE, bool))
    before = path.read_bytes()

    def full(*args):
        raise OSError("No space left")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ImageError, match="No space left"):
        save_mask(path, np.zeros(SIZE, bool))
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_what_is_no_picture_file_is_an_image_error(picture):
    for content in (b"only text", b"", encoded(picture, "PCX"), encoded(picture)[:200]):
        with pytest.raises(ImageError, match=r"is no image|cannot be read"):
            read(content)
    with pytest.raises(ImageError, match=r"the file given is no image: its format"):
        read(b"only text")


@pytest.mark.parametrize(
    ("kind", "opaque"), [(np.uint16, 65535), (np.float16, 1), (np.float32, 1), (int, 255)]
)
def test_opaque_alpha_does_not_darken_a_stretched_picture(picture, kind, opaque):
    deep = picture.astype(kind) * 16
    alpha = np.full(SIZE, opaque, kind)
    np.testing.assert_array_equal(read(np.dstack([deep, alpha])), read(deep))


def test_a_pillow_picture_that_breaks_off_is_an_image_error(picture):
    broken = Image.open(io.BytesIO(encoded(picture)[:600]))
    with pytest.raises(ImageError, match="cannot be read"):
        read(broken)


@pytest.mark.parametrize("mask", [np.full(SIZE, 0.1), np.ones((*SIZE, 3), bool)])
def test_only_a_mask_is_saved_as_a_mask(mask, tmp_path):
    with pytest.raises(ImageError, match="expected bool"):
        save_mask(tmp_path / "mask.png", mask)
    assert not list(tmp_path.iterdir())
