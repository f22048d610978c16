"""`torch.utils.benchmark`: the time of a statement, as the median of many short measurements.

Source: https://docs.pytorch.org/docs/stable/benchmark_utils.html
"""

from __future__ import annotations

import builtins
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, median, quantiles
from time import perf_counter
from typing import Any, TypeAlias

from minigrad import get_num_threads, set_num_threads
from minigrad.backend import is_available, library
from minigrad.devices import device
from minigrad.missing import explain_missing

__all__ = ["Measurement", "Timer"]

Callback: TypeAlias = Callable[[int, float], Any]
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


@dataclass(repr=False)
class Measurement:
    """The measured times of a statement, in rounds of `number_per_run` runs; `times` are seconds per run.

    >>> from minigrad.utils.benchmark import Measurement
    >>> Measurement(10, [0.02, 0.04], "x + x").median
    0.003
    """

    number_per_run: int
    raw_times: list[float]
    stmt: str
    num_threads: int = 1
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None

    @property
    def times(self) -> list[float]:
        """Seconds per run, for each round."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean of `times`."""
        return mean(self.times)

    @property
    def median(self) -> float:
        """The median of `times`, which a single slow round does not change."""
        return median(self.times)

    @property
    def iqr(self) -> float:
        """The interquartile range; 0 for a single round."""
        if len(self.raw_times) < 2:
            return 0.0
        first, _, third = quantiles(self.times, n=4, method="inclusive")
        return third - first

    def __repr__(self) -> str:
        title = self.label or self.stmt
        title += f": {self.sub_label}" if self.sub_label else ""
        lines = [f"<{type(self).__module__}.Measurement object at {id(self):#x}>", title]
        lines += [self.description] if self.description else []
        if len(self.raw_times) > 1:
            lines += [f"  Median: {_write_seconds(self.median)}", f"  IQR:    {_write_seconds(self.iqr)}"]
            rounds = f"{len(self.raw_times)} measurements, {self.number_per_run} runs per measurement"
        else:
            lines.append(f"  {_write_seconds(self.median)}")
            rounds = f"1 measurement, {self.number_per_run} runs "
        lines.append(f"  {rounds}, {self.num_threads} thread{'s' if self.num_threads > 1 else ''}")
        return "\n".join(lines)


def _write_seconds(seconds: float) -> str:
    """A time with its largest suitable unit: "1.50 us"."""
    scale, unit = next((u for u in _UNITS if seconds >= u[0]), _UNITS[-1])
    return f"{seconds / scale:.2f} {unit}"


class Timer:
    """Times `stmt`, Python code, after running `setup` once, both in the namespace `globals`.

    It waits for work on a GPU. Matrix products use `num_threads` threads.

    >>> import minigrad as torch
    >>> from minigrad.utils.benchmark import Timer
    >>> timer = Timer("x.exp()", globals={"x": torch.ones(3)})
    >>> 0 < timer.timeit(100).median < 1
    True
    """

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "",
        timer: Callable[[], float] = perf_counter, globals: dict[str, Any] | None = None, label: str | None = None,
        sub_label: str | None = None, description: str | None = None, env: str | None = None, num_threads: int = 1,
        language: Any = "python",
    ) -> None:  # fmt: skip
        if str(language).lower() not in ("python", "py", "language.python"):
            raise ValueError(f"Timer: only statements of Python are timed, got language {language!r}")
        self._stmt, self._setup = (textwrap.dedent(text).strip() for text in (stmt, setup))
        self._names = dict(globals or {})
        self._timer, self._threads = timer, num_threads
        self._titles = label, sub_label, description
        body = textwrap.indent(self._stmt, " " * 8)
        source = f"def _run(_count):\n    for _ in range(_count):\n{body}\n"
        self._code = builtins.compile(source, "<timed statement>", "exec")

    def _run(self, number: int) -> float:
        """The seconds of `number` runs."""
        names = self._names | {"__builtins__": builtins}
        exec(self._setup, names)  # noqa: S102 - the user's own lines, as in timeit
        exec(self._code, names)  # noqa: S102
        _wait()
        start = self._timer()
        names["_run"](number)
        _wait()
        return self._timer() - start

    def _measure(
        self, number: int, are_enough: Callable[[list[float]], bool] = bool, callback: Callback | None = None
    ) -> Measurement:
        """Rounds of `number` runs, until `are_enough(seconds)`; `callback` is called after each."""
        times: list[float] = []
        before = get_num_threads()
        set_num_threads(self._threads)
        try:
            while not are_enough(times):
                times.append(self._run(number))
                if callback is not None:
                    callback(number, times[-1])
        finally:
            set_num_threads(before)
        return Measurement(number, times, self._stmt, self._threads, *self._titles)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One round of `number` runs, after a warm-up. Raises ValueError for less than one run.

        >>> from minigrad.utils.benchmark import Timer
        >>> Timer("sum(numbers)", globals={"numbers": [1, 2]}).timeit(10).number_per_run
        10
        """
        if number < 1:
            raise ValueError(f"timeit(): number must be at least 1, got {number}")
        self._measure(max(number // 100, 1))
        return self._measure(number)

    def _find_block(self, least: float) -> int:
        """The smallest power of ten of runs that take at least `least` seconds, the quickest of three rounds."""
        self.timeit(2)
        number = 1
        while min(self._measure(number).raw_times[0] for _ in range(3)) < least:  # one may have been interrupted
            number *= 10
        return number

    def blocked_autorange(self, callback: Callback | None = None, min_run_time: float = 0.2) -> Measurement:
        """Rounds that take at least a thousandth of `min_run_time` each, until the total reaches `min_run_time`.

        `callback(runs, seconds)` is called after each round.

        >>> from minigrad.utils.benchmark import Timer
        >>> sum(Timer("2**10").blocked_autorange(min_run_time=0.01).raw_times) >= 0.01
        True
        """
        block = self._find_block(min_run_time / 1000)
        return self._measure(block, lambda times: bool(times) and sum(times) >= min_run_time, callback)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0,
        callback: Callback | None = None,
    ) -> Measurement:  # fmt: skip
        """Rounds, at least four, until the interquartile range is within `threshold` of the median.

        Together they take at least `min_run_time` seconds. They end after `max_run_time` seconds, the time between
        them included: short rounds that never agree could go on for hours.

        >>> from minigrad.utils.benchmark import Timer
        >>> len(Timer("2**10").adaptive_autorange(min_run_time=0.001).raw_times) >= 4
        True
        """
        block, begun = self._find_block(min_run_time / 100), perf_counter()

        def are_enough(times: list[float]) -> bool:
            if times and max(sum(times), perf_counter() - begun) >= max_run_time:
                return True
            if len(times) < 4 or sum(times) < min_run_time:
                return False
            found = Measurement(1, times, self._stmt)
            return found.iqr <= threshold * found.median

        return self._measure(block, are_enough, callback)


def _wait() -> None:
    """Waits until the GPU, if there is one, has finished its work."""
    if is_available():
        library(device("cuda")).cuda.Device().synchronize()


explain_missing("torch.utils.benchmark", globals())
