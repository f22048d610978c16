"""`benchmark = True`: times each algorithm once for each shape, keeps the quickest, and explains the choice."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels import dispatch
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.way import Problem, Way

_known: dict[Any, Way] = {}  # the quickest, by function and problem
SLOW = 30.0  # an algorithm whose estimated cost is so many times the least is not tried


def quickest(
    function: str,
    image: tuple[int, int, int, int],
    outputs: int,
    geometry: Geometry,
    left: Array,
    right: Array,
    *size: Pair,
) -> Way:
    """The algorithm that is quickest on these operands, remembered for their shapes."""
    problem = Problem(image, outputs, geometry, left.dtype.char, left.__class__)
    way = _known.get((function, problem))
    if way is None:
        ways = promising(problem)
        times = {way.name: measure(partial(getattr(way, function), left, right, geometry, *size)) for way in ways}
        way = _known[function, problem] = min(ways, key=lambda way: times[way.name])
    return way


def promising(problem: Problem) -> list[Way]:
    """The algorithms worth a trial, sorted by estimated cost."""
    costs = {way.name: way.cost(problem, dispatch.machine()) for way in dispatch.WAYS.values() if way.serves(problem)}
    costs.pop("cuda", None)  # it only chooses among the other CUDA algorithms
    least = max(min(costs.values()), 1e-5)
    names = sorted((name for name in costs if costs[name] <= SLOW * least), key=lambda name: costs[name])
    return [dispatch.WAYS[name] for name in names]


def measure(call: partial[Array]) -> float:
    """Seconds of the quicker of two calls, after a warm-up call."""
    _wait_for(call())
    times = []
    for _ in range(2):
        start = time.perf_counter()
        _wait_for(call())
        times.append(time.perf_counter() - start)
    return min(times)


def _wait_for(result: Array) -> None:
    if not isinstance(result, np.ndarray):
        array_module(result).cuda.runtime.deviceSynchronize()


class Row(NamedTuple):
    """The milliseconds that one algorithm takes for a convolution and its two gradients, estimated and measured."""

    way: str
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
        head = f"  {'way':14}{'estimated':>10}{'measured':>10}{'forward':>10}{'in image':>10}{'in kernel':>10}   ms"
        lines = [
            f"{'*' if row.chosen else ' '} {row.way:14}{row.estimated:10.3f}{row.measured:10.3f}{row.forward:10.3f}"
            f"{row.in_the_image:10.3f}{row.in_the_kernel:10.3f}"
            for row in self
        ]
        return "\n".join([head, *lines])


def explain(image: tuple[int, ...], outputs: int, geometry: Geometry, char: str = "f") -> Explanation:
    """Every algorithm for these shapes: its estimated time, and its measured time on random numbers."""
    N, C, H, W = image
    problem = Problem((N, C, H, W), outputs, geometry, char, np.ndarray)
    chosen = dispatch.choose(problem.image, outputs, geometry, char).name
    random = np.random.default_rng(0)
    shapes = (
        image,
        (outputs, image[1] // geometry.groups, *geometry.kernel),
        (image[0], outputs, *geometry.windows(image[2:])),
    )
    x, w, g = (random.standard_normal(shape).astype(char) for shape in shapes)
    rows = []
    for way in promising(problem):
        calls = (
            partial(way.conv2d, x, w, geometry),
            partial(way.conv2d_input, g, w, geometry, (H, W)),
            partial(way.conv2d_weight, x, g, geometry),
        )
        with np.errstate(all="ignore"):  # overflow to inf is no error
            times = [1e3 * measure(function) for function in calls]
        rows.append(Row(way.name, way.name == chosen, 1e3 * way.cost(problem, dispatch.machine()), *times))
    return Explanation(sorted(rows, key=lambda row: row.measured))
