"""Normalization of a few float32 numbers, with the order of additions and the roundings of PyTorch's CPU kernels.

Where the terms of a gradient cancel only rounding errors remain, and a program prints PyTorch's digits only if it adds
in the same order: in eight SIMD lanes, and the remaining elements with one rounding for ``a * b + c`` (`fused`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

Axes = tuple[int, ...]

SMALL = 128  # most elements; for more, these steps would take longer than the rest of a call
LANES = 8  # elements in a vector register
# Factors are arrays of 0 dimensions or as large as what they multiply: NumPy is slow with numbers and broadcasting.
COUNTS = [np.array(count, np.float32) for count in range(1, SMALL + 1)]
ZERO = np.array(0, np.float32)
INVERSES = [np.asarray(1 / count) for count in COUNTS]


class Steps(NamedTuple):
    """``measure(x, dims, eps)`` gives mean, biased variance and scale; ``gradient(dims, g, x, mean, scale, w)`` dx."""

    measure: Callable[..., tuple[Any, Any, Any]]
    gradient: Callable[..., Any]


def fused(a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` in float32, rounded once."""
    a, b, c = [z.astype(np.float64) for z in (a, b, c)]  # all three: NumPy is slow with operands of two types
    return (a * b + c).astype(np.float32)


def add_by_lanes(a: Any, b: Any = None, fuse: bool = True) -> Any:
    """The sum of `a`, or of ``a * b``, along the last axis, which keeps length 1."""
    products = a if b is None else a * b
    length = products.shape[-1]
    whole = length // LANES * LANES
    if not whole:
        return products.sum(axis=-1, keepdims=True)
    columns = _as_columns(products, length)
    lanes = columns[:LANES].copy()
    for start in range(LANES, whole, LANES):
        lanes += columns[start : start + LANES]
    if whole < length:
        head = lanes[: length - whole]
        if fuse and b is not None:
            u, v = [_as_columns(z, length)[whole:] for z in (a, b)]
            head[...] = fused(u, v, head)
        else:
            head += columns[whole:]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = lanes[:half] + lanes[half:]
    return lanes.reshape(*products.shape[:-1], 1)


def _as_columns(x: Any, length: int) -> Any:
    """(..., length) -> (length, all the others)."""
    return x.reshape(-1, length).T


def _add_one_by_one(a: Any, b: Any) -> Any:
    """The sum of ``a * b`` along the first axis, which stays with length 1, in its order."""
    total = np.zeros(a.shape[1:])
    for product in a.astype(np.float64) * b.astype(np.float64):  # which is exact
        product += total
        total = product.astype(np.float32).astype(np.float64)
    return total.astype(np.float32)[None]


def _in_rows(x: Any, dims: Axes) -> Any:
    """`x` with its last axes, `dims`, as one."""
    return x.reshape(*x.shape[: dims[0]], prod(x.shape[dims[0] :]))


def _count(x: Any, dims: Axes) -> int:
    return prod([x.shape[d] for d in dims])


def _scale(variance: Any, eps: Any) -> Any:
    """``1 / sqrt(variance + eps)``, computed in the dtype of `eps`."""
    return np.reciprocal(np.sqrt(variance.astype(eps.dtype) + eps)).astype(np.float32)


# ---- layers and groups ---------------------------------------------------------------------------
def _welford(x: Any, dims: Axes) -> tuple[Any, Any]:
    """Mean and biased variance over the last axes: eight lanes, joined to what is left over.

    Sources: Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products", 1962;
    Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
    """
    columns = _as_columns(x, _count(x, dims))
    length, rows = columns.shape
    turns, left = divmod(length, LANES)
    mean, squares = np.zeros((2, rows), np.float32)
    for number, seen in zip(columns[turns * LANES :], COUNTS[:left], strict=True):
        off = number - mean
        mean = mean + off / seen
        squares = squares + off * (number - mean)
    level, spread = _measure_lanes(columns, turns)
    before, shares, wide_shares = _find_shares(turns, left, rows)
    wide, wide_mean = np.empty(rows), mean.astype(np.float64)
    for off, share in zip(level, wide_shares, strict=True):  # mean = fused(off, share, mean), without new arrays
        off -= mean
        wide[...] = off
        wide *= share
        wide += wide_mean
        mean[...] = wide
        wide_mean[...] = mean
    parts = fused(level * level * shares, before, spread)
    parts[0] += squares
    squares = np.add.accumulate(parts)[-1]  # one after another, which a sum would not do
    kept = x.shape[: dims[0]] + (1,) * len(dims)
    return mean.reshape(kept), (squares / COUNTS[length - 1]).reshape(kept)


def _measure_lanes(columns: Any, turns: int) -> tuple[Any, Any]:
    """Mean and sum of squared deviations of each lane, (LANES, rows); of no turns one lane of zeros."""
    if not turns:
        level, spread = np.zeros((2, 1, columns.shape[1]), np.float32)
        return level, spread
    level = columns[:LANES].copy()
    level += ZERO  # no -0
    spread = level - level  # 0, but NaN if infinite
    for turn in range(1, turns):
        numbers = columns[turn * LANES : (turn + 1) * LANES]
        off = numbers - level
        level = fused(off, INVERSES[turn], level)
        spread = fused(off, numbers - level, spread)
    return level, spread


@lru_cache(maxsize=SMALL)
def _find_shares(turns: int, left: int, rows: int) -> tuple[Any, Any, list[Any]]:
    """How many elements were seen before each lane, (lanes, rows), and its share of those seen with it.

    The shares also in double precision, as a list of rows.
    """
    lanes, share = LANES if turns else 1, np.float32(turns)
    before = left + share * np.arange(lanes, dtype=np.float32).repeat(rows).reshape(lanes, rows)
    shares = share / (before + share)
    return before, shares, [*shares.astype(np.float64)]


def _measure_layer(x: Any, dims: Axes, eps: float) -> tuple[Any, Any, Any]:
    mean, variance = _welford(x, dims)
    return mean, variance, _scale(variance, np.array(eps, np.float32))


def _measure_group(x: Any, dims: Axes, eps: float) -> tuple[Any, Any, Any]:
    mean, variance = _welford(x, dims)
    return mean, variance, _scale(variance, np.array(eps, np.float64))


def _slope(total: Any, product: Any, mean: Any, scale: Any, share: Any) -> Any:
    return fused(total, mean, -product) * scale * scale * scale * share


def _layer_gradient(dims: Axes, g: Any, x: Any, mean: Any, scale: Any, w: Any) -> Any:
    # g w / s + slope x + shift
    share = INVERSES[_count(x, dims) - 1]
    if w is None:
        total, product, own = add_by_lanes(g), add_by_lanes(g, x), g * scale
    else:
        w = np.broadcast_to(w, x.shape)
        total, product, own = add_by_lanes(g, w), add_by_lanes(g * x, w), g * scale * w
    slope = _slope(total, product, mean, scale, share)
    return fused(slope, x, own) + fused(-slope, mean, -(total * scale * share))


def _add_channels(sums: Any, w: Any, dim: int) -> Any:
    """The sum of ``sums * w`` along `dim`."""
    if w is None:
        return sums.sum(axis=dim, keepdims=True)
    first = [np.moveaxis(z, dim, 0) for z in (sums, np.broadcast_to(w, sums.shape))]  # (N, C, ...) -> (C, N, ...)
    return np.moveaxis(_add_one_by_one(*first), 0, dim)


def _group_gradient(dims: Axes, g: Any, x: Any, mean: Any, scale: Any, w: Any) -> Any:
    # the same; each channel is summed first, and multiplied by its weight then
    share = INVERSES[_count(x, dims) - 1]
    total = _add_channels(add_by_lanes(g), w, dims[0])
    product = _add_channels(add_by_lanes(g, x, fuse=False), w, dims[0])
    slope = _slope(total, product, mean, scale, share)
    own = scale if w is None else scale * w
    return fused(g, own, slope * x) + fused(-(total * scale), share, -slope * mean)


# ---- batches -------------------------------------------------------------------------------------
def _measure_batch(x: Any, dims: Axes, eps: float) -> tuple[Any, Any, Any]:
    count = COUNTS[_count(x, dims) - 1]
    if x.ndim == 2:
        mean = x.sum(axis=0, keepdims=True) / count
        off = x - mean
        variance = _add_one_by_one(off, off) / count
    else:
        mean = (x.sum(axis=dims, keepdims=True, dtype=np.float64) / count).astype(np.float32)
        squares = (x - mean) ** 2
        variance = squares.sum(axis=dims, keepdims=True, dtype=np.float64).astype(np.float32) / count
    return mean, variance, _scale(variance, np.array(eps, np.float64))


def _add_images(a: Any, b: Any, dims: Axes) -> Any:
    """The sum of ``a * b`` over the images of (N, C, ...), each in single; those of a batch in double."""
    a, b = [z if z is None else _in_rows(z, (2,)) for z in (a, b)]
    sums = add_by_lanes(a, b).astype(np.float64)
    return sums.sum(axis=0, keepdims=True) if 0 in dims else sums


def _batch_gradient(dims: Axes, g: Any, x: Any, mean: Any, scale: Any, w: Any) -> Any:
    # (g - mean(g) - (x - mean) mean(g (x - mean)) / s**2) w / s
    count, off, columns = COUNTS[_count(x, dims) - 1], x - mean, mean.shape
    if x.ndim == 2:
        total, product = g.sum(axis=0, keepdims=True), _add_one_by_one(g, off)
    else:
        total, product = [_add_images(g, other, dims).reshape(columns) for other in (None, off)]
    slope = product.astype(np.float32) * scale * scale / count
    level = g - (total / count).astype(np.float32)
    rest = level - off * slope if x.ndim == 2 else fused(-off, slope, level)
    return rest * scale if w is None else rest * scale * w


LAYER, GROUP = Steps(_measure_layer, _layer_gradient), Steps(_measure_group, _group_gradient)
BATCH = Steps(_measure_batch, _batch_gradient)
