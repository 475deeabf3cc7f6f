"""The README's animation, made anew: `python docs/widget_gif.py` writes docs/widget.webp.

Scripted mouse events in a real JupyterLab; each frame is what the browser shows, with a pointer
drawn where the mouse is. Needs the extras `notebooks` and `dev`, and Chromium.
"""

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

from vpuformer.drawing import palette

ROOT = Path(__file__).resolve().parent.parent
OUT, WIDE = ROOT / "docs" / "widget.webp", 600
CELL = """
import vpuformer as vpu
from skimage import data
w = vpu.PromptWidget(data.coffee(), vpu.load("lite0", device="cpu"), width=560)
w
"""
ARROW = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))


class Film:
    """Frames of the widget, and the mouse that acts in it."""

    def __init__(self, book: Any) -> None:
        self.book, self.at = book, (420.0, 330.0)
        self.frames: list[Image.Image] = []
        self.times: list[int] = []

    def shoot(self, ms: int) -> None:
        """A frame of what is shown, for so many milliseconds."""
        place = self.book.page.locator(".vpu-widget").first.bounding_box()
        place["width"] = min(place["width"], 870.0)  # what is right of the controls is empty
        picture = Image.open(io.BytesIO(self.book.page.screenshot(clip=place))).convert("RGB")
        left, top = self.at[0] - place["x"], self.at[1] - place["y"]
        shape = [(left + x, top + y) for x, y in ARROW]
        ImageDraw.Draw(picture).polygon(shape, fill=palette.PAPER, outline=palette.INK)
        high = round(picture.height * WIDE / picture.width)
        self.frames.append(picture.resize((WIDE, high), Image.Resampling.LANCZOS))
        self.times.append(ms)

    def go(self, x: float, y: float, steps: int = 5, ms: int = 60) -> None:
        """Move to a point of the photo."""
        (u, v), (u0, v0) = self.book.at(x, y), self.at
        for step in range(1, steps + 1):
            self.at = u0 + (u - u0) * step / steps, v0 + (v - v0) * step / steps
            self.book.page.mouse.move(*self.at)
            self.book.settle()
            self.shoot(ms)

    def press(self, *path: tuple[float, float], button: str = "left", hold: int = 1100) -> None:
        """Press at the first point, drag over the others, let go."""
        self.go(*path[0])
        self.book.page.mouse.down(button=button)
        for point in path[1:]:
            self.go(*point)
        self.book.page.mouse.up(button=button)
        self.book.settle()
        self.shoot(hold)

    def key(self, key: str, hold: int = 500) -> None:
        """Press a key on the photo."""
        self.book.press(key)
        self.shoot(hold)

    def save(self) -> None:
        """Write the animation; all frames get the largest one's height."""
        high = max(frame.height for frame in self.frames)
        sheets = [Image.new("RGB", (WIDE, high), palette.PAPER) for _ in self.frames]
        for sheet, frame in zip(sheets, self.frames, strict=True):
            sheet.paste(frame)
        first, *rest = sheets
        first.save(
            OUT,
            save_all=True,
            append_images=rest,
            duration=self.times,
            loop=0,
            quality=70,
            method=4,
        )


def play(film: Film) -> None:
    """A box, a right click, a second object by a scribble, and its vector."""
    film.shoot(900)
    film.key("b", 200)
    film.press((168, 13), (412, 312))
    film.key("c", 200)
    film.press((370, 290), button="right", hold=1500)
    film.key("n")
    film.key("s", 200)
    film.press((405, 80), (375, 220), (370, 290), hold=1500)
    film.key("v", hold=2500)


def main() -> None:
    """Open JupyterLab, act, write the file."""
    sys.path.insert(0, str(ROOT / "tests"))
    from widget.browser import CHROMIUM, Notebook, Server, write_notebook

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            write_notebook(server, "film.ipynb", CELL)
            page = browser.new_page(viewport={"width": 1190, "height": 900})
            book = Notebook(page, server, "film.ipynb")
            book.run()
            page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
            page.locator(".vpu-widget").first.scroll_into_view_if_needed()
            book.settle()
            film = Film(book)
            play(film)
            film.save()
            book.close()
        finally:
            browser.close()
            server.close()


if __name__ == "__main__":
    main()
