"""Notebook 08: the objects of two stored runs as dots, and the games of the dot that is clicked."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as W
import numpy as np
from ipyevents import Event
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vpucourse import curves, pictures
from vpuformer.drawing import palette
from vpuformer.metrics import iou_at, noc

Game = tuple[dict[str, Any], dict[str, Any]]  # ours and the rival's row on one object
NEAR = 12  # pixels of the picture from a dot that still hit it


def heights(games: Sequence[Game]) -> np.ndarray:
    """Mean IoU of the first five clicks, the rival's and ours, `[G, 2]`."""
    pairs = [[[iou_at(row["ious"], k) for k in range(1, 6)] for row in game] for game in games]
    return np.array(pairs, float).reshape(-1, 2, 5).mean(2)[:, ::-1]


def kept(
    games: Sequence[Game], *, who: str = "all", clicks: Sequence[int] = (1, 20)
) -> list[Game]:
    """The games that pass a filter, by our clicks to 90 %, then by our last IoU.

    Args:
        games: of one or several sets.
        who: "all", "wins" or "losses" of ours, by the mean IoU of the first five clicks.
        clicks: the fewest and the most of our clicks to 90 %; 20 holds the failures.
    """
    wins = heights(games) @ (-1, 1) > 0
    wanted = np.ones_like(wins) if who == "all" else wins == (who == "wins")
    low, high = clicks

    def rule(game: Game) -> tuple[Any, ...]:
        row = game[0]
        return noc(row["ious"], 0.9), -row["ious"][-1], row["image"], row["instance"]

    found = [game for game, yes in zip(games, wanted, strict=True) if yes]
    return sorted((g for g in found if low <= rule(g)[0] <= high), key=rule)


def dots(games: Sequence[Game], chosen: int | None = None, title: str = "") -> Figure:
    """One dot a game: ours above the line are wins (discs), below it losses (squares).

    Args:
        games: as `kept` gives them.
        chosen: the one with a ring around it.
        title: the finding.
    """
    figure, at = curves.sheet(3.1, title), heights(games)
    with curves.style():
        ax = figure.subplots()
        ax.plot([0, 1], [0, 1], color=palette.GREY, lw=0.8, ls=":")
        for sign, won in (("o", True), ("s", False)):
            x, y = at[(at @ (-1, 1) > 0) == won].T
            colour = palette.of_sign(won)
            ax.plot(x, y, sign, ms=4.5, color=colour, mec=palette.PAPER, mew=0.4)
        if chosen is not None and len(at):
            ax.plot(*at[chosen], "o", ms=12, mfc="none", mec=palette.INK, mew=2)
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="ours, mean IoU of five clicks")
        ax.set_xlabel("cv2.grabCut, mean IoU of its first five clicks")
    return figure


def replays(games: Sequence[Game], places: Sequence[int], title: str = "") -> Figure:
    """The games at some places side by side: IoU after each click, and where our five first fell.

    Args:
        games: as `kept` gives them.
        places: indices.
        title: the finding.
    """
    figure = curves.sheet(4.2, title)
    with curves.style():
        axes = figure.subplots(2, len(places), squeeze=False)
        for (top, low), place in zip(axes.T, places, strict=True):
            _staircase(top, games[place])
            _clicks(low, games[place][0]["prompts"][:5])
        axes[0, 0].set_ylabel("IoU (0 to 1)")
        axes[1, 0].set_ylabel("y (pixels)")
    return figure


def _staircase(ax: Axes, game: Game) -> None:
    for i, row in enumerate(game):
        colour, dash, marker = palette.curve(i)
        rounds = range(1, len(row["ious"]) + 1)
        ax.plot(rounds, row["ious"], color=colour, ls=dash, marker=marker, ms=4)
    ax.axhline(0.9, color=palette.GREY, lw=0.8, ls=":")
    ax.set(title=game[0]["image"], xlim=(0.5, 20.5), ylim=(0, 1.02), xlabel="clicks")


def _clicks(ax: Axes, prompts: Sequence[dict[str, Any]]) -> None:
    words: Any = {"color": palette.PAPER, "ha": "center", "va": "center_baseline", "size": 9}
    for k, p in reversed([*enumerate(prompts, 1)]):
        colour, sign = palette.of_sign(p["positive"]), "so"[p["positive"]]
        ax.plot(p["x"], p["y"], sign, ms=11, color=colour, mec=palette.PAPER)
        ax.text(p["x"], p["y"], str(k), **words)
    ax.set_aspect("equal", "datalim")
    ax.set(xlabel="x (pixels)")
    ax.margins(0.25)
    ax.invert_yaxis()


class Browser:
    """The dots as a picture to click on, with filters; the chosen dot's replay under it.

    Args:
        sets: name → its games, ours and the rival's.

    Attributes:
        widget: to display.
        games: what the filters let through.
        place: the slider that holds the chosen game's place among them; arrow keys move it.
    """

    def __init__(self, sets: dict[str, list[Game]]) -> None:
        self.sets, self.games, self._spots = sets, [], np.zeros((0, 2))
        self.name = W.Dropdown(options=[*sets], description="set")
        self.who = W.Dropdown(options=["all", "wins", "losses"], description="of ours")
        self.clicks = W.IntRangeSlider(value=(1, 20), min=1, max=20, description="clicks")
        self.place = W.IntSlider(description="object", continuous_update=False)
        look = {"max_width": "100%", "height": "auto", "align_self": "flex-start"}
        self.map, self.game = W.Image(layout=look), W.Image(layout=look)
        self.events = Event(source=self.map, watched_events=["click"])
        self.events.on_dom_event(self._clicked)
        filters = (self.name, self.who, self.clicks)
        for control in filters:
            control.observe(self._filter, "value")
        self.place.observe(self._draw, "value")
        row = W.HBox(filters, layout={"flex_flow": "row wrap"})
        self.widget = W.VBox([row, self.map, self.place, self.game])
        self._filter()

    def _filter(self, _: Any = None) -> None:
        games, who = self.sets[str(self.name.value)], str(self.who.value)
        self.games = kept(games, who=who, clicks=self.clicks.value)
        self.place.max = max(0, len(self.games) - 1)  # may move the place, and draw
        self._draw()

    def _draw(self, _: Any = None) -> None:
        place, count = self.place.value, len(self.games)
        figure = dots(self.games, place if count else None, f"{count} objects: click a dot")
        _paint(self.map, figure)
        spots = figure.axes[0].transData.transform(heights(self.games))
        self._spots = np.column_stack([spots[:, 0], figure.bbox.height - spots[:, 1]])
        self.game.value = b""
        if count:
            _paint(self.game, replays(self.games, [place]))

    def _clicked(self, event: dict[str, Any]) -> None:
        if not len(self.games):
            return
        away = np.hypot(*(self._spots - (event["dataX"], event["dataY"])).T)
        if away.min() <= NEAR:
            self.place.value = int(away.argmin())


def _paint(image: W.Image, figure: Figure) -> None:
    kind, picture = curves.encoded(figure)
    image.format, image.value = kind.split("/")[1], picture


def browse(sets: dict[str, list[Game]]) -> Browser:
    """A `Browser` on the page; a printed page shows one line instead."""
    from IPython.display import display

    browser = Browser(sets)
    pictures.promise("dots to filter and to click on")
    display(browser.widget)
    return browser
