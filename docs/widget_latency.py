"""From mouse-up to the repainted mask: `python docs/widget_latency.py`, on an idle machine.

A real JupyterLab in Chromium, a photo of 512 pixels, the shipped weights; prompts by mouse. Stages:
event (mouse-up to the kernel), encode, decode, png (the mask's small picture), rest (the kernel's
other work: thresholds, queue, messages), paint (from the kernel's last message to the page's next
frame). Writes results/widget_latency.json. Needs the extras `notebooks` and `dev`, and Chromium.
"""

import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from playwright.sync_api import sync_playwright

from vpuformer.evaluation import versions
from vpuformer.weights import load

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "results" / "widget_latency.json"
ROUNDS = 12  # conversations
CLICKS = ((240, 150, True), (250, 230, True), (330, 90, False), (420, 250, False), (180, 200, True))
CELL = """
import time
import numpy as np
import vpuformer as vpu
from PIL import Image
from skimage import data
from vpuformer.widget.session import Session
photo = np.asarray(Image.fromarray(data.coffee()).resize((512, 341)))
model = vpu.load("lite0", device="cpu")
w = vpu.PromptWidget(photo, model)
heard = []
ask = w.ask
w.ask = lambda job: (heard.append(time.time()), ask(job))
w
"""
# The page tells when the canvas that is seen has other pixels, at the frame that follows.
WATCH = """() => {
const seen = document.querySelector('.vpu-widget canvas'), pen = seen.getContext('2d');
const sum = () => { const d = new Uint32Array(
  pen.getImageData(0, 0, seen.width, seen.height).data.buffer);
  let s = 0; for (let i = 0; i < d.length; i += 7) s = (s * 31 + d[i]) | 0; return s };
window.lag = {up: null, painted: null, before: null};
document.addEventListener('mouseup', e => {
  lag.up = performance.timeOrigin + e.timeStamp; lag.painted = null; lag.before = sum() }, true);
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function(...args) {
  draw.apply(this, args);
  if (this.canvas === seen && lag.up && lag.painted === null && sum() !== lag.before) {
    lag.painted = 0;
    requestAnimationFrame(() => { lag.painted = performance.timeOrigin + performance.now() }) } };
}"""


def once(book: Any, x: float, y: float, positive: bool) -> dict[str, float]:
    """One prompt's milliseconds, by stage and in all."""
    at = book.at(x, y)
    book.page.mouse.move(*at, steps=3)
    book.pause(400)
    book.page.mouse.click(*at, button="left" if positive else "right")
    book.page.wait_for_function("window.lag.painted > 0", timeout=60_000)
    book.settle()
    lag = book.page.evaluate("window.lag")
    heard, stages = book.kernel("[heard[-1], w.stages]")
    named = {name: 1000 * stages[name] for name in ("encode", "decode", "png")}
    kernel, event = 1000 * stages["total"], 1000 * heard - lag["up"]
    total = lag["painted"] - lag["up"]
    rest = {"rest": kernel - sum(named.values()), "paint": total - event - kernel}
    return {"event": event, **named, **rest, "total": total}


def measure(rounds: int = ROUNDS) -> list[list[dict[str, float]]]:
    """Conversations of `CLICKS`, each a list of prompts' milliseconds."""
    sys.path.insert(0, str(ROOT / "tests"))
    from widget.browser import CHROMIUM, Notebook, Server, write_notebook

    found = []
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            write_notebook(server, "latency.ipynb", CELL)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            book = Notebook(page, server, "latency.ipynb")
            book.run()
            page.evaluate(WATCH)
            for k in range(rounds):  # each saved at every change, as a person's is
                book.kernel("0", f"w.show(Session(photo, model, autosave='talk-{k}.json'))")
                book.settle()
                time.sleep(0.5)
                found.append([once(book, *click) for click in CLICKS])
            book.close()
        finally:
            browser.close()
            server.close()
    return found


def summary(found: list[list[dict[str, float]]]) -> dict[str, Any]:
    """What results/widget_latency.json says."""
    every = [prompt for talk in found[1:] for prompt in talk]  # the first warms up
    totals = [prompt["total"] for prompt in every]
    first, rest = [t[0]["total"] for t in found[1:]], [p["total"] for t in found[1:] for p in t[1:]]
    return {
        "command": "python docs/widget_latency.py",
        "date": datetime.now(UTC).date().isoformat(),
        "device": f"{torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),  # as the kernel's: the environment is the same
        "weights_hash": load("lite0", device="cpu").weights_hash,
        "photo": [341, 512],
        "prompts": len(every),
        "median_ms": round(median(totals), 1),
        "p95_ms": round(quantiles(totals, n=20)[-1], 1),
        "first_median_ms": round(median(first), 1),
        "later_median_ms": round(median(rest), 1),
        "stages_median_ms": {
            name: round(median(prompt[name] for prompt in every), 1) for name in every[0]
        },
        "load_before": round(LOAD, 2),
        "versions": versions(),
    }


LOAD = os.getloadavg()[0]  # near 0 on an idle machine

if __name__ == "__main__":
    numbers = summary(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
    OUT.write_text(json.dumps(numbers, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(numbers, indent=1) + "\n")
