"""Batch, layer, group and instance normalization in few launches, with memory read once or twice.

Where the elements of one mean are contiguous (a row), the threads keep the row in registers, so that it is read once.
Where they are a channel of images, `sums` computes the statistics and an elementwise kernel the result. The gradients
are computed in the same two ways.
"""

from __future__ import annotations

import weakref
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minigrad.gpu.elementwise import Elementwise
from minigrad.gpu.floats import in_one_piece, launch_rows
from minigrad.gpu.launch import int32s
from minigrad.gpu.rows import LONGEST, threads_of_a_row
from minigrad.gpu.sums import Sums, serves
from minigrad.layout import channels_last

# Differences from the channel's first number are summed, since a mean far from zero would cost digits: Chan, Golub and
# LeVeque, "Algorithms for computing the sample variance", 1983. A variance beyond A is infinite, as PyTorch's.
MEASURE = Sums(
    "moments",
    "A* means, A* variances, A* scales, A* running_mean, A* running_var, int tracked, double eps, double momentum",
    "double v = (double)X - up(x[(long long)c * inner]); a += v; b += v * v;",
    """double shift = a / count, mean = up(x[(long long)c * inner]) + shift, var = b / count - shift * shift;
        var = var < 0 ? 0 : var;
        means[c] = mean, variances[c] = var, scales[c] = 1 / sqrt(variances[c] + eps);
        if (tracked) {
            running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean;
            running_var[c] = (1 - momentum) * running_var[c] + momentum * var * count / (count > 1 ? count - 1 : 1);
        }""",
)
SLOPES = Sums(
    "slopes",
    "const A* means, const A* scales, int per_outer, int per_mean, A* w_slopes, A* b_slopes, A* shifts, A* turns",
    """int m = o * per_outer + c / per_mean;
        double v = G; a += v; b += v * ((X - means[m]) * scales[m]);""",
    "w_slopes[c] = b, b_slopes[c] = a, shifts[c] = a / count, turns[c] = b / count;",
)

# out = (x - mean) scale w + b, with scale = 1 / sqrt(var + eps): (rows, n) -> (rows, n), means and scales (rows,). The
# weight of a row's element i is that of channel (row % periods) * per + i / step.
ROW_FORWARD = """
extern "C" __global__ void __launch_bounds__(P == 32 ? 128 : P) normalize_rows(
    const T* x, const T* w, const T* b, T* out, A* means, A* scales, int rows, int n, int periods, int per, int step,
    int weighted, int shifted, double eps)
{
    long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    int first = row % periods * per;
    A v[K][4], mean = 0, var = 0;
    for (int k = 0; k < K; k++) {
        load(x + row * n, 4 * (k * P + threadIdx.x), n, 0, v[k]);
        for (int j = 0; j < 4; j++) mean += v[k][j];
    }
    mean = all_sum(mean) / n;
    for (int k = 0; k < K; k++)
        for (int j = 0; j < 4; j++) {
            v[k][j] -= mean;
            if (4 * (k * P + threadIdx.x) + j < n) var += v[k][j] * v[k][j];
        }
    A scale = 1 / sqrt(all_sum(var) / n + A(eps));
    if (threadIdx.x == 0) means[row] = mean, scales[row] = scale;
    for (int k = 0; k < K; k++) {
        int i = 4 * (k * P + threadIdx.x);
        for (int j = 0; j < 4; j++) {
            int c = first + (step == 1 ? i + j : (i + j) / step);
            v[k][j] *= scale;
            if (weighted && i + j < n) v[k][j] *= up(w[c]);
            if (shifted && i + j < n) v[k][j] += up(b[c]);
        }
        store(out + row * n, i, n, v[k]);
    }
}
"""
# dx = (g w - mean(g w) - y mean(g w y)) scale, with y = (x - mean) scale
ROW_RULE = """
extern "C" __global__ void __launch_bounds__(P == 32 ? 128 : P) normalize_rows_rule(
    const T* g, const T* x, const T* w, T* out, const A* means, const A* scales, int rows, int n, int periods, int per,
    int step, int weighted)
{
    long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    int first = row % periods * per;
    A v[K][4], y[K][4], shift = 0, turn = 0, mean = means[row], scale = scales[row];
    for (int k = 0; k < K; k++) {
        int i = 4 * (k * P + threadIdx.x);
        load(g + row * n, i, n, 0, v[k]);
        load(x + row * n, i, n, mean, y[k]);
        for (int j = 0; j < 4; j++) {
            if (weighted && i + j < n) v[k][j] *= up(w[first + (step == 1 ? i + j : (i + j) / step)]);
            y[k][j] = (y[k][j] - mean) * scale;
            shift += v[k][j], turn += v[k][j] * y[k][j];
        }
    }
    shift = all_sum(shift) / n, turn = all_sum(turn) / n;
    for (int k = 0; k < K; k++) {
        for (int j = 0; j < 4; j++) v[k][j] = (v[k][j] - shift - y[k][j] * turn) * scale;
        store(out + row * n, 4 * (k * P + threadIdx.x), n, v[k]);
    }
}
"""


class Layout(NamedTuple):
    """The memory layout of the elements of one mean, and of one weight."""

    rows: int  # of contiguous elements with one mean each; 0 if a mean belongs to a channel
    length: int  # of a row
    channels: tuple[int, int, int]  # (outer, weights, inner): the elements of one weight are a channel
    per_outer: int  # means in one entry of `outer`
    per_mean: int  # weights of one mean


def find_layout(moments: Any) -> Layout | None:
    """The layout of the elements of `moments`; None if no kernel serves it."""
    rows, dims, columns = moments.rows, moments.dims, moments.columns
    if not prod(rows):
        return None
    if dims == tuple([i for i in range(len(rows)) if i != 1]):
        return Layout(0, 0, (rows[0], rows[1], prod(rows[2:])), 0, 1)
    if not dims or dims != tuple(range(dims[0], len(rows))):
        return None
    weights = [i for i, n in enumerate(columns) if n > 1]
    first, end = (weights[0], weights[-1] + 1) if weights else (dims[0], dims[0])
    if columns[first:end] != rows[first:end]:
        return None
    count, means = prod(columns), prod(rows[first : dims[0]])
    channels = (prod(rows[:first]), count, prod(rows[end:]))
    return Layout(prod(rows[: dims[0]]), prod(rows[dims[0] :]), channels, means, count // means)


def _see_channels(layout: Layout, x: Any, *others: Any) -> tuple[list[Any], tuple[int, int, int]]:
    """The arrays made contiguous, and their shape (outer, channels, inner); channels_last images are read in place."""
    order, (outer, channels, inner) = channels_last.order, layout.channels
    if x.flags.c_contiguous or layout.rows or x.ndim != 4 or not x.transpose(order).flags.c_contiguous:
        return [in_one_piece(v) for v in (x, *others)], layout.channels
    return [in_one_piece(v.transpose(order)) for v in (x, *others)], (outer * inner, channels, 1)


def _find_computed_type(x: Any) -> Any:
    return np.dtype(np.float32) if x.dtype.char == "e" else x.dtype


def _as_columns(columns: tuple[int, ...], *vectors: Any) -> list[Any]:
    """One number for each channel, ready to broadcast; None stays None."""
    return [None if v is None else v.reshape(columns) for v in vectors]


# ---- forward -------------------------------------------------------------------------------------
@Elementwise
def _write(x: Any, mean: Any, scale: Any, w: Any, b: Any) -> Any:
    y = (x - mean) * scale
    y = y if w is None else y * w
    return (y if b is None else y + b).astype(x.dtype)


def normalize(x: Any, w: Any, b: Any, *, moments: Any, running: Any, momentum: float) -> Any:
    """The forward of all normalizations."""
    layout = find_layout(moments)
    if layout is None or not _serves(x, w, b, layout, running):
        return None
    kind = _find_computed_type(x)
    shape = tuple([1 if i in moments.dims else n for i, n in enumerate(moments.rows)])
    moments.mean, moments.scale = [type(x)(shape, kind) for _ in range(2)]
    moments.hat = None
    if layout.rows:
        return _write_rows(x, w, b, moments, layout)
    moments.variance = type(x)(shape, kind)
    kept = running if running[0] is not None else (moments.mean, moments.mean)
    numbers = (*int32s(running[0] is not None), np.float64(moments.eps), np.float64(momentum))
    (seen,), channels = _see_channels(layout, x)
    MEASURE(seen, seen, channels, (moments.mean, moments.variance, moments.scale, *kept, *numbers))
    return _write(x, moments.mean, moments.scale, *_as_columns(moments.columns, w, b))


def _serves(x: Any, w: Any, b: Any, layout: Layout, running: Any) -> bool:
    if x.dtype.char not in "efd" or any(v is not None and v.dtype != x.dtype for v in (w, b)):
        return False
    if layout.rows:
        return layout.length <= LONGEST and layout.rows < 2**31 and running == (None, None) and serves(layout.channels)
    kind, both = _find_computed_type(x), [v is None for v in running]
    tracks = all(v is None or (v.dtype == kind and v.flags.c_contiguous) for v in running)
    return tracks and both[0] == both[1] and serves(layout.channels)


def _write_rows(x: Any, w: Any, b: Any, moments: Any, layout: Layout) -> Any:
    x, out = in_one_piece(x), type(x)(x.shape, x.dtype)
    weights = [x if v is None else in_one_piece(v) for v in (w, b)]
    operands = (x, *weights, out, moments.mean, moments.scale)
    numbers = (*_list_sizes(layout), *int32s(w is not None, b is not None), np.float64(moments.eps))
    _launch_rows("normalize_rows", ROW_FORWARD, layout, (*operands, *numbers), x.dtype.char)
    return out


def _list_sizes(layout: Layout) -> tuple[Any, ...]:
    return int32s(layout.rows, layout.length, layout.per_outer, layout.per_mean, layout.channels[2])


def _launch_rows(name: str, body: str, layout: Layout, arguments: tuple[Any, ...], char: str) -> None:
    threads, fours = threads_of_a_row(layout.length)
    launch_rows(name, body, char, arguments, layout.rows, threads, K=fours)


# ---- gradients -----------------------------------------------------------------------------------
# dx = (g - mean(g) - y mean(g y)) scale w, with y = (x - mean) scale; `shift` and `turn` are the two means
@Elementwise
def _write_rule(g: Any, x: Any, mean: Any, scale: Any, shift: Any, turn: Any, w: Any) -> Any:
    weighted = scale if w is None else scale * w
    return ((g - shift - (x - mean) * scale * turn) * weighted).astype(x.dtype)


def x_rule(g: Any, x: Any, w: Any, moments: Any) -> Any:
    """The gradient of the input."""
    layout = find_layout(moments)
    if layout is None or not _has_own_statistics(g, x, moments) or not _serves(x, w, None, layout, (None, None)):
        return None
    if layout.rows:
        return _write_rows_rule(g, x, w, moments, layout)
    slopes = _find_slopes(g, x, moments, layout)
    return _write_rule(g, x, moments.mean, moments.scale, *_as_columns(moments.columns, slopes[2], slopes[3], w))


def _write_rows_rule(g: Any, x: Any, w: Any, moments: Any, layout: Layout) -> Any:
    x, out = in_one_piece(x), type(x)(x.shape, x.dtype)
    operands = (in_one_piece(g), x, x if w is None else in_one_piece(w), out, moments.mean, moments.scale)
    numbers = (*_list_sizes(layout), *int32s(w is not None))
    _launch_rows("normalize_rows_rule", ROW_RULE, layout, (*operands, *numbers), x.dtype.char)
    return out


def w_rule(g: Any, x: Any, w_shape: Any, moments: Any) -> Any:
    """The gradient of the weights."""
    layout = find_layout(moments)
    if layout is None or not _has_own_statistics(g, x, moments) or not serves(layout.channels):
        return None
    return _find_slopes(g, x, moments, layout)[0].reshape(w_shape)


def b_rule(g: Any, *given: Any) -> Any:  # a rule may read the weights too
    """The gradient of the bias, if it was summed together with that of the weights."""
    b_shape, moments = given[-2:]
    kept: Any = _SLOPES.get(moments)
    found_with_weights = kept is not None and kept[0]() is g and given[0] is not None
    return kept[1][1].reshape(b_shape) if found_with_weights else None


_SLOPES: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()  # results of the last rule, for the next


def _has_own_statistics(g: Any, x: Any, moments: Any) -> bool:
    """Whether the forward was a kernel of this file."""
    return moments.hat is None and g.dtype == x.dtype and moments.mean.dtype == _find_computed_type(x)


def _find_slopes(g: Any, x: Any, moments: Any, layout: Layout) -> Any:
    """For each weight its gradient, that of the bias, and their means; computed once for all rules."""
    kept = _SLOPES.get(moments)
    if kept is None or kept[0]() is not g:
        found = type(x)((4, layout.channels[1]), moments.mean.dtype)
        numbers = (moments.mean, moments.scale, *int32s(layout.per_outer, layout.per_mean), *found)
        (seen, cotangent), channels = _see_channels(layout, x, g)
        SLOPES(seen, cotangent, channels, numbers)
        kept = _SLOPES[moments] = (weakref.ref(g), found)
    return kept[1]


RULES = (x_rule, w_rule, b_rule)


# ---- with given statistics -----------------------------------------------------------------------
@Elementwise
def _write_given(x: Any, mean: Any, var: Any, eps: float, w: Any, b: Any) -> Any:
    scale = _weigh_scale(var, eps, w)
    return x * scale - mean * scale if b is None else x * scale + (b - mean * scale)


_given_rule = Elementwise(lambda g, var, eps, w: g * _weigh_scale(var, eps, w))


def _weigh_scale(var: Any, eps: float, w: Any) -> Any:
    return 1 / np.sqrt(var + eps) if w is None else 1 / np.sqrt(var + eps) * w


def normalize_by_given(x: Any, w: Any, b: Any, mean: Any, var: Any, *, columns: Any, eps: float) -> Any:
    """The forward with given statistics, for operands of one dtype."""
    if any(v is not None and v.dtype != x.dtype for v in (mean, var, w, b)):
        return None
    mean, var, w, b = _as_columns(columns, mean, var, w, b)
    return _write_given(x, mean, var, eps, w, b)


def given_x_rule(g: Any, w: Any, var: Any, columns: Any, eps: float) -> Any:
    """The gradient of the input with given statistics."""
    if var.dtype != g.dtype or (w is not None and w.dtype != g.dtype):
        return None
    var, w = _as_columns(columns, var, w)
    return _given_rule(g, var, eps, w)
