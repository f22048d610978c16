"""Timing a statement: how often it runs, and how the result is printed."""

import itertools
import time

import pytest

from minigrad.utils.benchmark import Measurement, Timer


def test_a_statement_runs_as_often_as_asked_after_its_setup():
    seen = []
    names = {"seen": seen}
    measured = Timer("seen.append(x)\nseen[-1]", setup="x = 3", globals=names).timeit(5)
    assert len(seen) == 5 + 1 and set(seen) == {3}  # one to warm up
    assert measured.number_per_run == 5 and len(measured.times) == 1 and "x" not in names


def test_blocked_autorange_runs_for_the_given_time():
    clock = iter(range(10_000))
    measured = Timer("pass", timer=lambda: next(clock)).blocked_autorange(min_run_time=3)
    assert measured.raw_times == [1, 1, 1] and measured.number_per_run == 1 and measured.iqr == 0


def test_a_measurement_prints_as_in_pytorch():
    one = repr(Measurement(100, [0.02], "x @ x")).splitlines()
    assert one[1:] == ["x @ x", "  200.00 us", "  1 measurement, 100 runs , 1 thread"]
    several = Measurement(10, [0.02, 0.04, 0.06], "x @ x", 2, "product", "square", "ours")
    assert repr(several).splitlines()[1:] == [
        "product: square",
        "ours",
        "  Median: 4.00 ms",
        "  IQR:    2.00 ms",
        "  3 measurements, 10 runs per measurement, 2 threads",
    ]
    assert several.mean == pytest.approx(0.004)


def test_languages_other_than_python_are_refused():
    with pytest.raises(ValueError, match="only statements of Python are timed"):
        Timer("x;", language="cpp")


def test_adaptive_autorange_runs_until_the_times_agree():
    clock = iter([0, 1] * 5 + [*(t for seconds in (5, 9, 1, 1, 1, 1, 1, 1, 1) for t in (0, seconds))])
    calls = []
    measured = Timer("pass", timer=lambda: next(clock)).adaptive_autorange(
        0.5, max_run_time=100, callback=lambda runs, seconds: calls.append((runs, seconds))
    )
    assert calls == [(1, 5), (1, 9), *[(1, 1)] * 7]  # until three quarters of them are alike
    assert measured.raw_times == [seconds for _, seconds in calls] and measured.iqr == 0


def test_adaptive_autorange_ends_at_max_run_time():
    clock = iter(t for i in range(50) for t in (0, 4 ** (i % 3)))
    assert sum(Timer("pass", timer=lambda: next(clock)).adaptive_autorange(0.0, max_run_time=30).raw_times) < 30 + 16


def test_adaptive_autorange_ends_where_short_rounds_never_agree(monkeypatch):
    monkeypatch.setattr(Timer, "_find_block", lambda self, least: 1)
    began, ticks = time.perf_counter(), itertools.cycle((1e-9, 2e-9, 9e-9))

    def read_clock():
        read_clock.now += next(ticks)
        return read_clock.now

    def refuse_to_wait(runs, seconds):
        assert time.perf_counter() - began < 5

    read_clock.now = 0.0
    timer = Timer("pass", timer=read_clock)
    measured = timer.adaptive_autorange(0.0, min_run_time=0, max_run_time=0.05, callback=refuse_to_wait)
    assert len(measured.raw_times) >= 4 and sum(measured.raw_times) < 0.05


def test_one_interrupted_round_does_not_make_the_others_too_short():
    seconds = iter([0.0, 0.0, 1.0, 0.001, 0.001, 0.01, 0.01, 0.01])  # a warm-up of two, then rounds of 1 and of 10 runs
    clock = iter([t for s in seconds for t in (0.0, s)])
    assert Timer("pass", timer=lambda: next(clock))._find_block(0.01) == 10


def test_zero_runs_are_refused():
    with pytest.raises(ValueError, match="number must be at least 1, got 0"):
        Timer("pass").timeit(0)
