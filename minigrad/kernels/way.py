"""`Way`: one way to compute a convolution, and `Problem`: what it is asked to compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.geometry import Geometry


class Problem(NamedTuple):
    """Images (N, C, H, W), so many output channels, and the geometry between them."""

    image: tuple[int, int, int, int]
    outputs: int
    geometry: Geometry
    char: str  # the dtype, in NumPy's letters
    library: type[Any]  # the class of the arrays

    @property
    def windows(self) -> int:
        """Windows of all images: N Ho Wo."""
        Ho, Wo = self.geometry.windows(self.image[2:])
        return self.image[0] * Ho * Wo

    @property
    def taps(self) -> int:
        """Taps of the kernel: kh kw."""
        return self.geometry.kernel[0] * self.geometry.kernel[1]


class Way(NamedTuple):
    """Three functions, each the others' adjoint, with x (N, C, H, W), w (O, C/groups, kh, kw), g (N, O, Ho, Wo).

    Operands may have any strides and are never modified; results own their memory.
    """

    name: str
    serves: Callable[[Problem], bool]
    cost: Callable[[Problem], float]  # as multiplications for each pair of channels; the least is chosen
    conv2d: Callable[[Array, Array, Geometry], Array]  # (x, w, geometry) -> g
    conv2d_input: Callable[[Array, Array, Geometry, tuple[int, int]], Array]  # (g, w, geometry, (H, W)) -> x
    conv2d_weight: Callable[[Array, Array, Geometry], Array]  # (x, g, geometry) -> w
    # The faces that let an output feel what it does not see (a tile's other pixels, zeros times a weight), each with
    # the question whether no harm comes of it for these operands. Otherwise a way is taken that lets nothing through.
    sound: Mapping[str, Callable[[Array, Array, Geometry], bool]] = {}


def is_finite(array: Array) -> bool:
    """Whether there is no infinity and no NaN; False as well where the squares' sum overflows."""
    return isfinite(np.vdot(array, array))
