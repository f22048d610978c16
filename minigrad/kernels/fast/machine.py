"""The machine whose costs are estimated: recognized by its processor, or measured on request.

It is not measured by default, because the choice of the algorithm decides the last digits of a result: the choice must
be the same in every run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from minigrad.kernels.algorithms import Machine
from minigrad.threads import products_alone

WIDE, NARROW = 55e9, 50e9  # multiplications a second of one core, with AVX-512 and with AVX2


def recognize_machine() -> Machine:
    """The expected speed of one core, by its vector instructions. More cores speed up all parts alike."""
    return Machine(peak=WIDE if multiplies_with_avx512() else NARROW)


def multiplies_with_avx512() -> bool:
    """Whether OpenBLAS uses AVX-512: the processor has it, and the environment does not disable it."""
    disabled = os.environ.get("OPENBLAS_CORETYPE", "").lower() in ("haswell", "zen")
    return read_features().get("AVX512F", False) and not disabled


def for_small_products(machine: Machine) -> Machine:
    """The speed of small products: with AVX-512 OpenBLAS does not copy their matrices, with AVX2 it copies all."""
    return machine.unpacked() if multiplies_with_avx512() else machine


def read_features() -> dict[str, bool]:
    """The vector instructions that NumPy knows, such as "AVX2", and whether it uses them here."""
    return getattr(np._core._multiarray_umath, "__cpu_features__", {})  # type: ignore[attr-defined]


def measure_machine() -> Machine:
    """Measures the four constants of one core, by two products and two copies, in about 20 ms."""
    with products_alone():
        return _measure()


def _measure() -> Machine:
    """The constants of `Machine` as the solution of four equations, one for each timed call."""
    random = np.random.default_rng(0)
    times = {}
    for rows in (16, 256):
        left, right = (random.standard_normal(shape, np.float32) for shape in ((rows, 512), (512, 1024)))
        out = np.empty((rows, 1024), np.float32)
        times[rows] = time_quickest(partial(np.matmul, left, right, out=out)) / (rows * 512 * 1024)
    # time per multiplication = (1 + half / rows) / peak, twice
    half = min(64.0, max(1.0, (times[16] - times[256]) / (times[256] / 16 - times[16] / 256)))
    peak = (1 + half / 256) / times[256]
    source, target = random.standard_normal((512, 1028), np.float32), np.empty((512, 1024), np.float32)
    move = time_quickest(lambda: np.copyto(target, source[:, 2:-2])) / target.size
    short = np.empty((65536, 8), np.float32)
    gaps = source[:, :1024].reshape(-1)[: 65536 * 8].reshape(65536, 8)
    run = 8 * max(0.0, time_quickest(lambda: np.copyto(short[:, :6], gaps[:, :6])) / (65536 * 6) - move)
    return Machine(peak, half, move, run)


def time_quickest(call: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of the quickest of several calls, after a warm-up call."""
    call()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)
