"""Runs functions with matrix products on a GPU: `np.matmul` in them is computed by `blas.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from minigrad import backend
from minigrad.backend import array_module
from minigrad.gpu import blas
from minigrad.gpu.elementwise import Elementwise


class Factor(NDArrayOperatorsMixin):
    """Wraps an array so that its matrix products call `blas.matmul`."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getattr__(self, name: str) -> Any:
        return getattr(self.array, name)

    @property
    def mT(self) -> Factor:  # noqa: N802 (as NumPy names it)
        return Factor(self.array.swapaxes(-1, -2))

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


_ADD, _MULTIPLY = Elementwise(np.add), Elementwise(np.multiply)


def linear(b: Any, x: Any, w: Any) -> Any:
    """``x @ w.T + b``, the bias added in the memory of the product."""
    if b is not None and x.dtype.char == "e" and w.ndim == 2:  # as PyTorch: cuBLAS adds to the bias in float32
        y = type(x)((*x.shape[:-1], len(w)), x.dtype)
        y[...] = b
        if blas.add_product(x, w.T, y):
            return y
    y = blas.matmul(x, w.T)
    return y if b is None else _ADD(y, b, out=y)


def einsum(equation: str, *operands: Any, **options: Any) -> Any:
    """`np.einsum`, one pair of operands after another: the sum over a pair is a batch of matrix products."""
    given, output = equation.split("->")
    terms = [_drop_ones(x, term, given, operands) for x, term in zip(operands, given.split(","), strict=True)]
    x, own = terms[0]
    for i, (y, other) in enumerate(terms[1:], 2):
        x, own = _multiply_terms(x, own, y, other, set(output).union(*[term for _, term in terms[i:]]))
    return array_module(x).einsum(f"{own}->{output}", x)


def _drop_ones(x: Any, term: str, given: str, operands: Any) -> tuple[Any, str]:
    """An operand without axes of length 1 along which another operand is longer."""
    longer: set[str] = set()
    for letters, y in zip(given.split(","), operands, strict=True):
        longer.update([c for c, n in zip(letters, y.shape, strict=True) if n != 1])
    kept = [(c, n) for c, n in zip(term, x.shape, strict=True) if n != 1 or c not in longer]
    return x.reshape([n for _, n in kept]), "".join([c for c, _ in kept])


def _multiply_terms(x: Any, own: str, y: Any, other: str, later: set[str]) -> tuple[Any, str]:
    """The product of two operands, and its letters; those that do not occur `later` are summed over.

    A batch of matrix products, or of numbers if nothing is summed.
    """
    xp = array_module(x)
    shared = [c for c in dict.fromkeys(own) if c in other]
    batch, summed = [c for c in shared if c in later], [c for c in shared if c not in later]
    rows, columns = ([c for c in dict.fromkeys(t) if c not in shared and c in later] for t in (own, other))
    x = xp.einsum(f"{own}->{''.join(batch + rows + summed)}", x)  # sums over letters of this operand alone
    y = xp.einsum(f"{other}->{''.join(batch + summed + columns)}", y)
    if not summed:
        y = y.reshape((*y.shape[: len(batch)], *[1] * len(rows), *y.shape[len(batch) :]))
        return _MULTIPLY(x[(..., *[None] * len(columns))], y), "".join(batch + rows + columns)
    sizes = dict(zip(batch + rows + summed, x.shape, strict=True)) | dict(
        zip(batch + summed + columns, y.shape, strict=True)
    )
    b, m, k, n = ([sizes[c] for c in letters] for letters in (batch, rows, summed, columns))
    product = blas.matmul(x.reshape(*b, prod(m), prod(k)), y.reshape(*b, prod(k), prod(n)))
    return product.reshape((*b, *m, *n)), "".join(batch + rows + columns)


def by_cublas(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with the products of its operands computed by cuBLAS."""

    @wraps(function)
    def multiply(*operands: Any, **statics: Any) -> Any:
        kind = backend.gpu_array_type()
        # A 1-d array is a bias, which is added and not multiplied.
        factors = [Factor(x) if isinstance(x, kind) and x.ndim > 1 else x for x in operands]
        return _unwrap(function(*factors, **statics))

    return multiply
