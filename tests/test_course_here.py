"""The strips of the mastheads are what the code draws, and every masthead shows its own."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")
pytest.importorskip("skimage")

from vpucourse import here
from vpuformer.drawing import palette

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SOURCES = sorted((NOTEBOOKS / "src").glob("*.py"))
NUMBERS = tuple(here.PLACES)
SAID = {  # a lit part and the words that may stand for it
    **{part: rf"{part}|part|road" for part in here.NETWORK},
    **{mark: rf"{mark}|prompt|road" for mark in here.MARKS},
    **{part: rf"{part}|road" for part in ("photo", "mask")},
    **{part: part for part in ("score", "training")},
}


strip = cache(here.strip)


def pixels(picture):
    return np.asarray(picture.convert("RGB"), np.float32)


def holds(picture, colour):
    """How many pixels have nearly this colour."""
    return int((abs(pixels(picture) - palette.rgb(colour)).max(-1) < 12).sum())


def far(one, other):
    """The share of pixels that differ by more than another version of a font's drawing would."""
    return float((abs(pixels(one) - pixels(other)).max(-1) > 64).mean())


def test_every_lesson_has_a_strip_and_there_are_no_others():
    assert [source.name[:2] for source in SOURCES] == list(NUMBERS)
    assert sorted(file.stem for file in (NOTEBOOKS / "here").iterdir()) == list(NUMBERS)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_masthead_shows_its_strip_and_says_it(source):
    number = source.name[:2]
    masthead = source.read_text("utf-8").split("# %%")[1]
    assert re.findall(r"!\[.*", masthead) == [here.line(number)]
    assert (NOTEBOOKS / f"here/{number}.png").is_file()


@pytest.mark.parametrize("number", NUMBERS)
def test_the_words_name_what_is_lit_and_nothing_else(number):
    place = here.PLACES[number]
    for part, words in SAID.items():
        if part in place.lit:
            assert re.search(words, place.words, re.IGNORECASE), part
        elif part not in here.MARKS:
            assert not re.search(rf"\b{part}\b", place.words, re.IGNORECASE), part


@pytest.mark.parametrize("number", NUMBERS)
def test_a_file_is_what_the_code_draws(number):
    file = NOTEBOOKS / "here" / f"{number}.png"
    assert file.stat().st_size <= 12_000
    kept, drawn = Image.open(file), strip(number)
    assert kept.size == drawn.size == (here.WIDE * here.DENSITY, here.HIGH * here.DENSITY)
    assert far(kept, drawn) < 0.002, "Run: python notebooks/build.py here"


def test_another_strip_would_be_noticed():
    drawn = [strip(number) for number in NUMBERS]
    others = [far(a, b) for i, a in enumerate(drawn) for b in drawn[:i]]
    assert min(others) > 0.004


@pytest.mark.parametrize("number", NUMBERS)
def test_a_lit_part_has_its_colour_and_the_others_have_none(number):
    picture, lit = strip(number), here.PLACES[number].lit
    for part, colour in palette.PARTS.items():
        assert (holds(picture, colour) > 100) == (part in lit), part
    assert (holds(picture, palette.POSITIVE) > 50) == bool({*here.MARKS} & {*lit})
    assert pixels(picture)[3, 3].tolist() == [255, 255, 255]
