"""Where the time of one program goes, on minigrad.

    python benchmarks/where_time_goes.py                  # the edge loop, update by hand
    python benchmarks/where_time_goes.py lenet
    python benchmarks/where_time_goes.py edge-sgd --by function

First the step as it is, timed without a profiler. Then Python's own profiler, summed by room of the
house or by function. Its shares are right where calls are long, and exaggerated where they are
short.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from measure import in_units, machine, seconds_per_step  # noqa: E402
from peers import edge_data  # noqa: E402
from programs import PROGRAMS  # noqa: E402

import minigrad  # noqa: E402
from minigrad import nn, optim  # noqa: E402, F401

LR = 3e-2
PACKAGE = str(ROOT / "minigrad")


def bare_edge_step() -> float:
    """Seconds of the edge loop's arithmetic alone: the same NumPy calls, written out by hand."""
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
    """What a profiled function is summed under."""
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
    """Own seconds and calls per step, summed by place, most first."""
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


def main() -> None:
    """Time the step, then say where its time goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", choices=PROGRAMS, default="edge-by-hand")
    parser.add_argument("--by", choices=["room", "function"], default="room")
    parser.add_argument("--top", type=int, default=20, help="how many lines (default 20)")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of plain timing")
    options = parser.parse_args()

    print(machine())
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
