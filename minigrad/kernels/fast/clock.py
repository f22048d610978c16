"""`benchmark = True`: times each algorithm once for each shape, keeps the quickest, and explains the choice."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Algorithm
from minigrad.kernels.fast.machine import time_quickest
from minigrad.kernels.geometry import Geometry, Pair, Problem

_known: dict[Any, Algorithm] = {}  # the quickest, by function and problem
SLOW = 30.0  # an algorithm whose estimated cost is so many times the least is not tried
BRIEF = 1e-5  # seconds: a least cost below this counts as this, because one near 0 would exclude all others


def find_quickest(
    function: str,
    image: tuple[int, int, int, int],
    outputs: int,
    geometry: Geometry,
    left: Array,
    right: Array,
    *size: Pair,
) -> Algorithm:
    """The algorithm that is quickest on these operands, remembered for their shapes."""
    problem = Problem(image, outputs, geometry, left.dtype.char, left.__class__)
    found = _known.get((function, problem))
    if found is None:
        tried = list_promising(problem)
        times = {one.name: measure(partial(getattr(one, function), left, right, geometry, *size)) for one in tried}
        found = _known[function, problem] = min(tried, key=lambda one: times[one.name])
    return found


def list_promising(problem: Problem) -> list[Algorithm]:
    """The algorithms worth a trial, sorted by estimated cost."""
    known = dispatch.ALGORITHMS
    costs = {name: one.cost(problem, dispatch.machine()) for name, one in known.items() if one.serves(problem)}
    costs = {name: cost for name, cost in costs.items() if cost >= 0}  # without one that chooses among the others
    least = max(min(costs.values()), BRIEF)
    names = sorted((name for name in costs if costs[name] <= SLOW * least), key=lambda name: costs[name])
    return [known[name] for name in names]


def measure(call: partial[Array]) -> float:
    """Seconds of the quicker of two calls, after a warm-up call."""
    return time_quickest(lambda: _wait_for(call()), rounds=2)


def _wait_for(result: Array) -> None:
    """Waits until a result on a GPU is computed."""
    if not isinstance(result, np.ndarray):
        array_module(result).cuda.runtime.deviceSynchronize()


class Row(NamedTuple):
    """The milliseconds that one algorithm takes for a convolution and its two gradients, estimated and measured."""

    algorithm: str
    chosen: bool
    estimated: float
    forward: float
    in_the_image: float
    in_the_kernel: float

    @property
    def measured(self) -> float:
        """The sum of the three measured times."""
        return self.forward + self.in_the_image + self.in_the_kernel


class Explanation(tuple[Row, ...]):
    """The rows of `explain`, which print as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        columns = ("estimated", "measured", "forward", "in image", "in kernel")
        head = f"  {'algorithm':14}{''.join([f'{column:>10}' for column in columns])}   ms"
        lines = [
            f"{'*' if row.chosen else ' '} {row.algorithm:14}{row.estimated:10.3f}{row.measured:10.3f}"
            f"{row.forward:10.3f}{row.in_the_image:10.3f}{row.in_the_kernel:10.3f}"
            for row in self
        ]
        return "\n".join([head, *lines])


def explain(image: tuple[int, ...], outputs: int, geometry: Geometry, char: str = "f") -> Explanation:
    """Every algorithm for these shapes: its estimated time, and its measured time on random numbers."""
    N, C, H, W = image
    problem = Problem((N, C, H, W), outputs, geometry, char, np.ndarray)
    chosen = dispatch.choose(problem.image, outputs, geometry, char).name
    random = np.random.default_rng(0)
    shapes = (image, (outputs, C // geometry.groups, *geometry.kernel), (N, outputs, *problem.grid))
    x, w, g = (random.standard_normal(shape).astype(char) for shape in shapes)
    rows = []
    for algorithm in list_promising(problem):
        calls = (
            partial(algorithm.conv2d, x, w, geometry),
            partial(algorithm.conv2d_input, g, w, geometry, (H, W)),
            partial(algorithm.conv2d_weight, x, g, geometry),
        )
        with np.errstate(all="ignore"):  # overflow to inf is no error
            times = [1e3 * measure(function) for function in calls]
        estimated = 1e3 * algorithm.cost(problem, dispatch.machine())
        rows.append(Row(algorithm.name, algorithm.name == chosen, estimated, *times))
    return Explanation(sorted(rows, key=lambda row: row.measured))
