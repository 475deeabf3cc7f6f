"""Pictures of every kind in, frames there and back, files whole or not at all."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vpuformer.config import ZoomConfig
from vpuformer.errors import ImageError
from vpuformer.imaging import (
    Frame,
    box_iou,
    covers,
    cutout,
    read,
    save_mask,
    sigmoid,
    zoom_crop,
)
from vpuformer.prompts import Box, Click

SIZE = (40, 60)  # H, W


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_rgb_stays_as_it_is(pixels, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    for source in (pixels, path, str(path), path.read_bytes(), Image.open(path)):
        assert np.array_equal(read(source), pixels)


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "LA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(pixels, mode):
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    result = read(encoded(image, "TIFF"))
    assert result.shape == (*SIZE, 3) and result.dtype == np.uint8 and result.std() > 10


def test_transparency_is_laid_on_white(pixels):
    rgba = np.dstack([pixels, np.zeros(SIZE, np.uint8)])
    assert (read(rgba) == 255).all() and (read(encoded(Image.fromarray(rgba))) == 255).all()


def test_exif_rotation_is_applied(pixels):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    data = encoded(Image.fromarray(pixels), "PNG", exif=exif)
    assert np.array_equal(read(data), np.rot90(pixels, -1))


def test_other_ranges(pixels, caplog):
    grey = pixels[..., 0]
    assert np.array_equal(read(grey)[..., 1], grey)
    assert np.array_equal(read(grey[..., None] / 255)[..., 2], grey)
    assert np.array_equal(read(grey > 127)[..., 0], (grey > 127) * 255)
    with caplog.at_level("INFO", "vpuformer.imaging"):
        wide = read(grey.astype(np.uint16) * 200 + 1000)
    assert wide.min() == 0 and wide.max() == 255 and "stretched from" in caplog.text


def test_stretching_by_hand():
    ramp = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    ramp[0, 0] = 60_000  # one hot pixel of ten thousand
    assert read(ramp)[-1, -1].tolist() == [255] * 3 and read(ramp)[0, 1].tolist() == [0] * 3
    assert (read(np.full((5, 7), 300, np.uint16)) == 0).all()
    signed = read(np.linspace(-1, 1, 256).reshape(16, 16))[..., 0].ravel()
    assert signed[0] == 0 and signed[-1] == 255 and (np.diff(signed.astype(int)) >= 0).all()
    veil = np.dstack([np.zeros((5, 7, 3)), np.full((5, 7), 0x8000)]).astype(np.uint16)
    assert (read(veil) == 127).all()  # black, half of it there, on white


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((2, 3, 4, 5)), "has shape"),
        (np.zeros((5, 7, 2)), "has shape"),
        (np.zeros((0, 7, 3), np.uint8), "at least one pixel"),
        (np.full((5, 7), np.nan), "nan or infinite"),
        (np.array([["a", "b"]]), "expected numbers"),
        ("nowhere.png", "no image file"),
        (b"<html>not a picture</html>", "is no image: its format is unknown"),
    ],
)
def test_what_is_no_picture_is_refused(bad, message):
    with pytest.raises(ImageError, match=message):
        read(bad)


def test_a_truncated_file_and_a_bomb_are_refused(pixels, monkeypatch):
    data = encoded(Image.fromarray(pixels))
    with pytest.raises(ImageError, match="cannot be read"):
        read(data[: len(data) // 2])
    monkeypatch.setattr("vpuformer.imaging.MAX_PIXELS", 1000)
    with pytest.raises(ImageError, match="Shrink"):
        read(data)


@given(
    x=st.floats(12, 47),
    y=st.floats(7, 30),
    side=st.integers(8, 100),
)
def test_prompts_go_to_the_place_their_pixel_goes_to(x, y, side):
    frame = Frame(SIZE, side, (10, 5, 50, 35))
    (click,) = frame.prompts([Click(x, y)])
    assert (click.x + 0.5) / side == pytest.approx((x - 10 + 0.5) / 40)
    assert (click.y + 0.5) / side == pytest.approx((y - 5 + 0.5) / 30)


def test_prompts_outside_the_crop_are_left_out():
    frame = Frame(SIZE, 32, (10, 5, 50, 35))
    (box,) = frame.prompts([Click(3, 3), Box(30, 20, 10, 10), Click(55, 20)])
    assert (box.cx, box.cy, box.w, box.h) == pytest.approx((15.9, 16.0333, 8.0, 10.6667), abs=1e-3)


@pytest.mark.parametrize(
    ("x", "y", "is_in"),
    [
        *((x, 20, is_in) for x, is_in in ((9.4, False), (9.5, True), (49.4, True), (49.7, False))),
        *((20, y, is_in) for y, is_in in ((4.4, False), (4.5, True), (34.4, True), (34.5, False))),
    ],
)
def test_a_click_is_in_a_crop_as_its_pixel_is(x, y, is_in):
    assert bool(Frame(SIZE, 32, (10, 5, 50, 35)).prompts([Click(x, y)])) is is_in


def test_maps_there_and_back(pixels):
    mask = np.zeros(SIZE, np.float32)
    mask[10:30, 20:44] = 1
    for crop in (None, (10, 5, 55, 36)):
        frame = Frame(SIZE, 128, crop)
        logits = frame.shrink(mask) * 20 - 10
        assert frame.picture(pixels).shape == (128, 128, 3)
        back = frame.spread(logits)
        assert back.shape == SIZE and ((back > 0.5) == (mask > 0.5)).mean() > 0.97
        x0, y0, x1, y1 = frame.bounds_of(logits > 0)
        assert (x0, y0, x1, y1) == pytest.approx((19.5, 9.5, 43.5, 29.5), abs=0.6)
    assert Frame(SIZE, 32).bounds_of(np.zeros((32, 32), bool)) is None


@settings(max_examples=60)
@given(x0=st.floats(0, 900), y0=st.floats(0, 500), w=st.floats(1, 600), h=st.floats(1, 400))
def test_zoom_crops_hold_what_they_must_and_stay_inside(x0, y0, w, h):
    span, size = (x0, y0, min(x0 + w, 999), min(y0 + h, 599)), (600, 1000)
    crop = zoom_crop([span], size, ZoomConfig())
    if crop is not None:
        left, top, right, bottom = crop
        assert 0 <= left < right <= 1000 and 0 <= top < bottom <= 600
        assert covers(crop, [span])
        for side, low, high in ((right - left, *span[::2]), (bottom - top, *span[1::2])):
            assert side >= min(high - low + 60, 200) / 2  # half of it remains at a corner


def test_large_objects_are_not_zoomed_and_iou_of_crops():
    assert zoom_crop([(5, 5, 95, 55)], (60, 100), ZoomConfig()) is None
    assert box_iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert box_iou((0, 0, 10, 10), (20, 20, 30, 30)) == 0


def test_cutout_and_files(pixels, tmp_path):
    mask = np.zeros(SIZE, bool)
    mask[10:20, 30:50] = True
    whole = cutout(pixels, mask)
    assert whole.shape == (*SIZE, 4) and np.array_equal(whole[..., 3] > 0, mask)
    assert cutout(pixels, mask, crop=True).shape == (10, 20, 4)
    path = save_mask(tmp_path / "deep" / "mask.png", mask)
    assert np.array_equal(np.asarray(Image.open(path)) > 0, mask)
    assert [p.name for p in path.parent.iterdir()] == ["mask.png"]
    with pytest.raises(ImageError, match="Could not write"):
        save_mask(path / "mask.png", mask)
    with pytest.raises(ImageError, match="The mask is"):
        cutout(pixels, mask.T)


@pytest.mark.parametrize("size", [(20, 300), (90, 40), (64, 64), (201, 130)])
@pytest.mark.parametrize("threshold", [0.5, 0.49, 0.9])
def test_logits_are_spread_as_pillow_resizes(size, threshold):
    logits = np.random.default_rng(0).normal(0, 3, (64, 64)).astype(np.float32)
    large = Image.fromarray(logits).resize(size[::-1], Image.Resampling.BILINEAR)
    prob, mask = Frame(size, 64).spread(logits), Frame(size, 64).spread(logits, threshold)
    assert np.abs(prob - sigmoid(np.asarray(large))).max() < 1e-5
    assert mask.dtype == bool and ((prob > threshold) == mask).mean() > 0.999
    left, top, right, bottom = 3, 5, size[1] - 4, size[0] - 2
    part = Frame(size, 64, (left, top, right, bottom)).spread(logits, threshold)
    assert part[top:bottom, left:right].any() and not part[:top].any() and not part[:, right:].any()
