"""Functions that measure time and memory, shared by all benchmarks."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

Step = Callable[[], object]


def seconds_per_step(step: Step, budget: float) -> float:
    """Median over samples of the seconds that one `step` takes; about `budget` seconds in all.

    A sample is as many consecutive steps as take 2 ms, so that the cost of reading the clock does not matter.
    """
    step()  # the first call fills caches and workspaces
    start = time.perf_counter()
    step()
    once = time.perf_counter() - start
    in_a_row = max(1, int(2e-3 / max(once, 1e-9)))
    for _ in range(min(in_a_row, 200)):
        step()
    samples: list[float] = []
    deadline = time.perf_counter() + budget
    while len(samples) < (3 if budget > 0.05 else 1) or time.perf_counter() < deadline:
        start = time.perf_counter()
        for _ in range(in_a_row):
            step()
        samples.append((time.perf_counter() - start) / in_a_row)
    return statistics.median(samples)


def peak_bytes(step: Step, steps: int = 5) -> dict[str, float]:
    """Peak resident memory of this process over `steps` steps, and its growth during them.

    Reads Linux's peak counter, which is reset before the first step. Raises OSError on other systems.
    """
    before = _status_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM to VmRSS
    for _ in range(steps):
        step()
    peak = _status_bytes("VmHWM")
    return {"whole process": peak, "growth during steps": peak - before}


def _status_bytes(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return float(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


def machine() -> str:
    """One line about the machine and the versions of the measurement."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].split(":", 1)[1].strip() if names else processor
    today = time.strftime("%Y-%m-%d")
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, {today}"


def in_units(value: float, unit: str) -> str:
    """`value` (seconds or bytes) as text with three significant digits: ``in_units(2e-5, "s")``."""
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value * 1e9:.3g} ns"
