"""The limits of time and memory: Python code is stopped, and the tracer and the limit of before are restored."""

import contextlib
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from minigrad.course import limit
from minigrad.course.limit import TooLong, memory_limit, time_limit


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


def test_on_a_busy_machine_only_computing_counts_up_to_ten_times_the_limit(monkeypatch):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now, process_time=lambda: 0.0)
    monkeypatch.setattr(limit, "time", clock)

    def wait(seconds):
        for _ in range(seconds):
            clock.now += 1.0

    with time_limit(1):
        wait(10)
    with pytest.raises(TooLong), time_limit(1):
        wait(12)


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


def test_the_limit_of_memory_is_restored():
    resource = pytest.importorskip("resource", reason="memory is limited on Linux")
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    with memory_limit(64):  # GiB beside what is in use
        within = resource.getrlimit(resource.RLIMIT_AS)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    if within != before:  # beside CuPy, or under a lower limit, it stays
        assert abs(within[0] - size - 64 * 2**30) < 2**30
