"""`Algorithm`: one algorithm for convolution, as dispatch sees it; `Machine`: whose speed decides what one costs.

A cost adds up products, copies and calls. Its factors have names at the head of the algorithm's file, most of them in
copies that take as long. They are fitted to the times that ``python benchmarks/ways.py`` prints for one core of a
Zen 4, with AVX-512 and, by ``OPENBLAS_CORETYPE=Haswell``, with AVX2; docs/performance.md tells how far the choice is
from the best. Costs on a GPU: `fast/cuda_parts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from minigrad.backend import Array
from minigrad.kernels.geometry import Geometry, Pair, Problem

STRIDED = 4  # how many times as long each number takes in a copy that reads only every second or third one
UNPACKED_HALF = 4.0  # `Machine.half` of products whose matrices OpenBLAS does not copy


class Machine(NamedTuple):
    """A processor's speed in the two parts of a convolution, matrix products and copies.

    A matrix product reaches ``peak`` multiplications a second if all its sides are long, and half of that if the
    shortest is ``half``. A copy takes ``move`` seconds for each element, and ``run`` for each contiguous run of them.
    """

    peak: float = 55e9  # of one core of 2026 with AVX-512; only the ratios of the four constants matter
    half: float = 10.0
    move: float = 0.15e-9
    run: float = 5e-9

    def product(self, rows: float, columns: float, inner: float, count: float = 1) -> float:
        """Seconds of `count` products (rows, inner) @ (inner, columns); each reads the left matrix."""
        shortest = max(1.0, min(rows, columns, inner))
        each = rows * columns * inner / self.peak * (1 + self.half / shortest)
        return count * (each + rows * inner * self.move)

    def unpacked(self) -> Machine:
        """The speed of small products, whose matrices OpenBLAS does not copy ("pack"): narrow ones lose less."""
        return self._replace(half=min(self.half, UNPACKED_HALF))

    def copy(self, elements: float, run: float, step: int = 1) -> float:
        """Seconds of a copy of `elements` in runs of length `run`, which read every `step`-th number."""
        return elements * (self.move * (1 if step == 1 else STRIDED) + self.run / max(run, 1))


class Algorithm(NamedTuple):
    """One algorithm for convolution: its three functions, what it can compute, and at what cost.

    x (N, C, H, W), w (O, C/groups, kh, kw) and g (N, O, Ho, Wo) may have any strides and are not modified; results
    own their memory.
    """

    name: str
    serves: Callable[[Problem], bool]
    cost: Callable[[Problem, Machine], float]  # seconds for all three functions; the least is chosen
    conv2d: Callable[[Array, Array, Geometry], Array]  # (x, w, geometry) -> g
    conv2d_input: Callable[[Array, Array, Geometry, Pair], Array]  # (g, w, geometry, (H, W)) -> x
    conv2d_weight: Callable[[Array, Array, Geometry], Array]  # (x, g, geometry) -> w
    # The functions in which an inf or a NaN may reach outputs that do not see it (by a tile's other pixels, by zeros
    # times a weight), each with a check that these operands do no harm. If they do, another algorithm computes.
    safe: Mapping[str, Callable[[Array, Array, Geometry], bool]] = {}


def serves_all(problem: Problem) -> bool:
    """Any library, every geometry."""
    return True


def serves_groups(problem: Problem) -> bool:
    """NumPy, several groups."""
    return problem.on_host and problem.geometry.groups > 1
