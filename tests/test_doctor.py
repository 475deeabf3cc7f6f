"""The doctor's table: one line per check, never an exception."""

import pytest

import vpuformer as vpu
from vpuformer.doctor import Check, Report, _checked


@pytest.fixture(scope="module")
def report():
    return vpu.doctor()


def test_every_check_has_a_line(report):
    expected = [
        "python",
        "torch",
        "cv2",
        "weights",
        "threads",
        "bf16",
        "disk",
        "widget",
        "kernel",
    ]
    assert [row.what for row in report.rows] == expected


def test_what_the_tests_themselves_need_is_fine(report):
    rows = {row.what: row for row in report.rows}
    assert all(rows[what].ok for what in ("python", "torch", "cv2", "threads", "bf16"))


def test_a_fine_line_has_no_fix_and_a_bad_one_has(report):
    assert all(bool(row.fix) != row.ok for row in report.rows)


def test_a_failing_check_becomes_a_line():
    def look():
        raise OSError("disk on fire\nsecond line")

    row = _checked("disk", look, "Call for help.")
    assert row == Check("disk", False, "OSError: disk on fire", "Call for help.")
    assert _checked("disk", lambda: (True, "fine"), "Nothing.").fix == ""


def test_text_is_a_table_with_the_way_out():
    report = Report((Check("python", True, "3.11"), Check("cv2", False, "gone", "pip install it")))
    lines = repr(report).splitlines()
    assert lines[0] == "OK   python  3.11"
    assert lines[1] == "FIX  cv2     gone"
    assert lines[2].strip() == "-> pip install it"
    assert not report.ok and Report(report.rows[:1]).ok
