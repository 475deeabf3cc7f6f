"""A real JupyterLab and a real Chromium for tests: one server, one browser, own folders."""

import base64
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import nbformat
from jupyter_client.blocking import BlockingKernelClient

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "widget-tests"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
CANVAS = ".jp-OutputArea-output canvas"
FLAGS = ["--no-sandbox", "--disable-gpu"]
NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false}'


def _free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """JupyterLab on a free port, its settings in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.root, self.runtime, self.port = home / "work", home / "runtime", _free_port()
        self.cache = home / "cache"  # where widgets keep sessions
        self.log = home / "server.log"
        news = home / "settings" / "@jupyterlab" / "apputils-extension"
        for folder in (self.root, self.runtime, news):
            folder.mkdir(parents=True)
        (news / "notification.jupyterlab-settings").write_text(NO_NEWS)
        places = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "VPUFORMER_CACHE": "cache",
        }
        env = {**os.environ, **{name: str(home / place) for name, place in places.items()}}
        paths = os.pathsep.join([str(ROOT), str(ROOT / "notebooks")])  # this checkout's own code
        env |= {"PYTHONPATH": paths, "JUPYTER_PREFER_ENV_PATH": "1"}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}"]
        command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
        command += [f"--ServerApp.root_dir={self.root}", "--LabApp.extension_manager=readonly"]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        command += ["--LabApp.expose_app_in_browser=True"]
        command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        for _ in range(300):
            try:
                self.get("status")
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.2)
        raise TimeoutError(self.log.read_text())

    def _call(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            headers={"Authorization": f"token {TOKEN}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def get(self, path: str):
        return json.loads(self._call(path))

    def kernel_id(self, name: str) -> str:
        return next(s["kernel"]["id"] for s in self.get("sessions") if s["path"] == name)

    def restart_kernel(self, name: str) -> None:
        self._call(f"kernels/{self.kernel_id(name)}/restart", "POST")

    def end_sessions(self) -> None:
        for session in self.get("sessions"):
            self._call(f"sessions/{session['id']}", "DELETE")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Kernel:
    """A second client of a notebook's kernel: what Python holds, read while the page is used."""

    def __init__(self, server: Server, name: str) -> None:
        file = server.runtime / f"kernel-{server.kernel_id(name)}.json"
        self.client = BlockingKernelClient(connection_file=str(file))
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(60)

    def __call__(self, expression: str, code: str = ""):
        """The value of an expression that is plain data, after running `code`."""
        ask = {"value": f"__import__('json').dumps({expression})"}
        sent = self.client.execute(code, silent=True, user_expressions=ask)
        while True:
            reply = self.client.get_shell_msg(timeout=180)
            if reply["parent_header"].get("msg_id") == sent:
                break
        content = reply["content"]
        assert content["status"] == "ok", content
        value = content["user_expressions"]["value"]
        assert value["status"] == "ok", value
        return json.loads(eval(value["data"]["text/plain"], {}))

    def close(self) -> None:
        self.client.stop_channels()


class Notebook:
    """A notebook open in the browser: run it, point at its canvas, read its kernel."""

    def __init__(self, page, server: Server, name: str, app: str = "lab/tree") -> None:
        self.page, self.server, self.name = page, server, name
        query = f"?token={TOKEN}" + ("&reset" if app == "lab/tree" else "")
        self.url = f"http://127.0.0.1:{server.port}/{app}/{name}{query}"
        self.kernel: Kernel | None = None
        self.open()

    def open(self) -> None:
        """Load the page and wait for the kernel."""
        self.page.goto(self.url)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            " == 'idle'",
            timeout=60_000,
        )

    def run(self, wait: str = CANVAS) -> None:
        """Run all cells and wait for the widget."""
        self.command("notebook:run-all-cells")
        self.page.wait_for_selector(wait, timeout=90_000)
        if self.kernel:
            self.kernel.close()
        self.kernel = Kernel(self.server, self.name)
        self.page.locator(CANVAS).first.scroll_into_view_if_needed()
        self.settle()

    def command(self, name: str) -> None:
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name) }", name)

    def pause(self, ms: int = 50) -> None:
        self.page.wait_for_timeout(ms)  # time.sleep would stop the page's own events

    def until(self, expression: str, wanted=True, seconds: float = 20.0):
        """Wait until an expression in the kernel has a value; returns it."""
        end = time.monotonic() + seconds
        while (found := self.kernel(expression)) != wanted:
            assert time.monotonic() < end, f"{expression} is {found!r}, expected {wanted!r}"
            self.pause(40)
        return found

    def settle(self) -> None:
        """Wait until the widget has done and drawn all it was told, and the page has shown it."""
        self.pause(150)  # events on their way; a test that needs one waits for what it brings
        self.until("w.idle")
        self.pause(150)

    def box(self) -> dict:
        """The canvas on the page now (read afresh: focus may have scrolled)."""
        return self.page.locator(CANVAS).first.bounding_box()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The page's point of a point (x, y) of the image, as the kernel's view says."""
        u, v = self.kernel(f"list(map(float, w.canvas.view.to_canvas({x}, {y})))")
        box, (high, wide) = (
            self.box(),
            self.kernel("[w.canvas.widget.height, w.canvas.widget.width]"),
        )
        return box["x"] + u * box["width"] / wide, box["y"] + v * box["height"] / high

    def click(self, x: float, y: float, button: str = "left") -> None:
        at = self.at(x, y)
        self.page.mouse.move(*at)
        self.page.mouse.click(*at, button=button)
        self.settle()

    def press(self, key: str) -> None:
        """Press a key on the canvas."""
        self.page.locator(CANVAS).first.focus()
        self.page.keyboard.press(key)
        self.settle()

    def drag(self, *points: tuple[float, float], button: str = "left", steps: int = 6) -> None:
        first, *rest = [self.at(*p) for p in points]
        self.page.mouse.move(*first)
        self.page.mouse.down(button=button)
        for point in rest:
            self.page.mouse.move(*point, steps=steps)
        self.page.mouse.up(button=button)
        self.settle()

    def pixel(self, x: float, y: float) -> list[int]:
        """RGBA of the shown canvas at a point of the image."""
        u, v = self.kernel(f"list(map(float, w.canvas.view.to_canvas({x}, {y})))")
        script = (
            "([s, u, v]) => Array.from(document.querySelector(s).getContext('2d')"
            ".getImageData(u, v, 1, 1).data)"
        )
        return self.page.evaluate(script, [CANVAS, round(u), round(v)])

    def button(self, name: str) -> None:
        """Press a button of the widget by its label or tool tip."""
        self.page.locator(f'.vpu-widget button[title^="{name}"]').first.click()
        self.settle()

    def shot(self, name: str) -> None:
        """Keep a picture of the page, where VPU_SCREENSHOTS names a folder."""
        if folder := os.environ.get("VPU_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            devtools = self.page.context.new_cdp_session(self.page)  # whole at any zoom
            picture = devtools.send("Page.captureScreenshot")["data"]
            (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(picture))

    def close(self) -> None:
        if self.kernel:
            self.kernel.close()
        self.page.context.close()


def zoomed(playwright, profile: Path, zoom: float, ratio: float = 1.0):
    """A window of a Chromium that zooms every page, as its menu does: no key does so headless."""
    level = math.log(zoom, 1.2)
    (profile / "Default").mkdir(parents=True)
    settings = json.dumps({"partition": {"default_zoom_level": {"x": level}}})
    (profile / "Default" / "Preferences").write_text(settings)
    flags = [*FLAGS, "--window-size=1280,900", f"--force-device-scale-factor={ratio}"]
    return playwright.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=flags, no_viewport=True
    )


def write_notebook(server: Server, name: str, *cells: str) -> None:
    """A notebook of code cells in the server's folder."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(book, server.root / name)
