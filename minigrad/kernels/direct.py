"""Convolution as its definition says: a sum over the taps of the kernel. The lesson, and the
oracle.

out[n, o, t, u] = sum over c, i, j of w[o, c, i, j] x[n, c, t s + i d - p, u s + j d - p], where
pixels outside the image are zero. It is cross-correlation: the kernel is not flipped. The loops
run over images, output channels, windows; what is left inside is one window times one kernel.
Slow, obvious, any dtype.
"""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.backend import Array, array_module
from minigrad.kernels.windows import Pair, output_size, padded


def conv2d(x: Array, w: Array, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    size = output_size(x, w.shape[2:], stride, padding, dilation)
    out = array_module(x).zeros((len(x), len(w), *size), x.dtype)
    image = padded(x, padding)
    for place, window in _places(out.shape, w.shape, stride, dilation, groups):
        out[place] = (image[window] * w[place[1]]).sum(dtype=x.dtype)
    return out


def conv2d_weight(
    x: Array, g: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in w: every window, weighted by its g, adds to its kernel."""
    w = array_module(x).zeros((g.shape[1], x.shape[1] // groups, *kernel_size), x.dtype)
    image = padded(x, padding)
    for place, window in _places(g.shape, w.shape, stride, dilation, groups):
        w[place[1]] += image[window] * g[place]
    return w


def conv2d_input(
    g: Array, w: Array, input_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in x: the kernel, weighted by each g, adds to its window."""
    (H, W), (ph, pw) = input_size, padding
    image = array_module(g).zeros((len(g), w.shape[1] * groups, H + 2 * ph, W + 2 * pw), g.dtype)
    for place, window in _places(g.shape, w.shape, stride, dilation, groups):
        image[window] += w[place[1]] * g[place]
    return image[:, :, ph : ph + H, pw : pw + W].copy()


def _places(
    out_shape: tuple[int, ...], w_shape: tuple[int, ...], stride: Pair, dilation: Pair, groups: int
) -> Iterator[tuple[tuple[int, int, int, int], tuple[object, ...]]]:
    """Each element (n, o, t, u) of the output with the index of its window in the padded images."""
    N, O, Ho, Wo = out_shape
    _, C, kh, kw = w_shape
    for n in range(N):
        for o in range(O):
            first = o // (O // groups) * C
            for t in range(Ho):
                top = t * stride[0]
                rows = slice(top, top + (kh - 1) * dilation[0] + 1, dilation[0])
                for u in range(Wo):
                    left = u * stride[1]
                    cols = slice(left, left + (kw - 1) * dilation[1] + 1, dilation[1])
                    yield (n, o, t, u), (n, slice(first, first + C), rows, cols)


def serves(operand: Array, w_shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """Everything."""
    return True
