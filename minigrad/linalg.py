"""`minigrad.linalg`: the norms, under PyTorch's newer names."""

from __future__ import annotations

import math
from typing import Any

from minigrad.ops.axes import numpy_names
from minigrad.ops.norm import norm as _norm

__all__ = ["norm", "vector_norm"]


@numpy_names
def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """``sum(|x|^ord)^(1/ord)`` over the dimensions `dim`, or over all elements."""
    return _norm(x, float(ord), dim, keepdim, dtype=dtype)


@numpy_names
def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The norm of a vector; of a matrix (two dimensions) "fro", "nuc", 1, -1, inf or -inf.

    Without `ord` the Euclidean norm of all elements. Raises NotImplementedError for the spectral
    norms, `ord` 2 and -2 of a matrix.

    >>> import minigrad as torch
    >>> torch.linalg.norm(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), ord=1)
    tensor(4.)
    """
    pair = tuple(range(A.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if ord is None or len(pair) == 1:
        return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
    if ord in ("fro", "nuc"):
        return _norm(A, ord, pair, keepdim, dtype=dtype)
    if len(pair) != 2 or ord not in (1, -1, math.inf, -math.inf):
        raise NotImplementedError(f"linalg.norm of a matrix: ord is fro, nuc, 1, -1, inf or -inf, got {ord!r}")
    rows, columns = (d % A.ndim for d in pair)
    summed, left = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = vector_norm(A, 1, summed, True, dtype=dtype)
    found = sums.amax(left, True) if ord > 0 else sums.amin(left, True)
    return found if keepdim else found.squeeze((rows, columns))
