import io

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("ipywidgets")
pytest.importorskip("ipyevents")
from PIL import Image

from vpucourse import browsing


def row(name, *ious):
    prompts = [{"x": 10.0 + k, "y": 20.0, "positive": k != 1} for k in range(len(ious))]
    return {"image": name, "instance": 1, "ious": [*ious], "prompts": prompts}


@pytest.fixture
def games():
    return [
        (row("late", 0.2, 0.5, 0.93), row("late", 0.1, 0.2, 0.3)),
        (row("lost", *[0.3] * 20), row("lost", 0.95)),
        (row("soon", 0.96), row("soon", 0.5, 0.92)),
        (row("even", 0.91), row("even", 0.91)),
    ]


def names(found):
    return [game[0]["image"] for game in found]


def test_heights_carry_the_last_value_on(games):
    found = browsing.heights(games)
    assert found[2] == pytest.approx([(0.5 + 4 * 0.92) / 5, 0.96])
    assert found[0][1] == pytest.approx((0.2 + 0.5 + 3 * 0.93) / 5)
    assert browsing.heights([]).shape == (0, 2)


def test_filters_and_their_order(games):
    assert names(browsing.kept(games)) == ["soon", "even", "late", "lost"]
    assert names(browsing.kept(games, who="wins")) == ["soon", "late"]
    assert names(browsing.kept(games, who="losses")) == ["even", "lost"]
    assert names(browsing.kept(games, clicks=(2, 19))) == ["late"]
    assert browsing.kept(games, who="wins", clicks=(20, 20)) == []


def test_pictures_have_all_dots_and_a_ring(games):
    figure = browsing.dots(games, 1)
    assert sum(len(line.get_xdata()) for line in figure.axes[0].lines[1:3]) == 4
    assert figure.axes[0].lines[3].get_xydata()[0] == pytest.approx(browsing.heights(games)[1])
    assert len(browsing.dots(games).axes[0].lines) == 3
    shown = browsing.replays(games, [0, 1], "two")
    assert [ax.get_title() for ax in shown.axes[:2]] == ["late", "lost"]
    assert len(shown.axes[3].texts) == 5 and shown.axes[3].yaxis_inverted()


def spot(browser, image):
    at = names(browser.games).index(image)
    x, y = browser._spots[at]
    return {"dataX": round(x), "dataY": round(y)}


def test_a_click_on_a_dot_shows_its_game(games):
    browser = browsing.Browser({"one": games, "none": []})
    width, height = Image.open(io.BytesIO(browser.map.value)).size
    assert (browser._spots >= 0).all() and (browser._spots <= (width, height)).all()
    for image in ("lost", "soon", "late"):
        before = browser.game.value
        browser.events._dom_handlers(spot(browser, image))
        assert names(browser.games)[browser.place.value] == image
        assert browser.game.value != before
    before = browser.place.value
    browser._clicked({"dataX": 1, "dataY": 1})  # far from every dot
    assert browser.place.value == before


def test_the_dots_are_painted_where_a_click_is_looked_for(games):
    browser = browsing.Browser({"one": games})
    picture = np.asarray(Image.open(io.BytesIO(browser.map.value)).convert("RGB"), int)
    at = spot(browser, "lost")
    assert np.ptp(picture[at["dataY"], at["dataX"]]) > 60  # coloured, on white paper


def test_filters_of_the_browser(games):
    browser = browsing.Browser({"one": games, "none": []})
    browser.place.value = 3
    browser.who.value = "losses"
    assert names(browser.games) == ["even", "lost"] and browser.place.value <= 1
    assert browser.place.max == 1
    browser.name.value = "none"
    assert browser.games == [] and browser.game.value == b""
    browser._clicked({"dataX": 100, "dataY": 100})
    browser.name.value = "one"
    assert names(browser.games) == ["even", "lost"] and browser.game.value
