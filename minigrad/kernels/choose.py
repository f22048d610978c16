"""Which way to compute a convolution: a small table by shape, measured by benchmarks/ways.py.

The three functions here are what the rest of the package calls. `algorithm("winograd")` forces one
way, so that a lesson can compare them.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

import numpy as np

from minigrad.backend import Array, quiet
from minigrad.kernels import cuda, depthwise, direct, im2col, mec, pointwise, tiny
from minigrad.kernels.windows import Pair
from minigrad.kernels.winograd import Winograd

WINOGRAD = Winograd(6)  # F(4x4, 3x3), and F(2x2, 5x5)
WINOGRAD_2X2 = Winograd(4)  # F(2x2, 3x3)
# Each offers conv2d, conv2d_weight and conv2d_input as below, and `serves` as `choose`.
ALGORITHMS: dict[str, Any] = {
    "direct": direct,
    "tiny": tiny,
    "im2col": im2col,
    "mec": mec,
    "pointwise": pointwise,
    "depthwise": depthwise,
    "winograd": WINOGRAD,
    "winograd 2x2": WINOGRAD_2X2,
}
FEW_KERNELS = 32  # up to here MEC is as quick as im2col, or quicker; beyond, two threads make im2col so
ENOUGH_CHANNELS = 12  # with fewer, Winograd's transforms take longer than the products they save
KERNEL_TILES = 60  # transforming the kernel takes as long as the products of so many tiles


class _Forced(threading.local):
    """The forced algorithm of this thread. No context variable: the backward walk has a context of its own."""

    name: str | None = None


_forced = _Forced()


class algorithm:
    """Forces one way to compute convolutions; None goes back to choosing by shape.

    A plain call holds until the next one, `with algorithm("winograd"):` within the block. The names
    are those of the files of `minigrad/kernels/`: "direct", "tiny", "im2col", "mec", "pointwise",
    "depthwise", "winograd", "winograd 2x2". Raises ValueError for any other. A convolution
    that the forced algorithm cannot compute raises RuntimeError when it is called.

    >>> import minigrad as torch
    >>> with torch.backends.conv.algorithm("im2col"):
    ...     torch.nn.functional.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
    4.0
    """

    def __init__(self, name: str | None) -> None:
        if name is not None and name not in ALGORITHMS:
            known = ", ".join(ALGORITHMS)
            raise ValueError(f"unknown algorithm {name!r}; known are {known}, or None")
        self._before, _forced.name = _forced.name, name

    def __enter__(self) -> algorithm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _forced.name = self._before


def conv2d(
    x: Array, w: Array, stride: Pair = (1, 1), padding: Pair = (0, 0), dilation: Pair = (1, 1), groups: int = 1
) -> Array:
    """Cross-correlation: (N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo), of one dtype.

    out[n, o, t, u] = sum over c, i, j of w[o, c, i, j] x[n, c, t s + i d - p, u s + j d - p].
    """
    if x.dtype.char == "e":
        return conv2d(_single(x), _single(w), stride, padding, dilation, groups).astype(x.dtype)
    way = choose(x, x.shape, w.shape, stride, padding, dilation, groups)
    if way is tiny:  # sees to warnings itself
        return tiny.conv2d(x, w, stride, padding, dilation, groups)
    return quiet(way.conv2d, x, w, stride, padding, dilation, groups)


def conv2d_weight(
    x: Array,
    g: Array,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """The adjoint of `conv2d` in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    if x.dtype.char == "e":
        x, g = _single(x), _single(g)
        return conv2d_weight(x, g, kernel_size, stride, padding, dilation, groups).astype("e")
    w_shape = (g.shape[1], x.shape[1] // groups, *kernel_size)
    way = choose(x, x.shape, w_shape, stride, padding, dilation, groups)
    if way is tiny:  # sees to warnings itself
        return tiny.conv2d_weight(x, g, kernel_size, stride, padding, dilation, groups)
    return quiet(way.conv2d_weight, x, g, kernel_size, stride, padding, dilation, groups)


def conv2d_input(
    g: Array,
    w: Array,
    input_size: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """The adjoint of `conv2d` in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    if g.dtype.char == "e":
        g, w = _single(g), _single(w)
        return conv2d_input(g, w, input_size, stride, padding, dilation, groups).astype("e")
    x_shape = (g.shape[0], w.shape[1] * groups, *input_size)
    way = choose(g, x_shape, w.shape, stride, padding, dilation, groups)
    if way is tiny:  # sees to warnings itself
        return tiny.conv2d_input(g, w, input_size, stride, padding, dilation, groups)
    return quiet(way.conv2d_input, g, w, input_size, stride, padding, dilation, groups)


def choose(
    operand: Array,
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Any:
    """The algorithm for these shapes: the forced one, else the quickest that was measured.

    `operand` is the array that would be read, x or its cotangent.
    """
    geometry = (operand, w_shape, stride, padding, dilation, groups)
    if (name := _forced.name) is not None:
        if not ALGORITHMS[name].serves(*geometry):
            raise RuntimeError(
                f"algorithm {name!r} was forced, but cannot compute a convolution with kernel "
                f"{w_shape[2:]}, stride {stride}, padding {padding}, dilation {dilation}, groups "
                f"{groups} of {operand.dtype}; algorithm(None) chooses by shape again"
            )
        return ALGORITHMS[name]
    if type(operand) is not np.ndarray:
        return cuda
    N, C, H, W = x_shape
    O, _, kh, kw = w_shape
    if N * C * H * W * kh * kw <= tiny.LIMIT and tiny.serves(*geometry):
        return tiny
    if pointwise.serves(*geometry):
        return pointwise
    if depthwise.serves(*geometry):
        return depthwise
    if operand.dtype.kind != "f":
        return im2col
    # kh kw copies of each pixel take too long where few kernels share them, or they are very many.
    lean = O <= FEW_KERNELS or (kh * kw > 25 and stride == (1, 1))
    best: Any = mec if lean and mec.serves(*geometry) else im2col
    # Winograd in single precision only: it costs a digit.
    if operand.dtype.char == "f" and min(C, O) >= ENOUGH_CHANNELS:
        Ho, Wo = H + 2 * padding[0] - kh + 1, W + 2 * padding[1] - kw + 1
        least = N * Ho * Wo * kh * kw  # multiplications for each pair of channels
        for way in (WINOGRAD, WINOGRAD_2X2):
            if way.serves(*geometry):
                tiles = N * -(-Ho // (way.tile + 1 - kh)) * -(-Wo // (way.tile + 1 - kw))
                cost = (tiles + KERNEL_TILES) * way.tile**2
                if cost < least:
                    best, least = way, cost
    return best


def _single(array: Array) -> Array:
    """Half precision is computed in single and rounded once at the end, as PyTorch does."""
    return array.astype(np.float32)
