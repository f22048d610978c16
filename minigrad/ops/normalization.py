"""Normalization: ``(x - mean) / sqrt(variance + eps) * w + b``, in one operation with its gradients.

`x` is reshaped to `rows`, statistics are taken over the axes `dims`, and `w` and `b` are reshaped to `columns`: batch,
layer and group normalization differ only in these. If ``hat = (x - mean) / sqrt(variance + eps)`` is not saved, the
gradient computes it again from `x`.

Over two or three numbers the gradients cancel to rounding errors, so the rules multiply and add in the order of
PyTorch's CPU kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.recording import Operation, operation
from minigrad.half_precision import HALF, widen
from minigrad.ops import small_norms
from minigrad.ops.memory_layout import lay_images
from minigrad.ops.small_norms import Steps
from minigrad.passes import in_parts, is_large, map_slices

Shape = tuple[int, ...]


class Moments:
    """The shapes of one normalization, and the statistics that its forward saves for the gradient."""

    __slots__ = (
        "__weakref__", "columns", "count", "dims", "eps", "hat", "kept_in", "mean", "rows", "scale", "steps",
        "variance",
    )  # fmt: skip

    mean: Any
    variance: Any  # the biased one
    scale: Any  # 1 / sqrt(variance + eps)
    hat: Any  # saved only if it is not the result itself

    def __init__(
        self, rows: Shape, dims: Shape, columns: Shape, eps: float, steps: Steps | None = None, kept_in: Any = None
    ) -> None:
        self.rows, self.dims, self.columns, self.eps, self.steps = rows, dims, columns, eps, steps
        self.count = prod([rows[i] for i in dims])  # the number of elements of one mean
        self.kept_in = kept_in  # the dtype of the input, in which PyTorch keeps the statistics

    def measure(self, x: Any) -> Any:
        """Computes and saves the statistics of the array `x`, and returns `hat`."""
        x = lay_images(x).reshape(self.rows)
        steps = self.steps_for(x)
        if steps is not None:
            self.mean, self.variance, self.scale = steps.measure(x, self.dims, self.eps)
            return (x - self.mean) * self.scale
        self.mean = self.average(x)
        centred = in_parts(np.subtract, x, self.mean) if is_large(x) else x - self.mean
        self.variance = sum_product(centred, centred, self.dims) / self.count
        self.scale = 1 / np.sqrt(self.variance + self.eps)
        if is_large(x):
            return in_parts(np.multiply, centred, self.scale)
        return np.multiply(centred, self.scale, out=centred)

    def steps_for(self, x: Any) -> Steps | None:
        """PyTorch's own steps for the array `x`, if it has few float32 elements and is on a CPU; else None."""
        small = 0 < x.size <= small_norms.SMALL and type(x) is np.ndarray and x.dtype.char == "f"
        return self.steps if small else None

    def average(self, x: Any) -> Any:
        """The mean over `dims`, summed in float64 on a CPU, as PyTorch does."""
        exact = np.float64 if type(x) is np.ndarray else None
        if is_large(x):
            from minigrad.large_arrays import reduce_in_parts

            total = reduce_in_parts(np.add.reduce, x, self.dims, exact, None, True)
        else:
            total = x.sum(self.dims, exact, keepdims=True)
        return (total / self.count).astype(x.dtype)

    def recall(self, x: Any) -> Any:
        """Computes `hat` of the array `x` again."""
        if self.hat is not None:
            return self.hat
        hat = x.reshape(self.rows) - self.mean
        hat *= self.scale
        return hat

    def trace(self, x: Any) -> tuple[Any, Any]:
        """`hat` and `scale` as functions of the Tensor `x`, for second derivatives."""
        x = x.reshape(self.rows)
        centred = x - x.mean(axis=self.dims, keepdims=True)
        scale = 1 / np.sqrt((centred * centred).sum(axis=self.dims, keepdims=True) / self.count + self.eps)
        return centred * scale, scale


def sum_product(x: Any, y: Any, dims: Shape) -> Any:
    """``sum(x * y)`` over the axes `dims`, which keep length 1, without an array of products."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return (x * y).sum(axis=dims, keepdims=True)
    if x.size <= 1000:  # summed in float64, as in PyTorch: it shows where terms cancel
        return (x * y).sum(axis=dims, keepdims=True, dtype=np.float64).astype(x.dtype)
    return map_slices(partial(_add_products, dims), dims, x, y)


RUN, FEW = 512, 2**13  # most products that are added in float32: along one axis, and in total


def _add_products(dims: Shape, x: Any, y: Any) -> Any:
    """`sum_product` of few products, and of many by runs along the last of `dims`, whose sums are added in double."""
    axis, axes = dims[-1], [*range(x.ndim)]
    if prod([x.shape[d] for d in dims]) <= FEW:
        total = np.einsum(x, axes, y, axes, [i for i in axes if i not in dims])
        return np.asarray(total).reshape([1 if i in dims else m for i, m in enumerate(x.shape)])
    n, sums = x.shape[axis], []
    whole = n - n % RUN
    if whole:
        sums.append(_add_runs(x, y, axis, slice(0, whole), RUN))
    if whole < n:
        sums.append(_add_runs(x, y, axis, slice(whole, n), n - whole))
    return np.concatenate(sums, axis).sum(axis=dims, keepdims=True, dtype=np.float64).astype(x.dtype)


def _add_runs(x: Any, y: Any, axis: int, places: slice, length: int) -> Any:
    """The sums of ``x * y`` over runs of this length at the `places` of an axis: (..., n, ...) -> (..., runs, ...)."""
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    part = (slice(None),) * axis + (places,)
    u, v = [z[part].reshape(*before, -1, length, *after) for z in (x, y)]  # (..., runs, length, ...)
    axes = [*range(u.ndim)]
    return np.einsum(u, axes, v, axes, [i for i in axes if i != axis + 1])


def _forward(x: Any, w: Any, b: Any, *, moments: Moments, running: Any, momentum: float) -> Any:
    hat = moments.measure(x)
    moments.hat = None if w is None and b is None else hat
    _track(running, moments, momentum)
    if moments.kept_in == HALF:
        moments.mean = widen(moments.mean.astype(HALF))
        moments.scale = widen(moments.scale.astype(HALF))
    return _scale_and_shift(hat, w, b, moments.columns).astype(x.dtype, copy=False).reshape(x.shape)


def _scale_and_shift(hat: Any, w: Any, b: Any, columns: Shape) -> Any:
    if w is None:
        return hat if b is None else hat + b.reshape(columns)
    if b is not None and is_large(hat):
        return in_parts(lambda hat, w, b: hat * w + b, hat, w.reshape(columns), b.reshape(columns))
    y = hat * w.reshape(columns)
    return y if b is None else np.add(y, b.reshape(columns), out=y)


def _track(running: Any, moments: Moments, momentum: float) -> None:
    """Updates the running mean and variance, arrays or None, with those of this batch."""
    count = moments.count
    if not count:
        return
    mean, variance = running
    _move(mean, moments.mean, 1.0, momentum)
    unbiased = count / max(count - 1, 1)  # the variance of all images is larger than that around the mean of a batch
    _move(variance, moments.variance, unbiased, momentum)


def _move(kept: Any, measured: Any, factor: float, momentum: float) -> None:
    """Moves the array `kept`, if there is one, towards ``measured * factor``."""
    if kept is not None and kept.size:
        seen = measured.reshape(-1, kept.size)
        average = seen[0] if len(seen) == 1 else seen.sum(0) / len(seen)  # over the examples of instance_norm
        kept[...] = (1 - momentum) * kept + momentum * (average * factor)


def _batch_x_rule(g: Any, x: Any, w: Any, moments: Moments) -> Any:
    # With s = sqrt(variance + eps): dx = (g - mean(g) - (x - mean) mean(g (x - mean)) / s**2) w / s
    if isinstance(g, TensorBase):
        return _traced_x_rule(g, x, w, moments)

    def compute(part: Any, x: Any, mean: Any, scale: Any, w: Any) -> Any:
        slope = x - mean
        slope *= sum_product(part, slope, moments.dims) * scale * scale / moments.count
        dx = part - moments.average(part)
        dx -= slope
        dx *= scale if w is None else scale * w
        return dx

    return _slice_by_slice(compute, g, x, w, moments)


def _row_x_rule(g: Any, x: Any, w: Any, moments: Moments) -> Any:
    # The same, gathered by its factors: dx = g w / s + slope x + shift
    if isinstance(g, TensorBase):
        return _traced_x_rule(g, x, w, moments)

    def compute(g: Any, x: Any, mean: Any, scale: Any, w: Any) -> Any:
        weighted = g if w is None else g * w
        total, share = weighted.sum(axis=moments.dims, keepdims=True), scale.dtype.type(1 / max(moments.count, 1))
        slope = (total * mean - sum_product(weighted, x, moments.dims)) * scale * scale * scale * share
        dx = g * scale
        if w is not None:
            dx *= w
        dx += x * slope
        dx -= slope * mean + total * scale * share
        return dx

    return _slice_by_slice(compute, g, x, w, moments)


def _slice_by_slice(compute: Callable[..., Any], g: Any, x: Any, w: Any, moments: Moments) -> Any:
    """The gradient of `x`: ``compute(g, x, mean, scale, w)`` in the shape `rows`, for large arrays in all threads."""
    rows, columns = moments.rows, None if w is None else w.reshape(moments.columns)
    part, row = g.reshape(rows), x.reshape(rows)
    steps = moments.steps_for(part)
    if steps is not None:
        dx = steps.gradient(moments.dims, part, row, moments.mean, moments.scale, columns)
    else:
        dx = map_slices(compute, moments.dims, part, row, moments.mean, moments.scale, columns)
    return _shape_like(dx, x)


def _traced_x_rule(g: Any, x: Any, w: Any, moments: Moments) -> Any:
    """The gradient of `x` computed with Tensors, so that it can be differentiated again."""
    part = g.reshape(moments.rows)
    if w is not None:
        part = part * w.reshape(moments.columns)
    hat, scale = moments.trace(x)
    slope = hat * (sum_product(part, hat, moments.dims) / moments.count)
    return ((part - part.mean(axis=moments.dims, keepdims=True) - slope) * scale).reshape(x.shape)


def _shape_like(dx: Any, x: Any) -> Any:
    dx = dx.astype(x.dtype, copy=False)
    return dx if dx.shape == x.shape else dx.reshape(x.shape)  # a view would be copied again


def _w_rule(g: Any, x: Any, w_shape: Shape, moments: Moments) -> Any:
    hat = moments.trace(x)[0] if isinstance(g, TensorBase) else moments.recall(x)
    return sum_product(g.reshape(moments.rows), hat, _find_shared_axes(moments.columns)).reshape(w_shape)


def _b_rule(g: Any, b_shape: Shape, moments: Moments) -> Any:
    return g.reshape(moments.rows).sum(axis=_find_shared_axes(moments.columns)).reshape(b_shape)


def _find_shared_axes(columns: Shape) -> Shape:
    """The axes along which `w` is broadcast."""
    return tuple([i for i, n in enumerate(columns) if n == 1])


def _lone_b_rule(g: Any, w: Any, b_shape: Shape, moments: Moments) -> Any:
    if w is None:
        detail = "a bias without a weight has no gradient, in PyTorch neither; give weight=torch.ones(channels)"
        raise RuntimeError(f"group_norm: {detail}")
    return _b_rule(g, b_shape, moments)


def _make_normalization(name: str, x_rule: Callable[..., Any], b_rule: Callable[..., Any] = _b_rule) -> Operation:
    title = "".join(word.capitalize() for word in name.split("_"))
    return operation(name, _forward, x_rule, _w_rule, b_rule, shown=f"Native{title}Backward0", in_float32=True)


batch_norm = _make_normalization("batch_norm", _batch_x_rule)
layer_norm = _make_normalization("layer_norm", _row_x_rule)
group_norm = _make_normalization("group_norm", _row_x_rule, _lone_b_rule)


# ---- with given statistics ----------------------------------------------------------------
def _given_forward(x: Any, w: Any, b: Any, mean: Any, var: Any, *, columns: Shape, eps: float) -> Any:
    scale = 1 / np.sqrt(var + eps)
    if w is not None:
        scale = scale * w
    shift = -mean * scale if b is None else b - mean * scale
    y = lay_images(x) * scale.reshape(columns).astype(x.dtype)
    y += shift.reshape(columns).astype(x.dtype)
    return y


def _given_x_rule(g: Any, w: Any, var: Any, columns: Shape, eps: float) -> Any:
    scale = 1 / np.sqrt(var + eps)
    return g * (scale if w is None else scale * w).reshape(columns)


def _given_w_rule(g: Any, x: Any, mean: Any, var: Any, columns: Shape, eps: float) -> Any:
    centred = x - mean.reshape(columns)
    total = sum_product(g, centred, _find_shared_axes(columns)).reshape(mean.shape)
    return total * (1 / np.sqrt(var + eps))


def _given_b_rule(g: Any, b_shape: Shape, columns: Shape) -> Any:
    return g.sum(axis=_find_shared_axes(columns)).reshape(b_shape)


normalize_by = operation(
    "batch_norm", _given_forward, _given_x_rule, _given_w_rule, _given_b_rule, None, None,
    shown="NativeBatchNormBackward0", in_float32=True,
)  # fmt: skip
