import pytest

from vpuformer.drawing import palette


def linear(colour):
    channels = [c / 255 for c in palette.rgb(colour)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(colour):
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def contrast(a, b):
    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_signs_are_the_agreed_colours():
    assert palette.of_sign(True) == "#0072B2" and palette.of_sign(False) == "#D55E00"
    assert palette.MASK == "#F0E442" and palette.MASK_ALPHA == 0.45


@pytest.mark.parametrize("colour", [palette.INK, palette.GREY])
def test_text_can_be_read_on_paper(colour):
    assert contrast(colour, palette.PAPER) >= 4.5


def test_signs_stand_out_from_their_white_mark():
    assert min(contrast(palette.of_sign(s), palette.PAPER) for s in (True, False)) >= 3


def test_each_curve_has_its_own_dash_and_marker():
    assert len(palette.CURVES) == len(palette.DASHES) == len(palette.MARKERS) == 5
    assert all(len(set(x)) == 5 for x in (palette.CURVES, palette.DASHES, palette.MARKERS))


def test_parts_are_four_and_read_with_ink_on_their_tint():
    assert list(palette.PARTS) == ["encoder", "pue", "dma", "decoder"]
    assert len(set(palette.PARTS.values())) == 4
    for colour in palette.PARTS.values():
        assert contrast(palette.INK, palette.tint(colour, 0.3)) >= 4.5


def test_tint():
    assert palette.tint("#000000", 0.0) == "#FFFFFF"
    assert palette.tint("#0072B2", 1.0) == "#0072B2"
    assert palette.tint("#000000", 0.5) in ("#7F7F7F", "#808080")
