"""Chooses the algorithm for each convolution: `dispatch` runs the one with the least estimated cost.

`direct`, `tiny` and `im2col` are always there; those of `fast/` are added by `register`. `algorithm("winograd")` forces
one, so that a lesson can compare.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from types import TracebackType
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels import direct, im2col, tiny
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.parallel import spread
from minigrad.passes import add_up
from minigrad.threads import products_alone

ALGORITHMS: dict[str, Algorithm] = {}
BUFFER = 8192  # elements in NumPy's buffer
BRIEF = 2**13  # multiplications that OpenBLAS never divides among its threads
FEW = 4096  # longest sum of a single product with ones: longer ones lose digits
_machine = Machine()  # whose costs are estimated
_trial: Callable[..., Algorithm] | None = None  # chooses by measured times instead of estimated costs


def register(algorithm: Algorithm) -> None:
    """Adds an algorithm, which can then be chosen by its cost or forced by its name."""
    ALGORITHMS[algorithm.name] = algorithm
    choose.cache_clear()


def set_machine(machine: Machine) -> None:
    """Estimates costs for that machine from now on."""
    global _machine
    _machine = machine
    choose.cache_clear()


def machine() -> Machine:
    """The machine whose costs are estimated."""
    return _machine


def choose_by(trial: Callable[..., Algorithm] | None) -> None:
    """Chooses by `trial`, called with the arguments of `dispatch`, from now on; None goes back to estimated costs."""
    global _trial
    _trial = trial


def conv2d(x: Array, w: Array, b: Array | None = None, *, geometry: Geometry) -> Array:
    """Cross-correlation: (N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo), of one dtype.

    out[n, o, t, u] = b[o] + sum over c, i, j of w[o, c, i, j] x[n, c, t s + i d - p, u s + j d - p].
    """
    out = dispatch("conv2d", x.shape, len(w), geometry, x, w)
    return out if b is None else _add_bias(out, b)


def conv2d_input(g: Array, w: Array, b: Array | None = None, *, size: Pair, geometry: Geometry) -> Array:
    """The adjoint of `conv2d` in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, *size), plus b."""
    image = (len(g), w.shape[1] * geometry.groups, *size)
    out = dispatch("conv2d_input", image, len(w), geometry, g, w, size)
    return out if b is None else _add_bias(out, b)


def conv2d_weight(x: Array, g: Array, *, geometry: Geometry) -> Array:
    """The adjoint of `conv2d` in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    return dispatch("conv2d_weight", x.shape, g.shape[1], geometry, x, g)


def conv2d_bias(g: Array) -> Array:
    """The adjoint of `conv2d` in b: the sum over images and positions, (N, O, Ho, Wo) -> (O,).

    It is computed as a product with ones, which takes a third of the time of NumPy's sum.
    """
    if g.__class__ is not np.ndarray:
        return g.sum(axis=(0, 2, 3))
    if not g.flags.c_contiguous or g.dtype.char not in "fd" or not g.size:
        return add_up(g, (0, 2, 3))
    N, O, Ho, Wo = g.shape
    length = Ho * Wo if Ho * Wo <= FEW else Wo
    rows, ones = g.reshape(-1, length), np.ones(length, g.dtype)
    with products_alone() if g.size > FEW else nullcontext():  # OpenBLAS's threads would delay those of ours
        sums = np.dot(rows, ones)
    return sums if len(sums) == O else sums.reshape(N, O, -1).sum(axis=(0, 2))  # one image, of one length


def _add_bias(out: Array, b: Array) -> Array:
    """Adds b (O,) to images (N, O, Ho, Wo), in place.

    NumPy copies through a buffer when it adds a broadcast operand with short rows, so all images share one long row
    (O*Ho*Wo).
    """
    images, addend, on_host = out, b.reshape(-1, 1, 1), array_module(out) is np
    pixels = out.shape[2] * out.shape[3]
    if len(out) > 1 and on_host and pixels < BUFFER:
        images, addend = out.reshape(len(out), -1), np.repeat(b, pixels)
    spread(lambda part: np.add(images[part], addend, out=images[part]), len(out), out.nbytes if on_host else 0)
    return out


def dispatch(
    function: str, image: tuple[int, ...], outputs: int, geometry: Geometry, left: Array, right: Array, *size: Pair
) -> Array:
    """Computes `function`, one of "conv2d", "conv2d_input", "conv2d_weight", by the chosen algorithm.

    A NaN, an infinity or an outlier affects only the outputs that see it: if the chosen algorithm, forced or not,
    cannot guarantee that for these operands, another one computes. Each matrix product uses one thread, so that its
    bits are the same for any number of threads; the algorithms divide large ones.
    """
    chosen = choose(image, outputs, geometry, left.dtype.char, left.__class__, _forced.name)
    if _trial is not None and _forced.name is None:
        chosen = _trial(function, image, outputs, geometry, left, right, *size)
    is_safe = chosen.safe.get(function)
    if is_safe is not None and not is_safe(left, right, geometry):
        chosen = choose(image, outputs, geometry, left.dtype.char, left.__class__, None, function)
    if left.size * right.size > BRIEF and left.__class__ is np.ndarray:
        with products_alone():
            return getattr(chosen, function)(left, right, geometry, *size)
    return getattr(chosen, function)(left, right, geometry, *size)


@lru_cache(maxsize=512)
def choose(
    image: tuple[int, int, int, int], outputs: int, geometry: Geometry, char: str = "f",
    library: type[Any] = np.ndarray, forced: str | None = None, strict: str | None = None
) -> Algorithm:  # fmt: skip
    """The forced algorithm, else the one of least cost. For `strict`, the name of a function, only algorithms that are
    safe for all operands (`Algorithm.safe`) are considered.

    Raises RuntimeError if the forced one cannot compute this convolution.
    """
    problem = Problem(image, outputs, geometry, char, library)
    if forced is None:
        if tiny.serves(problem) and tiny.cost(problem, _machine) < im2col.OVERHEAD and strict not in tiny.SAFE:
            return tiny.ALGORITHM  # nothing to weigh: the calls of others take longer
        able = [one for one in ALGORITHMS.values() if one.serves(problem) and strict not in one.safe]
        return min(able, key=lambda one: one.cost(problem, _machine))
    if ALGORITHMS[forced].serves(problem):
        return ALGORITHMS[forced]
    kernel, stride, padding, dilation, groups = geometry
    raise RuntimeError(
        f"algorithm {forced!r} was forced, but cannot compute a convolution of images {image} with kernel {kernel}, "
        f"stride {stride}, padding {padding}, dilation {dilation}, groups {groups} in {library.__name__}s of type "
        f"{char!r}; algorithm(None) chooses by shape again"
    )


def chooses_by_cost() -> bool:
    """Whether this thread chooses by estimated cost: no algorithm is forced, and none is measured."""
    return _forced.name is None and _trial is None


class _Forced(threading.local):
    """The forced algorithm of this thread. No context variable: the backward walk has a context of its own."""

    name: str | None = None


_forced = _Forced()


class algorithm:
    """Forces one algorithm for convolutions; None goes back to choosing by shape.

    A plain call holds until the next one, `with algorithm("winograd"):` inside the block. The names are "direct",
    "tiny", "im2col", "mec", "pointwise", "channels last", "depthwise", "planes", "strides", "toeplitz", "apart",
    "phases", "winograd", "winograd 2x2", "winograd 5x5", "winograd blocks" and, on a GPU, "cuda plain", "cuda columns",
    "cuda direct", "cuda product", "cuda winograd" and "cuda", the quickest of these.
    Raises ValueError for any other. A convolution that the forced algorithm cannot compute raises RuntimeError when
    it is called.

    >>> import minigrad as torch
    >>> with torch.backends.conv.algorithm("im2col"):
    ...     torch.nn.functional.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
    4.0
    """

    def __init__(self, name: str | None) -> None:
        if name is not None and name not in ALGORITHMS:
            raise ValueError(f"unknown algorithm {name!r}; known are {', '.join(ALGORITHMS)}, or None")
        self._before, _forced.name = _forced.name, name

    def __enter__(self) -> algorithm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _forced.name = self._before


for _algorithm in (direct.ALGORITHM, tiny.ALGORITHM, im2col.ALGORITHM):
    register(_algorithm)
