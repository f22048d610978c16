"""`Way`: one algorithm for convolution, as dispatch sees it; `Problem`: the shapes and the geometry to compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.geometry import Geometry, Pair


class Problem(NamedTuple):
    """Images (N, C, H, W), so many output channels, and the geometry between them."""

    image: tuple[int, int, int, int]
    outputs: int
    geometry: Geometry
    char: str  # the dtype, in NumPy's letters
    library: type[Any]  # the class of the arrays

    @property
    def on_host(self) -> bool:
        """Whether the arrays are NumPy's, not CuPy's."""
        return self.library is np.ndarray

    @property
    def windows(self) -> int:
        """Windows of all images: N Ho Wo."""
        Ho, Wo = self.size
        return self.image[0] * Ho * Wo

    @property
    def size(self) -> Pair:
        """Windows along each axis of an image: (Ho, Wo)."""
        return self.geometry.windows(self.image[2:])

    @property
    def taps(self) -> int:
        """Taps of the kernel: kh kw."""
        return self.geometry.kernel[0] * self.geometry.kernel[1]


class Machine(NamedTuple):
    """What a processor needs for the three things that convolutions are made of, in seconds.

    A product of matrices reaches ``peak`` multiplications a second where all its sides are long, and half of
    that where the shortest is ``half``; a copy moves an element in ``move`` and begins anew in ``run``.
    """

    peak: float = 85e9  # these are one core's of 2026, with AVX-512; it is their ratios that choose
    half: float = 10.0
    move: float = 0.21e-9
    run: float = 2e-9

    def product(self, rows: float, columns: float, inner: float, count: float = 1) -> float:
        """`count` products (rows, inner) @ (inner, columns), with the reading of the left matrix for each."""
        shortest = max(1.0, min(rows, columns, inner))
        each = rows * columns * inner / self.peak * (1 + self.half / shortest)
        return count * (each + rows * inner * self.move)

    def unpacked(self) -> Machine:
        """For products so small that OpenBLAS takes the matrices as they lie: narrow ones lose less."""
        return self._replace(half=min(self.half, 4.0))

    def copy(self, elements: float, run: float) -> float:
        """A copy of so many elements, in runs of that length."""
        return elements * (self.move + self.run / max(run, 1))


class Way(NamedTuple):
    """Three functions, each the others' adjoint, with x (N, C, H, W), w (O, C/groups, kh, kw), g (N, O, Ho, Wo).

    Operands may have any strides and are never modified; results own their memory.
    """

    name: str
    serves: Callable[[Problem], bool]
    cost: Callable[[Problem, Machine], float]  # seconds for all three functions; the least is chosen
    conv2d: Callable[[Array, Array, Geometry], Array]  # (x, w, geometry) -> g
    conv2d_input: Callable[[Array, Array, Geometry, tuple[int, int]], Array]  # (g, w, geometry, (H, W)) -> x
    conv2d_weight: Callable[[Array, Array, Geometry], Array]  # (x, g, geometry) -> w
    # The faces that let an output feel what it does not see (a tile's other pixels, zeros times a weight), each with
    # the question whether no harm comes of it for these operands. Otherwise a way is taken that lets nothing through.
    sound: Mapping[str, Callable[[Array, Array, Geometry], bool]] = {}


def serves_all(problem: Problem) -> bool:
    """Any library, every geometry."""
    return True


def serves_groups(problem: Problem) -> bool:
    """NumPy, several groups."""
    return problem.on_host and problem.geometry.groups > 1


def multiply_into(left: Array, right: Array, out: Array) -> None:
    """``left @ right`` into `out`. Where columns meet rows NumPy's `matmul` goes number by number: the product of each
    pair is made in a fifth of the time, and what a sum makes of -0.0, which begins at 0, is made of it too.
    """
    xp = array_module(left)
    if left.shape[-1] != 1:
        xp.matmul(left, right, out=out)
    else:
        xp.multiply(left, right, out=out)
        xp.add(out, 0, out=out)


def is_finite(array: Array) -> bool:
    """Whether there is no infinity and no NaN; False as well where the squares' sum overflows."""
    return isfinite(np.vdot(array, array))
