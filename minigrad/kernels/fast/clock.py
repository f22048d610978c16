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

_known: dict[Any, Way] = {}  # what was the quickest, by face and problem
SLOW = 30.0  # a way that promises to take so many times as long as the best is not tried


def quickest(
    face: str,
    image: tuple[int, int, int, int],
    outputs: int,
    geometry: Geometry,
    left: Array,
    right: Array,
    *size: Pair,
) -> Way:
    """The way whose second and third call take the least time, remembered for the shapes; on these operands."""
    problem = Problem(image, outputs, geometry, left.dtype.char, left.__class__)
    way = _known.get((face, problem))
    if way is None:
        ways = promising(problem)
        times = {way.name: measure(partial(getattr(way, face), left, right, geometry, *size)) for way in ways}
        way = _known[face, problem] = min(ways, key=lambda way: times[way.name])
    return way


def promising(problem: Problem) -> list[Way]:
    """The ways that serve and are worth a trial, the most promising first."""
    costs = {way.name: way.cost(problem, dispatch.machine()) for way in dispatch.WAYS.values() if way.serves(problem)}
    costs.pop("cuda", None)  # it stands for the other ways of a GPU
    least = max(min(costs.values()), 1e-5)
    names = sorted((name for name in costs if costs[name] <= SLOW * least), key=lambda name: costs[name])
    return [dispatch.WAYS[name] for name in names]


def measure(call: partial[Array]) -> float:
    """Seconds of the quicker of two calls, after a first."""
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
    """One way to compute a convolution and its two gradients: milliseconds, as reckoned and as measured."""

    way: str
    chosen: bool
    reckoned: float
    forward: float
    in_the_image: float
    in_the_kernel: float

    @property
    def measured(self) -> float:
        """All three together."""
        return self.forward + self.in_the_image + self.in_the_kernel


class Explanation(tuple[Row, ...]):
    """The rows of `explain`, which print as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        head = f"  {'way':14}{'reckoned':>10}{'measured':>10}{'forward':>10}{'in image':>10}{'in kernel':>10}   ms"
        lines = [
            f"{'*' if row.chosen else ' '} {row.way:14}{row.reckoned:10.3f}{row.measured:10.3f}{row.forward:10.3f}"
            f"{row.in_the_image:10.3f}{row.in_the_kernel:10.3f}"
            for row in self
        ]
        return "\n".join([head, *lines])


def explain(image: tuple[int, ...], outputs: int, geometry: Geometry, char: str = "f") -> Explanation:
    """Every way for these shapes: what it was reckoned to take, and what it takes on random numbers."""
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
        faces = (
            partial(way.conv2d, x, w, geometry),
            partial(way.conv2d_input, g, w, geometry, (H, W)),
            partial(way.conv2d_weight, x, g, geometry),
        )
        with np.errstate(all="ignore"):  # inf is a value
            times = [1e3 * measure(face) for face in faces]
        rows.append(Row(way.name, way.name == chosen, 1e3 * way.cost(problem, dispatch.machine()), *times))
    return Explanation(sorted(rows, key=lambda row: row.measured))
