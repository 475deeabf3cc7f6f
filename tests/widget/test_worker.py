"""No action is lost, no old picture is drawn, and no failing job ends the thread."""

import threading

import pytest

from vpuwidget import worker as worker_module
from vpuwidget.worker import Worker


@pytest.fixture
def failed():
    return []


@pytest.fixture
def worker(failed):
    one = Worker(failed.append, list)
    yield one
    one.close()


def wait(worker):
    done = threading.Event()
    worker.latest("last", done.set)
    assert done.wait(20)


def alive():
    return {thread for thread in threading.enumerate() if thread.name == "vpuformer-widget"}


def test_actions_keep_their_order_and_pictures_the_newest(worker):
    gate, begun, heard = threading.Event(), threading.Event(), []
    worker.do(lambda: (begun.set(), gate.wait(20)))
    assert begun.wait(20)
    for k in range(50):
        worker.latest("picture", lambda k=k: heard.append(f"picture {k}"))
        worker.do(lambda k=k: heard.append(k))
    assert not worker.idle
    gate.set()
    wait(worker)
    assert heard == [*range(50), "picture 49"]


def test_a_failing_job_is_told_and_the_next_is_done(worker, failed):
    heard = []
    worker.do(lambda: 1 / 0)
    worker.do(lambda: heard.append("next"))
    wait(worker)
    assert heard == ["next"] and isinstance(failed[0], ZeroDivisionError)


def test_a_closed_worker_does_the_actions_that_wait_and_ends_its_thread(failed):
    before, heard, begun, gate = alive(), [], threading.Event(), threading.Event()
    one = Worker(failed.append, list)
    one.do(lambda: (begun.set(), gate.wait(20)))
    assert begun.wait(20)
    one.do(lambda: heard.append("action"))
    one.latest("picture", lambda: heard.append("picture"))
    threading.Timer(0.05, gate.set).start()
    one.close()
    one.close()
    assert heard == ["action"] and not failed
    assert alive() == before


def test_a_worker_may_close_itself(failed):
    one, ended = Worker(failed.append, list), threading.Event()
    one.do(lambda: (one.close(), ended.set()))
    assert ended.wait(20) and not failed


def test_a_rest_is_told_again_and_again(failed, monkeypatch):
    monkeypatch.setattr(worker_module, "REST", 0.01)
    rests = threading.Semaphore(0)
    one = Worker(failed.append, rests.release)
    assert all(rests.acquire(timeout=20) for _ in range(3)) and not failed
    one.close()
