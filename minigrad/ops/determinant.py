"""Determinants and their logarithms. The gradient of a determinant exists for singular matrices, too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import Array
from minigrad.ops.arguments import takes_out
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.masks import masked_fill
from minigrad.ops.matrices import Matrix, attempt, check_matrix, constant_like, hold_nan, mT
from minigrad.ops.return_types import make_return_type
from minigrad.ops.solve import invert
from minigrad.placement import constant_beside


def _multiply_without(s: Array, *places: int) -> Array:
    """The product of each row of `s`, leaving out the elements at `places`."""
    kept = np.array([i for i in range(s.shape[-1]) if i not in places], np.intp)
    return np.prod(s.take(constant_beside(s, kept), axis=-1), -1)


def _svd_of_finite(x: Array) -> tuple[Array, Array, Array]:
    """U, S and V^T of each matrix; S is NaN where a matrix holds infinities or NaN, for which LAPACK raises."""
    finite = np.isfinite(x).all((-2, -1), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(finite, x, 0))
    return u, np.where(finite[..., 0], s, math.nan), vh


def _cofactor_forward(x: Array) -> Array:
    """The cofactors ``det(A) A^-T``; of a matrix that is nearly singular, by its singular values."""
    if not x.shape[-1]:
        return x.copy()
    if not isinstance(x, np.ndarray):  # to ask whether there are such matrices would wait for the GPU
        return _cofactors_by_values(x)
    determinant = np.linalg.det(x)[..., None, None]
    solvable = np.logical_and(np.isfinite(determinant), determinant != 0)
    inverse = np.linalg.inv(np.where(solvable, x, constant_like(x, np.eye(x.shape[-1]))))
    cofactors = mT(determinant * inverse)
    condition = np.linalg.norm(x, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    rest = ~(solvable[..., 0, 0] & (condition < 1e3 * math.sqrt(x.shape[-1])))  # the inverse is not exact enough
    if rest.any():
        cofactors[rest] = _cofactors_by_values(x[rest])
    return cofactors


def _cofactors_by_values(x: Array) -> Array:
    """The cofactors from products of all singular values except one."""
    u, s, vh = _svd_of_finite(x)
    others = np.stack([_multiply_without(s, i) for i in range(s.shape[-1])], -1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * (u * others[..., None, :]) @ vh


def _cofactor_slope_forward(g: Array, x: Array) -> Array:
    """The derivative of the cofactors along g, also of a singular matrix: by products of all singular values but two.

    The second derivative of det is symmetric, so this is also the vjp of the cofactors.
    """
    n = x.shape[-1]
    if not n:
        return x.copy()
    u, s, vh = _svd_of_finite(x)
    rows = [np.stack([_multiply_without(s, i, j) for j in range(n)], -1) for i in range(n)]
    others = np.stack(rows, -2) * constant_like(x, 1 - np.eye(n))  # (*, n, n), 0 on the diagonal
    inner = mT(u) @ g @ mT(vh)
    traces = (others @ np.diagonal(inner, axis1=-2, axis2=-1)[..., None])[..., 0]
    turned = traces[..., None] * constant_like(x, np.eye(n)) - others * mT(inner)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * u @ turned @ vh


def _third_derivative(h: Any, g: Any, x: Any) -> Any:
    """The gradient of <h, slope(g, A)> for A, the third derivative of det along g and h, computed by A^-1."""
    inverse = attempt("linalg.det backward", "the third derivative of a singular matrix is not computed", invert, x)
    first, second = inverse @ g, inverse @ h

    def trace(z: Any) -> Any:
        return np.sum(z * mT(inverse), axis=(-2, -1), keepdims=True)  # of A^-1 z

    both = trace(g) * trace(h) - np.sum(first * mT(second), axis=(-2, -1), keepdims=True)
    products = first @ second + second @ first - trace(h) * first - trace(g) * second
    return _det(x)[..., None, None] * mT(both * inverse + products @ inverse)


_cofactor_slope: Any = operation(
    "linalg_cofactor_slope", _cofactor_slope_forward, lambda h, x: _cofactor_slope(h, x), _third_derivative
)
_cofactor: Any = operation("linalg_cofactor", _cofactor_forward, lambda g, x: _cofactor_slope(g, x))
_det: Any = operation(
    "linalg_det",
    lambda x: np.where(hold_nan(x), math.nan, np.linalg.det(x)),
    lambda g, x: g[..., None, None] * _cofactor(x),
)
_logabsdet: Any = operation(
    "linalg_slogdet",
    lambda x: np.where(hold_nan(x), math.nan, np.linalg.slogdet(x)[1]),
    lambda g, x: g[..., None, None] * mT(attempt("linalg.slogdet backward", "the input matrix is singular", invert, x)),
)


def _sign_of_det(x: Array) -> Array:
    return np.where(hold_nan(x), 0, np.linalg.slogdet(x)[0]).astype(x.dtype)  # 0 as the sign of NaN


_Slogdet = make_return_type("linalg_slogdet", "sign", "logabsdet")


@takes_out
def det(A: Matrix) -> Tensor:
    """The determinant of each square matrix.

    Gradient: ``g`` times the cofactors, which are ``det A`` times the transposed inverse; it exists for singular A too.

    >>> import minigrad as torch
    >>> torch.linalg.det(torch.tensor([[4.0, 2.0], [1.0, 3.0]]))
    tensor(10.)
    """
    check_matrix("linalg.det", A)
    return _det(A)


@takes_out
def slogdet(A: Matrix) -> Any:
    """Sign and logarithm of the absolute value of each determinant. Gradient of the latter: ``g A^-T``.

    >>> import minigrad as torch
    >>> torch.linalg.slogdet(torch.eye(2)).logabsdet
    tensor(0.)
    """
    check_matrix("linalg.slogdet", A)
    return _Slogdet(compute(_sign_of_det, A), _logabsdet(A))


@names_options
def logdet(input: Tensor) -> Tensor:
    """The logarithm of each determinant; NaN where that is negative.

    >>> import minigrad as torch
    >>> torch.logdet(torch.eye(2))
    tensor(0.)
    """
    check_matrix("logdet", input)
    sign, logarithm = slogdet(input)
    return name_last_call(logarithm + masked_fill(sign * 0, sign < 0, float("nan")), "WhereBackward0")
