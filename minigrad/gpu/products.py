"""Functions that multiply matrices, on a GPU: as they are written, but their products are cuBLAS's own (`blas.py`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from minigrad import backend
from minigrad.gpu import blas


class Factor(NDArrayOperatorsMixin):
    """An array whose products go to `blas.matmul`; all else is the array's."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getattr__(self, name: str) -> Any:
        return getattr(self.array, name)

    def __matmul__(self, other: Any) -> Any:
        return blas.matmul(self.array, _unwrap(other))

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        compute = blas.matmul if function is np.matmul else getattr(function, method)
        return compute(*map(_unwrap, inputs), **options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = function(*map(_unwrap, args), **kwargs)
        return Factor(result) if function is np.swapaxes else result


def _unwrap(x: Any) -> Any:
    return x.array if type(x) is Factor else x


def by_cublas(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with the products of its operands computed by cuBLAS."""

    @wraps(function)
    def multiply(*operands: Any, **statics: Any) -> Any:
        kind = backend.gpu_array_type()
        # A vector is no factor here: it is added to rows.
        factors = [Factor(x) if isinstance(x, kind) and x.ndim > 1 else x for x in operands]
        return _unwrap(function(*factors, **statics))

    return multiply
