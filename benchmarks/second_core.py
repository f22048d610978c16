"""Estimate what more threads save on a busy machine, by scheduling the measured parts on simulated threads.

    python benchmarks/second_core.py
    python benchmarks/second_core.py lenet --threads 4
    python benchmarks/second_core.py --break-even     # wall-clock time: from which size on are two threads faster?
    python benchmarks/second_core.py --smoke          # one call each: a check that it runs

Everything runs in one thread, and its processor time is measured, on which other work on the machine has little effect.
The time of each piece that `parallel.py` would share is added to the simulated thread that is free first. A call ends
with its slowest thread, plus 50 microseconds in which a thread wakes and fills the caches of its core. Two effects are
left out: OpenBLAS would share products outside of these pieces, and real threads share one memory. Times are
milliseconds, the fastest of many steps.
"""

# ruff: noqa: E402 (the number of threads is set before NumPy is imported)
from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from measure import machine
from programs import PROGRAMS, elementwise_chain, lenet, mlp, small_network

import minigrad as torch
import minigrad.nn
import minigrad.optim
from minigrad import parallel, passes

WAKE = 50e-6  # seconds: the time of a call of --break-even on two threads, minus half of its time on one
SIZES = (65_000, 131_000, 262_000, 524_000, 1_048_000, 2_097_000)
Step = Callable[[], object]


class Lanes:
    """Replaces the thread pool: runs the pieces in this thread, and records what several threads would have saved."""

    def __init__(self, threads: int) -> None:
        self.saved, self.within = 0.0, False
        parallel.get_count = lambda: threads
        parallel.may_spread = lambda: not self.within
        parallel._run_side_by_side = self.lay

    def lay(self, work: Callable[[Any], object], pieces: Sequence[Any], count: int) -> None:
        busy = [0.0] * count
        self.within = True
        for piece in pieces:
            start = time.thread_time()
            work(piece)
            busy[busy.index(min(busy))] += time.thread_time() - start
        self.within = False
        self.saved += sum(busy) - max(busy) - WAKE


def mixed_chain(torch: Any) -> dict[str, Step]:
    y, b = torch.randn(1000, 2000).requires_grad_(), torch.randn(1000, 2000).requires_grad_()
    a = torch.randn(2000).requires_grad_()

    def step() -> None:
        y.grad = a.grad = b.grad = None
        (((y * b + a).tanh() - b).exp().mean(0, keepdim=True) + a).sum().backward()

    return {"step": step}


def layer(make: Callable[[], Any], *shape: int) -> Callable[[Any], dict[str, Step]]:
    def steps(torch: Any) -> dict[str, Step]:
        module, x, g = make(), torch.randn(*shape).requires_grad_(), torch.randn(*shape)

        def step() -> None:
            x.grad = None
            module.zero_grad()
            module(x).backward(g)

        return {"step": step}

    return steps


def adam(torch: Any) -> dict[str, Step]:
    w = torch.zeros(1000, 2000).requires_grad_()
    w.grad = torch.randn(1000, 2000)
    return {"step": torch.optim.Adam([w]).step}


MADE: dict[str, tuple[str, Callable[[Any], dict[str, Step]]]] = {
    "chain": (PROGRAMS["chain-2M"].title, lambda torch: elementwise_chain(torch, 2_000_000)),
    "mixed": ("mixed chain on 2 million, forward + backward", mixed_chain),
    "lenet": (PROGRAMS["lenet"].title, lenet),
    "mlp": (PROGRAMS["mlp"].title, mlp),
    "network": ("three 3x3 layers and pooling, batch 64, a step", small_network),
    "softmax": ("softmax of 4096 rows of 1000", layer(lambda: torch.nn.Softmax(1), 4096, 1000)),
    "layer-norm": ("LayerNorm of 4096 rows of 768", layer(lambda: torch.nn.LayerNorm(768), 4096, 768)),
    "batch-norm": ("BatchNorm2d, 64 of 56x56, batch 8", layer(lambda: torch.nn.BatchNorm2d(64), 8, 64, 56, 56)),
    "adam": ("Adam's step on 2 million", adam),
}


def a_step(kind: str, **options: Any) -> Callable[[int], Step]:
    def make(size: int) -> Step:
        w = torch.zeros(size).requires_grad_()
        w.grad = torch.full((size,), 1e-3)
        return getattr(torch.optim, kind)([w], lr=1e-3, **options).step

    return make


def a_call(function: Callable[..., object], *options: int) -> Callable[[int], Step]:
    def make(size: int) -> Step:
        return partial(function, torch.rand(size // 1000, 1000), *options)

    return make


SIZED: dict[str, Callable[[int], Step]] = {
    "SGD": a_step("SGD"), "SGD with momentum": a_step("SGD", momentum=0.9), "Adam": a_step("Adam"),
    "abs": a_call(torch.abs), "exp": a_call(torch.exp), "sum of rows": a_call(torch.sum, 1),
    "softmax of rows": a_call(torch.softmax, 1),
}  # fmt: skip


def break_even(seconds: float) -> None:
    """Print the time of one and of two threads for each size, in turn: the fastest of many calls, in microseconds."""
    parallel.WORTH = passes.LARGE = 0
    print(f"{'':20}" + "".join(f"{size:>22,}" for size in SIZES))
    for name, make in SIZED.items():
        row = ""
        for size in SIZES:
            step, best = make(size), {1: math.inf, 2: math.inf}
            deadline = time.perf_counter() + seconds
            while best[2] == math.inf or time.perf_counter() < deadline:
                for threads in (1, 2):
                    torch.set_num_threads(threads)
                    for _ in range(4):
                        start = time.perf_counter()
                        step()
                        best[threads] = min(best[threads], time.perf_counter() - start)
            row += f"{best[1] * 1e6:9.0f}{best[2] * 1e6:7.0f}{best[2] / best[1]:6.2f}"
        print(f"{name:20}{row}", flush=True)


def quickest(step: Step, lanes: Lanes, seconds: float) -> tuple[float, float]:
    """Milliseconds of one thread, and of the threads that `lanes` simulates."""
    step()
    alone, laid = [], []
    deadline = time.perf_counter() + seconds
    while len(alone) < 3 or time.perf_counter() < deadline:
        lanes.saved, start = 0.0, time.thread_time()
        step()
        alone.append(time.thread_time() - start)
        laid.append(alone[-1] - lanes.saved)
    return min(alone) * 1e3, min(laid) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(MADE)} (default: all)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="per program, at least")
    parser.add_argument("--break-even", action="store_true", help="two threads by the clock, on an idle machine")
    parser.add_argument("--smoke", action="store_true", help="three calls each")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in MADE]
    if unknown:
        parser.error(f"there is no program {unknown[0]!r}; they are {', '.join(MADE)}")
    print(machine())
    if options.break_even:
        break_even(0.0 if options.smoke else options.seconds)
        return
    lanes = Lanes(options.threads)
    print(f"{'program':52}{'one thread':>12}{f'laid on {options.threads}':>12}{'ratio':>8}")
    for name in options.names or MADE:
        title, make = MADE[name]
        for step in make(torch).values():
            alone, laid = quickest(step, lanes, 0.0 if options.smoke else options.seconds)
            print(f"{title:52}{alone:12.3f}{laid:12.3f}{laid / alone:8.2f}", flush=True)


if __name__ == "__main__":
    main()
