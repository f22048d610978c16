"""`minigrad.linalg`: the norms, under PyTorch's newer names."""

from __future__ import annotations

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
    """The Euclidean norm of all elements, or of order `ord`: of a vector any number, of a matrix "fro" or "nuc".

    Raises NotImplementedError for the other norms of matrices.

    >>> import minigrad as torch
    >>> torch.linalg.norm(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor(5.)
    """
    if ord in ("fro", "nuc"):
        return _norm(A, ord, dim, keepdim, dtype=dtype)
    if ord is not None and (isinstance(dim, (tuple, list)) or (dim is None and A.ndim != 1)):
        raise NotImplementedError(f'linalg.norm of a matrix: ord is "fro" or "nuc", got {ord!r}')
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
