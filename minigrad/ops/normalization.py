"""Normalization: ``(x - mean) / sqrt(variance + eps) * w + b``, in one operation with its gradients.

`x` is seen in the shape `rows`, statistics are taken over the axes `dims`, and `w` and `b` are brought to the
shape `columns`: batch, layer and group normalization differ in these alone. Where the result does not keep
``hat = (x - mean) / sqrt(variance + eps)``, the way back computes it again from `x`.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.recording import Operation, operation

Shape = tuple[int, ...]


class Moments:
    """What a normalization is told of the shapes, and what its forward measures for the way back."""

    __slots__ = ("columns", "dims", "eps", "hat", "mean", "rows", "scale", "variance")

    mean: Any
    variance: Any  # the biased one
    scale: Any  # 1 / sqrt(variance + eps)
    hat: Any  # kept only where it is not the result itself

    def __init__(self, rows: Shape, dims: Shape, columns: Shape, eps: float) -> None:
        self.rows, self.dims, self.columns, self.eps = rows, dims, columns, eps

    @property
    def count(self) -> int:
        """How many numbers share one mean."""
        return prod([self.rows[i] for i in self.dims])

    def measure(self, x: Any) -> Any:
        """Note the statistics of the array `x`, and return it with mean 0 and variance 1."""
        x = widen(x.reshape(self.rows))
        exact = np.float64 if type(x) is np.ndarray else None  # as PyTorch sums on a CPU
        self.mean = (x.sum(axis=self.dims, keepdims=True, dtype=exact) / self.count).astype(x.dtype)
        centred = x - self.mean
        self.variance = sum_product(centred, centred, self.dims) / self.count
        self.scale = 1 / np.sqrt(self.variance + self.eps)
        return np.multiply(centred, self.scale, out=centred)

    def recall(self, x: Any) -> Any:
        """`hat` again, of the array `x`."""
        if self.hat is not None:
            return self.hat
        hat = widen(x.reshape(self.rows)) - self.mean
        hat *= self.scale
        return hat

    def trace(self, x: Any) -> tuple[Any, Any]:
        """`hat` and `scale` as functions of the Tensor `x`, for derivatives of the derivative."""
        x = x.reshape(self.rows)
        centred = x - x.mean(axis=self.dims, keepdims=True)
        scale = 1 / np.sqrt((centred * centred).sum(axis=self.dims, keepdims=True) / self.count + self.eps)
        return centred * scale, scale


def widen(x: Any) -> Any:
    """Halves in single; what prints in full in double, so that it is rounded once. Tensors as they are."""
    if isinstance(x, TensorBase) or x.dtype == np.float64:
        return x
    if x.dtype == np.float16:
        return x.astype(np.float32)
    return x.astype(np.float64) if x.size <= 1000 else x


def sum_product(x: Any, y: Any, dims: Shape) -> Any:
    """``sum(x * y)`` over the axes `dims`, which stay with length 1; no array of products is made."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return (x * y).sum(axis=dims, keepdims=True)
    axes = range(x.ndim)
    summed = np.einsum(x, [*axes], y, [*axes], [i for i in axes if i not in dims])
    return np.asarray(summed).reshape([1 if i in dims else n for i, n in enumerate(x.shape)])


def _forward(x: Any, w: Any, b: Any, *, moments: Moments, running: Any, momentum: float) -> Any:
    hat = moments.measure(x)
    moments.hat = None if w is None and b is None else hat
    _track(running, moments, momentum)
    return _scale_and_shift(hat, w, b, moments.columns).astype(x.dtype, copy=False).reshape(x.shape)


def _scale_and_shift(hat: Any, w: Any, b: Any, columns: Shape) -> Any:
    if w is None:
        return hat if b is None else hat + b.reshape(columns)
    y = hat * w.reshape(columns)
    return y if b is None else np.add(y, b.reshape(columns), out=y)


def _track(running: Any, moments: Moments, momentum: float) -> None:
    """Move the running mean and variance, arrays or None, towards those that were measured."""
    count = moments.count
    if not count:
        return
    for kept, measured, factor in zip(
        running, (moments.mean, moments.variance), (1.0, count / max(count - 1, 1)), strict=True
    ):
        if kept is not None:
            seen = measured.reshape(-1, kept.size).mean(0) * factor  # of every example, with instance_norm
            kept[...] = (1 - momentum) * kept + momentum * seen


def _x_rule(g: Any, x: Any, w: Any, moments: Moments) -> Any:
    # With y = (x - m) / s: dx = (g - mean(g) - y mean(g y)) / s
    part = widen(g).reshape(moments.rows)
    if w is not None:
        part = part * w.reshape(moments.columns)
    if isinstance(g, TensorBase):
        hat, scale = moments.trace(x)
        slope = hat * (sum_product(part, hat, moments.dims) / moments.count)
        return ((part - part.mean(axis=moments.dims, keepdims=True) - slope) * scale).reshape(x.shape)
    if moments.hat is not None:
        dx = moments.hat * (sum_product(part, moments.hat, moments.dims) / moments.count)
    else:
        dx = widen(x.reshape(moments.rows)) - moments.mean
        dx *= sum_product(part, dx, moments.dims) * moments.scale**2 / moments.count
    np.subtract(part, dx, out=dx)
    dx -= part.sum(axis=moments.dims, keepdims=True) / moments.count
    dx *= moments.scale
    dx = dx.astype(x.dtype, copy=False)
    return dx if dx.shape == x.shape else dx.reshape(x.shape)  # a view would be copied once more


def _w_rule(g: Any, x: Any, w_shape: Shape, moments: Moments) -> Any:
    hat = moments.trace(x)[0] if isinstance(g, TensorBase) else moments.recall(x)
    return sum_product(widen(g).reshape(moments.rows), hat, _repeat(moments)).reshape(w_shape)


def _b_rule(g: Any, b_shape: Shape, moments: Moments) -> Any:
    return widen(g).reshape(moments.rows).sum(axis=_repeat(moments)).reshape(b_shape)


def _repeat(moments: Moments) -> Shape:
    """The axes along which one number of `w` serves all."""
    return tuple([i for i, n in enumerate(moments.columns) if n == 1])


def _normalization(name: str) -> Operation:
    title = "".join(word.capitalize() for word in name.split("_"))
    return operation(name, _forward, _x_rule, _w_rule, _b_rule, shown=f"Native{title}Backward0")


batch_norm = _normalization("batch_norm")
layer_norm = _normalization("layer_norm")
group_norm = _normalization("group_norm")


# ---- by statistics that are given ----------------------------------------------------------------
def _given_forward(x: Any, w: Any, b: Any, mean: Any, var: Any, *, columns: Shape, eps: float) -> Any:
    wide = widen(x)
    scale = 1 / np.sqrt(widen(var) + eps)
    if w is not None:
        scale = scale * w
    shift = -mean * scale if b is None else b - mean * scale
    y = wide * scale.reshape(columns).astype(wide.dtype)
    y += shift.reshape(columns).astype(wide.dtype)
    return y.astype(x.dtype, copy=False)


def _given_x_rule(g: Any, w: Any, var: Any, columns: Shape, eps: float) -> Any:
    scale = 1 / np.sqrt(var + eps)
    return g * (scale if w is None else scale * w).reshape(columns)


def _given_w_rule(g: Any, x: Any, mean: Any, var: Any, eps: float) -> Any:
    examples = tuple([i for i in range(g.ndim) if i != 1])
    total = sum_product(g, x, examples).reshape(mean.shape) - mean * g.sum(axis=examples)
    return total * (1 / np.sqrt(var + eps))


def _given_b_rule(g: Any) -> Any:
    return g.sum(axis=tuple([i for i in range(g.ndim) if i != 1]))


normalize_by = operation(
    "batch_norm", _given_forward, _given_x_rule, _given_w_rule, _given_b_rule, None, None,
    shown="NativeBatchNormBackward0",
)  # fmt: skip
