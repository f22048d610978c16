"""A lesson's problem: one small image, where the calls cost more than the arithmetic.

The kernel is laid over a window view that NumPy's own constructor makes in a third of a microsecond
(`as_strided` takes five), and one product does the rest. NumPy, one group.
Float32 error against float64 on the lessons' images: 1e-7 relative.
"""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array, quiet
from minigrad.kernels.windows import Pair

LIMIT = 30_000  # elements of the columns; beyond, the roomier ways are as quick (benchmarks/ways.py)


def _columns(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """The windows of x as a view (N, C, kh, kw, Ho, Wo)."""
    N, C, H, W = x.shape
    if padding != (0, 0):
        (ph, pw), image = padding, x
        x = np.zeros((N, C, H + 2 * ph, W + 2 * pw), x.dtype)
        x[:, :, ph : ph + H, pw : pw + W] = image
        N, C, H, W = x.shape
    elif not x.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    (kh, kw), (sh, sw), (dh, dw) = kernel, stride, dilation
    n, c, h, w = x.strides
    return np.ndarray(
        (N, C, kh, kw, (H - dh * (kh - 1) - 1) // sh + 1, (W - dw * (kw - 1) - 1) // sw + 1),
        x.dtype,
        x,
        0,
        (n, c, dh * h, dw * w, sh * h, sw * w),
    )


def conv2d(x: Array, w: Array, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
    O, C, kh, kw = w.shape
    windows = _columns(x, (kh, kw), stride, padding, dilation)
    N, _, _, _, Ho, Wo = windows.shape
    out = np.empty((N, O, Ho, Wo), x.dtype)
    K, P = C * kh * kw, Ho * Wo
    if N == 1:  # np.dot takes half of np.matmul's time
        quiet(np.dot, w.reshape(O, K), windows.reshape(K, P), out.reshape(O, P))
    else:
        quiet(np.matmul, w.reshape(O, K), windows.reshape(N, K, P), out.reshape(N, O, P))
    return out


def conv2d_weight(
    x: Array, g: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
    N, O, Ho, Wo = g.shape
    windows = _columns(x, kernel_size, stride, padding, dilation)
    C, kh, kw = windows.shape[1:4]
    w = np.empty((O, C, kh, kw), x.dtype)
    K, P = C * kh * kw, Ho * Wo
    if N == 1:
        quiet(np.dot, g.reshape(O, P), windows.reshape(K, P).T, w.reshape(O, K))
    else:  # (O, N*Ho*Wo) @ (N*Ho*Wo, C*kh*kw)
        columns = windows.transpose(0, 4, 5, 1, 2, 3).reshape(N * P, K)
        quiet(np.dot, g.transpose(1, 0, 2, 3).reshape(O, N * P), columns, w.reshape(O, K))
    return w


def conv2d_input(
    g: Array, w: Array, input_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in x: g spread by the stride, convolved with the flipped kernel."""
    (N, O, Ho, Wo), (kh, kw) = g.shape, w.shape[2:]
    (sh, sw), (dh, dw), (H, W) = stride, dilation, input_size
    top, left = dh * (kh - 1) - padding[0], dw * (kw - 1) - padding[1]
    spread = np.zeros((N, O, H + dh * (kh - 1), W + dw * (kw - 1)), g.dtype)
    spread[:, :, top : top + (Ho - 1) * sh + 1 : sh, left : left + (Wo - 1) * sw + 1 : sw] = g
    flipped = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    return conv2d(spread, flipped, (1, 1), (0, 0), dilation, 1)


def serves(operand: Array, w_shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """NumPy, one group, padding within the kernel's reach."""
    return (
        groups == 1
        and type(operand) is np.ndarray
        and padding[0] <= dilation[0] * (w_shape[2] - 1)
        and padding[1] <= dilation[1] * (w_shape[3] - 1)
    )
