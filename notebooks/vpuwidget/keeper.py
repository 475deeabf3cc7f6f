"""Sessions that a restarted kernel goes on with: each photo's in a file of the cache."""

import errno
import hashlib
import html
import os
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np

from vpuformer.errors import ImageError, VPUError, read_json
from vpuformer.widget.session import Session
from vpuwidget.cells import running

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # what a lock of another's raises
ANEW = ("clear [k] forgets the prompts", "clear [k] or delete [d] each object")


def cache() -> Path:
    """The folder of kept sessions; $VPUFORMER_CACHE may name another place."""
    if own := os.environ.get("VPUFORMER_CACHE"):
        return Path(own) / "sessions"
    place = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    if sys.platform == "win32":
        place = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        place = "~/Library/Caches"
    return Path(place).expanduser() / "vpuformer" / "sessions"


class Keeper:
    """Opens sessions and keeps them; a photo (with its start mask) that was here before goes on.

    A file of the cache has one widget at a time: a second one on the same photo, here or in another
    notebook, has a file of its own.

    Args:
        autosave: True keeps sessions in the cache where a page runs the cell, for what runs without
            one must not depend on what was done before; False and None keep none; a path is the
            first photo's file, page or not.
    """

    def __init__(self, autosave: bool | str | Path | None) -> None:
        self._given = None if isinstance(autosave, bool) or not autosave else Path(autosave)
        self._keeps = bool(autosave and running()[0])
        self._path: Path | None = None
        self._held: IO[bytes] | None = None
        self._session: Session | None = None
        self._news = ""

    def opened(self, image: Any, model: Any, name: str = "", **options: Any) -> Session:
        """A session on a photo, from its file where there is one; a failure changes nothing.

        Args:
            image: what a Session takes.
            model: what a Session takes; of other weights than the file's, it answers anew.
            name: what COCO files call the photo, where its own does not tell.
            options: what else a Session takes, but `autosave`.
        """
        try:
            session, path, held, news = Session(image, model, **options), self._given, None, ""
        except ImageError as error:
            raise ImageError(f"{name}: {error}" if name else str(error)) from None
        if path is None and self._keeps:
            path, held = self._free(_key(session, options.get("mask")))
        if path is not None and path.is_file():
            session, news = _gone_on(session, path, bool(self._given))
        session.autosave, session.name = path, name or session.name
        if held is not self._held:
            self.release()
        self._path, self._held, self._session, self._news = path, held, session, news
        self._given = None
        return session

    def shown(self, session: Session) -> str:
        """What to say, in HTML, now that a session is shown; the file of another is let go."""
        if session is not self._session:
            self.release()
            return ""
        return self._news

    def release(self) -> None:
        """Leave the file to others; the lock's own file goes."""
        if self._held is not None and self._path is not None:
            with suppress(OSError):  # Windows keeps what is open
                self._path.with_suffix(".lock").unlink()
            self._held.close()
        self._path = self._held = self._session = None

    def _free(self, key: str) -> tuple[Path, IO[bytes] | None]:
        """The first file of a name that no other widget has, and the lock that says so."""
        for n in count(1):
            path = cache() / f"{key}{f'-{n}' if n > 1 else ''}.json"
            if path == self._path:
                return path, self._held
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                held = _locked(path.with_suffix(".lock"))
            except OSError:  # the first change tells why, as `Session.trouble`
                return path, None
            if held:
                return path, held
        raise AssertionError


def _locked(path: Path) -> IO[bytes] | None:
    """The file, locked; None when another has it.

    Who lets it go removes it, so it may be gone (and be another one) between opening and locking.
    """
    while True:
        file = path.open("ab")
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in TAKEN:  # a disk without locks
                return file
            file.close()
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def _key(session: Session, mask: np.ndarray | None) -> str:
    """Names a photo, and the mask that it starts from."""
    name = hashlib.sha256(session.answers.identity["image"].encode())
    if mask is not None:
        name.update(np.packbits(np.asarray(mask, bool)).tobytes())
    return name.hexdigest()[:24]


def _gone_on(fresh: Session, path: Path, is_given: bool) -> tuple[Session, str]:
    """The session of a file, answering as the fresh one would, and what to say of it."""
    answers = fresh.answers
    try:
        record = read_json(path)
        if isinstance(record, dict):
            record["precision"] = answers.predictor.precision
        session = Session.from_json(record, fresh.image, answers.model, any_weights=True)
    except VPUError as error:
        if is_given:
            raise
        with suppress(OSError):
            path.replace(path.with_suffix(".bad"))
        told = (
            f"What was kept of this photo cannot be opened, and is {path.stem}.bad now. {error}"
        )
        return fresh, f"<span class='vpu-wrong'>{html.escape(told)}</span>"
    session.truth, session.name = fresh.truth, fresh.name
    if all(thing.is_empty for thing in session.objects):
        return session, ""
    news = f"Back from before. To start anew: {ANEW[len(session.objects) > 1]}."
    if record["weights"] != answers.identity["weights"]:
        news += " The weights are others now, so the masks are computed anew."
    return session, news
