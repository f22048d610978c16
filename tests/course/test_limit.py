"""The time limit: it stops Python code, restores the previous tracer, and costs nothing afterwards."""

import contextlib
import itertools
import sys

import pytest

from minigrad.course.limit import TooLong, time_limit


def spin():
    while True:
        pass


def test_a_loop_in_a_function_is_stopped():
    with pytest.raises(TooLong), time_limit(0.05):
        spin()


def spin_in_a_line():
    while True: pass  # noqa: E701  # fmt: skip


def spin_in_a_list():
    return [x for x in itertools.count() if x < 0]


def test_a_loop_in_one_line_is_stopped():
    """Within it Python reports no new line to a tracer."""
    with pytest.raises(TooLong), time_limit(0.05):
        spin_in_a_line()
    with pytest.raises(TooLong), time_limit(0.05):
        spin_in_a_list()


def test_a_program_that_ends_in_time_is_not_stopped():
    with time_limit(5):
        assert sum(range(1000)) == 499500


def test_the_previous_tracer_is_restored():
    seen = []

    def tracer(frame, event, argument):
        seen.append(event)

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        with pytest.raises(TooLong), time_limit(0.02):
            spin()
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_a_loop_that_catches_every_exception_is_stopped():
    def stubborn():
        while True:
            with contextlib.suppress(Exception):
                spin()

    with pytest.raises(TooLong), time_limit(0.05):
        stubborn()
