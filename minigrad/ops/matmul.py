"""Matrix products, with every broadcasting case."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import operation
from minigrad.backend import quiet
from minigrad.ops.elementwise import NUMPY_TWINS, not_a_tensor

# Both operands have two axes or more; the engine sums over broadcast batch axes.
_matmul = operation(
    "mm",
    lambda x, y: quiet(np.matmul, x, y),
    lambda g, y: g @ np.swapaxes(y, -1, -2),
    lambda g, x: np.swapaxes(x, -1, -2) @ g,
)


def matmul(input: Any, other: Any) -> Any:
    """``input @ other``: dot product, matrix-vector, matrix-matrix, or batches of them.

    >>> import minigrad as torch
    >>> torch.matmul(torch.ones(2, 3), torch.ones(3))
    tensor([3., 3.])
    """
    for position, x in enumerate((input, other)):
        if not isinstance(x, TensorBase):
            raise not_a_tensor("matmul", ("input", "other")[position], position + 1, x)
    a, b = input.array, other.array
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D"
        )
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}; "
            "convert one with .to(other.dtype)"
        )
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied: {tuple(a.shape)} and {tuple(b.shape)}; the last axis "
            f"of the first ({a.shape[-1]}) must equal the {'last but one' if b.ndim > 1 else 'only'} axis of "
            f"the second ({b.shape[-2 if b.ndim > 1 else 0]})"
        )
    x = input.reshape(1, -1) if a.ndim == 1 else input
    y = other.reshape(-1, 1) if b.ndim == 1 else other
    product = _matmul(x, y)
    shape = product.array.shape
    if a.ndim == 1:
        shape = (*shape[:-2], shape[-1])
    if b.ndim == 1:
        shape = shape[:-1]
    return product if a.ndim > 1 < b.ndim else product.reshape(shape)


NUMPY_TWINS[np.matmul] = matmul
