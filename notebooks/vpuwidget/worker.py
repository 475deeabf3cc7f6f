"""A thread that never loses an action and never draws a picture that is out of date."""

import threading
from collections import deque
from collections.abc import Callable

REST = 10.0  # seconds


class Worker:
    """One thread that does jobs in turn: every action, but of each kind of picture the newest.

    Args:
        failed: called with what a job raises.
        rested: a job that is done whenever none has been asked for in `REST` seconds.
    """

    def __init__(
        self, failed: Callable[[Exception], object], rested: Callable[[], object]
    ) -> None:
        self._failed, self._rested, self._turn = failed, rested, threading.Condition()
        self._jobs: deque[Callable[[], object]] = deque()
        self._newest: dict[str, Callable[[], object]] = {}
        self._busy = self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="vpuformer-widget")
        self._thread.start()

    def do(self, job: Callable[[], object]) -> None:
        """Do a job after those asked for before; none is dropped."""
        with self._turn:
            self._jobs.append(job)
            self._turn.notify()

    def latest(self, name: str, job: Callable[[], object]) -> None:
        """Do a job when no action waits; one of the same name that waits is forgotten."""
        with self._turn:
            self._newest[name] = job
            self._turn.notify()

    @property
    def idle(self) -> bool:
        """Whether nothing is being done or waits."""
        with self._turn:
            return not (self._busy or self._jobs or self._newest)

    def close(self) -> None:
        """Do the actions that wait, draw no more; back when that is done."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(60)

    def _is_called(self) -> bool:
        return bool(self._jobs or self._newest or self._closed)

    def _run(self) -> None:
        while True:
            with self._turn:
                self._busy = False
                if not self._turn.wait_for(self._is_called, REST):
                    self._jobs.append(self._rested)
                if self._closed and not self._jobs:
                    return
                name = next(iter(self._newest), "")
                job = self._jobs.popleft() if self._jobs else self._newest.pop(name)
                self._busy = True
            try:
                job()
            except Exception as error:  # noqa: BLE001 (the thread must outlive any job)
                self._failed(error)
