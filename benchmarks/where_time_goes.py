"""Show where minigrad spends the time of one program.

    python benchmarks/where_time_goes.py                  # the edge loop, update by hand
    python benchmarks/where_time_goes.py lenet
    python benchmarks/where_time_goes.py edge-sgd --by function
    python benchmarks/where_time_goes.py --operations      # each operation on 8x8, with NumPy's call for comparison

First the step is timed without a profiler. Then Python's profiler runs, and its times are summed by folder of
the package or by function. The profiler exaggerates the share of short calls.

`--operations` times each forward recorded, not recorded (`no_grad`), and in NumPy alone, each the fastest of many short
rounds. It also counts the Python and C functions that the forward enters.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from measure import in_units, machine, seconds_per_step  # noqa: E402
from peers import edge_data  # noqa: E402
from programs import PROGRAMS, operations  # noqa: E402

import minigrad  # noqa: E402
from minigrad import nn, optim  # noqa: E402, F401

LR = 3e-2
PACKAGE = str(ROOT / "minigrad")


def bare_edge_step() -> float:
    """Seconds of the edge loop's arithmetic alone: the same NumPy calls without minigrad."""
    image, edges, kernel = edge_data()
    left, right = image[..., :-1].reshape(-1), image[..., 1:].reshape(-1)
    target, weight = edges.reshape(-1), kernel.reshape(2)

    def step() -> None:
        error = left * weight[0] + right * weight[1] - target
        (error * error).sum()
        g = error * 2
        weight[0] -= LR * (left @ g)
        weight[1] -= LR * (right @ g)

    return seconds_per_step(step, 0.5)


def place(function: tuple[str, int, str], by: str) -> str:
    """The name under which a profiled function is summed."""
    file, line, name = function
    inside = file.startswith(PACKAGE)
    if by == "function":
        where = Path(file).relative_to(ROOT) if inside else Path(file).name
        return f"{where}:{line} {name}" if line else name
    if inside:
        path = Path(file).relative_to(PACKAGE)
        return f"minigrad/{path.parts[0]}"
    return "NumPy and Python's builtins" if not line or "numpy" in file else "everything else"


def profile(step: object, steps: int, by: str) -> list[tuple[float, int, str]]:
    """Own seconds and calls per step, summed by place, largest first."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(steps):
        step()  # type: ignore[operator]
    profiler.disable()
    seconds: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    for function, (_, count, own, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        where = place(function, by)
        seconds[where] += own / steps
        calls[where] += count
    return sorted(((s, calls[w] // steps, w) for w, s in seconds.items()), reverse=True)


# Operations that have another name in NumPy, or none.
BARE: dict[str, Callable[[Any, Any], Any]] = {
    "relu": lambda x, _: np.maximum(x, 0),
    "mean over an axis": lambda x, _: x.mean(axis=1),
    "transpose": lambda x, _: x.T,
}


def quickest(step: Callable[[], object], rounds: int = 400, calls: int = 50) -> float:
    """Nanoseconds of one call in the best of many short rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter_ns()
        for _ in range(calls):
            step()
        best = min(best, (time.perf_counter_ns() - start) / calls)
    return best


def count_entered(step: Callable[[], object]) -> Counter[str]:
    """The numbers of Python functions ("call") and C functions ("c_call") that a call enters, without itself."""
    entered: Counter[str] = Counter()
    step()
    sys.setprofile(lambda _frame, event, _argument: entered.update([event]))
    try:
        step()
    finally:
        sys.setprofile(None)
    return entered - Counter(call=1, c_call=1)  # the step itself, and setprofile


def print_operations() -> None:
    """Print a table of the parts of each operation in the forward row."""
    x, y = ((minigrad.rand(8, 8) + 0.5).requires_grad_() for _ in range(2))
    a, b = x.detach().numpy(), y.detach().numpy()
    print("nanoseconds          recorded   no_grad     NumPy   functions of Python    of C")
    for name, operation in operations(minigrad).items():
        bare = BARE.get(name, operations(np)[name])
        entered = count_entered(lambda: operation(x, y))  # noqa: B023 (called at once)
        recorded = quickest(lambda: operation(x, y))  # noqa: B023
        with minigrad.no_grad():
            alone = quickest(lambda: operation(x, y))  # noqa: B023
        numpys = quickest(lambda: bare(a, b))  # noqa: B023
        counts = f"{entered['call']:21d}{entered['c_call']:8d}"
        print(f"{name:20}{recorded:9.0f}{alone:10.0f}{numpys:10.0f} {counts}")


def main() -> None:
    """Time the step, then print where its time goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", choices=PROGRAMS, default="edge-by-hand")
    parser.add_argument("--by", choices=["room", "function"], default="room")
    parser.add_argument("--top", type=int, default=20, help="how many lines (default 20)")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of plain timing")
    parser.add_argument("--operations", action="store_true", help="one operation on 8x8, beside NumPy's own call")
    options = parser.parse_args()

    print(machine())
    if options.operations:
        print_operations()
        return
    for label, step in PROGRAMS[options.program].make(minigrad).items():
        once = seconds_per_step(step, options.budget)
        print(f"\n{PROGRAMS[options.program].title}, {label}: {in_units(once, 's')}")
        if options.program.startswith("edge"):
            print(f"the same arithmetic in bare NumPy: {in_units(bare_edge_step(), 's')}")
        found = profile(step, max(1, int(options.budget / once)), options.by)
        total = sum(seconds for seconds, _, _ in found)
        print("  share      time  calls")
        for seconds, calls, where in found[: options.top]:
            print(f"  {seconds / total:5.1%} {in_units(seconds, 's'):>9} {calls:6d}  {where}")


if __name__ == "__main__":
    main()
