"""The matrices of Winograd's transforms, and how a large kernel is cut into blocks.

Source: S. Winograd, "Arithmetic Complexity of Computations", 1980; `winograd.py` explains the choice of points.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.geometry import Pair

POINTS = {  # by tile length; and infinity
    4: (0.0, 1.0, -1.0),
    6: (0.0, 0.7, -0.7, 1.6, -1.6),
    7: (0.0, 0.6, -0.6, 1.2, -1.2, 3.0),
    8: (0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0),
}


class Cut(NamedTuple):
    """A kernel cut along each axis into `blocks` of `taps`, padded with zeros at the end if needed.

    Each block is applied to tiles of `tile` pixels along each axis.
    """

    taps: Pair
    blocks: Pair
    tile: int

    @property
    def reach(self) -> Pair:
        """The size of the padded kernel."""
        return self.taps[0] * self.blocks[0], self.taps[1] * self.blocks[1]

    @property
    def outputs(self) -> Pair:
        """The number of outputs of a tile along each axis, which is also the step from tile to tile."""
        return self.tile + 1 - self.taps[0], self.tile + 1 - self.taps[1]

    def transforms(self, dtype: np.dtype) -> tuple[Transforms, Transforms]:
        """The matrices along each axis."""
        return make_transforms(self.tile, self.taps[0], dtype), make_transforms(self.tile, self.taps[1], dtype)

    def count_tiles(self, outputs: Pair) -> Pair:
        """The number of tiles along each axis for a result of this size."""
        (mh, mw), (height, width) = self.outputs, outputs
        return -(-height // mh), -(-width // mw)

    def shifts(self, columns: int, images: int) -> list[int]:
        """The offset, in tiles, at which each block reads, for rows of `columns` tiles of `images` images."""
        return [(i * columns + j) * images for i, j in np.ndindex(self.blocks)]

    def split(self, w: Array) -> Array:
        """(O, C, kh, kw) -> (blocks, O, C, taps)."""
        (O, C, kh, kw), (rh, rw), (bh, bw) = w.shape, self.taps, self.blocks
        if self.reach != (kh, kw):
            whole = np.zeros((O, C, *self.reach), w.dtype)
            whole[:, :, :kh, :kw] = w
            w = whole
        return w.reshape(O, C, bh, rh, bw, rw).transpose(2, 4, 0, 1, 3, 5).reshape(bh * bw, O, C, rh * rw)

    def join(self, w: Array, shape: tuple[int, int, int, int]) -> Array:
        """(blocks, O, C, taps) -> (O, C, kh, kw), without the padding."""
        (O, C, kh, kw), (rh, rw), (bh, bw) = shape, self.taps, self.blocks
        w = w.reshape(bh, bw, O, C, rh, rw).transpose(2, 3, 0, 4, 1, 5).reshape(O, C, *self.reach)
        return np.ascontiguousarray(w[:, :, :kh, :kw])


def cut_kernel(kernel: Pair, tile: int, block: int | None) -> Cut:
    """Cuts a kernel into blocks of block x block taps; None makes one block."""
    if block is None:
        return Cut(kernel, (1, 1), tile)
    return Cut((block, block), (-(-kernel[0] // block), -(-kernel[1] // block)), tile)


class Transforms(NamedTuple):
    """The matrices of F(m, r) along one axis, for tiles of m + r - 1 pixels."""

    outputs: Array  # A^T (m, tile)
    kernel: Array  # G (tile, r)
    pixels: Array  # B^T (tile, tile)


@cache
def make_transforms(tile: int, r: int, dtype: np.dtype) -> Transforms:
    """The matrices of F(tile + 1 - r, r), by Cook and Toom."""
    points, m = np.array(POINTS[tile]), tile + 1 - r
    A, G, B = np.zeros((m, tile)), np.zeros((tile, r)), np.zeros((tile, tile))
    for i, point in enumerate(points):
        others = np.delete(points, i)
        A[:, i] = point ** np.arange(m)
        G[i] = point ** np.arange(r) / np.prod(point - others)
        B[i, :-1] = np.poly(others)[::-1]
    A[-1, -1] = G[-1, -1] = 1
    B[-1] = np.poly(points)[::-1]
    return Transforms(A.astype(dtype), G.astype(dtype), B.astype(dtype))


@cache
def make_kernel_transform(tile: int, rh: int, rw: int, dtype: np.dtype) -> Array:
    """G for both axes at once: (tile*tile, rh*rw)."""
    double = np.dtype(np.float64)
    return np.kron(make_transforms(tile, rh, double).kernel, make_transforms(tile, rw, double).kernel).astype(dtype)
