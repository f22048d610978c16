"""Which way to compute a convolution: a small table by shape, measured by benchmarks/layers.py.

The three functions here are what the rest of the package calls. `algorithm("winograd")` forces one way,
so that a lesson can compare them.
"""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType
from typing import Any

import numpy as np

from minigrad.backend import Array, quiet
from minigrad.kernels import depthwise, direct, im2col, pointwise, tile, tiny
from minigrad.kernels.windows import Pair
from minigrad.kernels.winograd import Winograd

WINOGRAD = Winograd(6)  # F(4x4, 3x3), and F(2x2, 5x5)
WINOGRAD_2X2 = Winograd(4)  # F(2x2, 3x3)
ALGORITHMS: dict[str, Any] = {
    "direct": direct,
    "im2col": im2col,
    "pointwise": pointwise,
    "depthwise": depthwise,
    "tiny": tiny,
    "tile": tile,
    "winograd": WINOGRAD,
    "winograd 2x2": WINOGRAD_2X2,
}
_forced: ContextVar[str | None] = ContextVar("forced_algorithm", default=None)


class algorithm:
    """Forces one way to compute convolutions; None goes back to choosing by shape.

    A plain call holds until the next; `with algorithm("winograd"):` holds within. Names: "direct", "im2col",
    "pointwise", "tiny". Raises ValueError for an unknown name; a convolution that the forced algorithm
    cannot compute raises RuntimeError when it is called.

    >>> import minigrad as torch
    >>> with torch.backends.conv.algorithm("im2col"):
    ...     torch.nn.functional.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
    4.0
    """

    def __init__(self, name: str | None) -> None:
        if name is not None and name not in ALGORITHMS:
            raise ValueError(
                f"unknown algorithm {name!r}; known are {', '.join(ALGORITHMS)}, or None"
            )
        self._token = _forced.set(name)

    def __enter__(self) -> algorithm:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _forced.reset(self._token)


def conv2d(
    x: Array,
    w: Array,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Cross-correlation: (N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo).

    out[n, o, t, u] = sum over c, i, j of w[o, c, i, j] x[n, c, t s + i d - p, u s + j d - p]. One dtype for both.
    """
    if x.dtype.kind == "f" and x.dtype.itemsize == 2:
        return conv2d(_single(x), _single(w), stride, padding, dilation, groups).astype(x.dtype)
    chosen = choose(
        x,
        x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3],
        w.shape,
        stride,
        padding,
        dilation,
        groups,
    )
    return quiet(chosen.conv2d, x, w, stride, padding, dilation, groups)


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
    if x.dtype.kind == "f" and x.dtype.itemsize == 2:
        x, g = _single(x), _single(g)
        return conv2d_weight(x, g, kernel_size, stride, padding, dilation, groups).astype(
            np.float16
        )
    shape = (g.shape[1], x.shape[1] // groups, *kernel_size)
    chosen = choose(x, x.size, shape, stride, padding, dilation, groups)
    return quiet(chosen.conv2d_weight, x, g, kernel_size, stride, padding, dilation, groups)


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
    if g.dtype.kind == "f" and g.dtype.itemsize == 2:
        g, w = _single(g), _single(w)
        return conv2d_input(g, w, input_size, stride, padding, dilation, groups).astype(np.float16)
    size = len(g) * w.shape[1] * groups * input_size[0] * input_size[1]
    chosen = choose(g, size, w.shape, stride, padding, dilation, groups)
    return quiet(chosen.conv2d_input, g, w, input_size, stride, padding, dilation, groups)


def choose(
    operand: Array,
    pixels: int,
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Any:
    """The algorithm for this shape: the forced one, else the quickest that was measured."""
    O, C, kh, kw = w_shape
    kernel = (kh, kw)
    name = _forced.get()
    if name is not None:
        return _check_forced(name, operand, w_shape, stride, padding, dilation, groups)
    if pixels * kh * kw <= tiny.LIMIT and tiny.serves(operand, kernel, padding, dilation, groups):
        return tiny
    if pointwise.serves(kernel, padding, groups):
        return pointwise
    if type(operand) is np.ndarray and depthwise.serves(w_shape, stride, padding, dilation, groups):
        return depthwise
    if type(operand) is not np.ndarray or operand.dtype.kind != "f":
        return im2col
    N, windows = len(operand), pixels // C
    if (
        2 * O <= C * kh * kw <= 512
        and 4 <= N
        and windows <= 2048 * N
        and tile.serves(kernel, stride, padding, dilation, groups)
    ):
        return tile
    if (
        operand.dtype == np.float32
        and min(C, O) >= 8
        and windows >= 700  # enough tiles to pay for transforming the kernel
        and WINOGRAD.serves(kernel, stride, padding, dilation, groups, operand.dtype)
    ):
        # A large kernel on few tiles: its transform counts, and F(2x2, 3x3)'s is half as large.
        few = kernel == (3, 3) and C * O > 2**16 and windows < 2048
        return WINOGRAD_2X2 if few else WINOGRAD
    return im2col


def _check_forced(
    name: str,
    operand: Array,
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Any:
    kernel = w_shape[2:]
    serves = {
        "tiny": tiny.serves(operand, kernel, padding, dilation, groups),
        "pointwise": pointwise.serves(kernel, padding, groups),
        "depthwise": depthwise.serves(w_shape, stride, padding, dilation, groups)
        and type(operand) is np.ndarray,
        "tile": tile.serves(kernel, stride, padding, dilation, groups)
        and type(operand) is np.ndarray,
        **{
            form: ALGORITHMS[form].serves(kernel, stride, padding, dilation, groups, operand.dtype)
            and type(operand) is np.ndarray
            for form in ("winograd", "winograd 2x2")
        },
    }
    if not serves.get(name, True):
        raise RuntimeError(
            f"algorithm {name!r} was forced, but cannot compute a convolution with kernel {kernel}, "
            f"stride {stride}, padding {padding}, dilation {dilation}, groups {groups} of {operand.dtype}; "
            "algorithm(None) chooses by shape again"
        )
    return ALGORITHMS[name]


def _single(array: Array) -> Array:
    """Half precision is computed in single and rounded once at the end, as PyTorch does."""
    return array.astype(np.float32)
