"""The scripts import each other as they do when run: their folder stands on the path."""

import hashlib
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "data_scripts")]

PAGE = b"<!DOCTYPE html><html><body>Please log in.</body></html>" * 20


class Published(BaseHTTPRequestHandler):
    """Serves bytes with ranges and ETags; a path's faults are answered first, one a request."""

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        faults = server.faults[self.path]
        fault = faults.pop(0) if faults else None
        content = server.files.get(self.path)
        if fault == "down" or content is None:
            self.send_error(503 if fault else 404)
            return
        if fault in ("page", "hidden page"):
            content = PAGE
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        total, start = len(content), 0
        span = self.headers.get("Range")
        same = self.headers.get("If-Range", tag) == tag
        if span and same and fault not in ("whole", "page", "hidden page"):
            start = int(span.removeprefix("bytes=").removesuffix("-"))
            if start >= total:
                self.send_error(416)
                return
        content = content[start:]
        self.send_response(206 if start else 200)
        if start:
            shown = start + 1 if fault == "other range" else start
            self.send_header("Content-Range", f"bytes {shown}-{total - 1}/{total}")
        self.send_header("Content-Type", "text/html" if fault == "page" else "application/zip")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    import fetch

    monkeypatch.setattr(fetch, "PAUSE", 0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    server.files, server.faults, server.asked = {}, defaultdict(list), []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def desk(request, server, tmp_path):
    from desk import Desk

    return Desk(*request.param, server, tmp_path)
