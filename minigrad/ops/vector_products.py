"""Products with a vector: of two vectors, of a matrix and a vector, and those that are made as products of matrices."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.recording import operation
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.matmul import PRODUCTS, matmul, multiply_matrices, product_of
from minigrad.ops.shape import to_shape

_dot = operation(
    "dot", lambda x, y: product_of(x[None], y[:, None]).reshape(()), lambda g, y: g * y, lambda g, x: g * x
)
_mv = operation(
    "mv",
    lambda x, y: product_of(x, y[:, None]).reshape(x.shape[0]),  # (m, k), (k,) -> (m,)
    lambda g, y: g[:, None] * y,
    lambda g, x: multiply_matrices(x.mT, g[:, None]).reshape(x.shape[1]),
)
PRODUCTS += [_dot, _mv]
_widen = shown_as(to_shape, "UnsqueezeBackward0")
_vm, _batched = shown_as(to_shape, "SqueezeBackward4"), shown_as(to_shape, "UnsafeViewBackward0")


def multiply_vectors(input: Any, other: Any) -> Any:
    """``input @ other`` where one of them is a vector, or both, and their lengths and dtypes fit."""
    a, b = input.array, other.array
    if b.ndim == 1 and a.ndim < 3:
        return (_dot if a.ndim == 1 else _mv)(input, other)
    if a.ndim == 1:
        product = matmul(_widen(input, shape=(1, a.size)), other)  # (..., 1, n)
        shape = (*product.array.shape[:-2], b.shape[-1])
    else:
        product = matmul(input, _widen(other, shape=(b.size, 1)))  # (..., m, 1)
        shape = product.array.shape[:-1]
    dropped = (_vm if b.ndim == 2 else _batched)(product, shape=shape)
    dropped.view_of = None  # its base is a temporary
    return dropped
