"""`Geometry`: kernel, stride, padding, dilation and groups; `Problem`: one convolution, by its shapes and geometry."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Pair: TypeAlias = tuple[int, ...]  # one number for each axis: vertical and horizontal; of a volume, depth first


class Geometry(NamedTuple):
    """How a kernel of `kernel` taps, `dilation` pixels apart, slides by `stride` over an image with `padding` zeros on
    each side. The channels are divided into `groups`, which are convolved separately.

    Along an axis, tap i of window t reads pixel t stride + i dilation - padding. Source: V. Dumoulin,
    F. Visin, "A guide to convolution arithmetic for deep learning", 2016.

    >>> Geometry(kernel=(3, 3), padding=(1, 1)).windows((6, 8))
    (6, 8)
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    @property
    def reach(self) -> Pair:
        """Pixels from the first tap to the last: dilation (kernel - 1) + 1."""
        return tuple([d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)])

    @property
    def apart(self) -> bool:
        """Whether no two windows share a pixel."""
        return all(s >= r for s, r in zip(self.stride, self.reach, strict=True))

    @lru_cache(maxsize=512)  # noqa: B019 (a tuple of numbers, kept for its value)
    def windows(self, size: tuple[int, ...]) -> Pair:
        """floor((size + 2 padding - reach) / stride) + 1 windows along each axis."""
        axes = zip(size, self.reach, self.stride, self.padding, strict=True)
        return tuple([(n + 2 * p - r) // s + 1 for n, r, s, p in axes])

    def adjoint_size(self, windows: tuple[int, ...], extra: tuple[int, ...] = (0, 0)) -> Pair:
        """The size of the smallest image with this number of windows, plus `extra` pixels that no window reads."""
        axes = zip(windows, extra, self.reach, self.stride, self.padding, strict=True)
        return tuple([(n - 1) * s - 2 * p + r + e for n, e, r, s, p in axes])

    def mirrored(self) -> Geometry:
        """For stride 1: the geometry of the adjoint in x, a convolution of the cotangent with the flipped kernel."""
        return self._replace(padding=tuple([r - 1 - p for r, p in zip(self.reach, self.padding, strict=True)]))


class Problem(NamedTuple):
    """The shapes of a convolution: images (N, C, H, W), number of output channels, geometry, dtype."""

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
        """Number of windows in all images: N Ho Wo."""
        return self.image[0] * prod(self.grid)

    @property
    def grid(self) -> Pair:
        """Number of windows along each axis of an image: (Ho, Wo)."""
        return self.geometry.windows(self.image[2:])

    @property
    def taps(self) -> int:
        """Taps of the kernel: kh kw."""
        return prod(self.geometry.kernel)
