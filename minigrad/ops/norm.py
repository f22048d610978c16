"""Norms: of vectors, of any order, and the nuclear norm of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.autograd.operation import operation
from minigrad.ops.axes import axes, numpy_names
from minigrad.ops.elementwise import as_number
from minigrad.ops.functions import abs
from minigrad.ops.reduce import amax, amin, kept, real, sum
from minigrad.ops.shape import cast, reshape


# ---- norms ---------------------------------------------------------------------------------------
def _norm_forward(x: Any, *, p: float, dim: Any, keepdim: bool) -> Any:
    if p == 2:
        return np.sqrt(np.sum(x * x, axis=dim, keepdims=keepdim))
    return np.power(np.sum(np.power(np.abs(x), p), axis=dim, keepdims=keepdim), 1 / p)


def _slope_of_norm(g: Any, x: Any, out: Any, p: float, dim: Any) -> Any:
    # x |x|^(p-2) / norm^(p-1), and 0 where x or the norm is 0
    shape = kept(x.shape, dim)
    size = out.reshape(shape)
    zero = np.equal(size, 0)
    scale = np.where(zero, 0.0, g.reshape(shape) / np.power(np.where(zero, 1.0, size), p - 1))
    if p == 2:
        return scale * x
    still = np.equal(x, 0)
    return scale * np.where(still, 0.0, np.sign(x) * np.power(np.where(still, 1.0, np.abs(x)), p - 1))


_norm = operation("linalg_vector_norm", _norm_forward, _slope_of_norm)


# ---- the sum of the singular values --------------------------------------------------------------
def _polar_forward(x: Any) -> Any:
    u, _, v = np.linalg.svd(x, full_matrices=False)
    return u @ v


def _polar_slope(g: Any, x: Any) -> Any:
    """The derivative of U V^T, its own adjoint (Higham, Functions of Matrices, chapter 8)."""
    u, s, v = np.linalg.svd(x, full_matrices=False)
    inner = np.swapaxes(u, -1, -2) @ g @ np.swapaxes(v, -1, -2)
    inner = (inner - np.swapaxes(inner, -1, -2)) / (s[..., :, None] + s[..., None, :])
    gv, ug = g @ np.swapaxes(v, -1, -2), np.swapaxes(u, -1, -2) @ g
    left = (gv - u @ (np.swapaxes(u, -1, -2) @ gv)) / s[..., None, :]
    right = (ug - (ug @ np.swapaxes(v, -1, -2)) @ v) / s[..., :, None]
    return u @ (inner @ v + right) + left @ v


_polar = operation("polar", _polar_forward, _polar_slope)
_singular_total = operation(
    "nuclear_norm", lambda x: np.linalg.svd(x, compute_uv=False).sum(-1), lambda g, x: g[..., None, None] * _polar(x)
)


def _nuclear(input: Any, dim: Any, keepdim: bool) -> Any:
    ndim = input.array.ndim
    matrix = axes((-2, -1) if dim is None else dim, ndim)
    if matrix is None or len(matrix) != 2 or (dim is None and ndim != 2):
        got = f"got dim={dim} of a tensor of shape {tuple(input.array.shape)}"
        raise RuntimeError(f"norm with p='nuc' takes a matrix: 2 dimensions, {got}")
    total = _singular_total(input.movedim(matrix, (-2, -1)))
    return reshape(total, kept(input.array.shape, matrix)) if keepdim else total


@numpy_names
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Any = None, dtype: Any = None) -> Any:
    """``sum(|x|^p)^(1/p)`` over the dimensions `dim`, or over all elements; "fro" is p = 2.

    With p = inf the greatest and with -inf the least magnitude, with 0 the number of nonzeros, with
    "nuc" the sum of the singular values of a matrix.

    >>> import minigrad as torch
    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    x = real("norm", input, dtype)
    if x.array.dtype == np.float16 and p == "nuc":
        raise RuntimeError(
            "norm with p='nuc': low precision dtypes are not supported, got float16; convert with .float()"
        )
    if x.array.dtype == np.float16:
        return cast(norm(cast(x, np.dtype(np.float32)), p, dim, keepdim), x.array.dtype)
    over = axes(dim, x.array.ndim)
    if p == "nuc":
        return _nuclear(x, dim, keepdim)
    if p in (math.inf, -math.inf):
        return (amax if p > 0 else amin)(abs(x), over, keepdim)
    if p == 0:
        return sum(x * 0 + cast(wrap(x.array != 0), x.array.dtype), over, keepdim)
    if p == 1:
        return sum(abs(x), over, keepdim)
    return _norm(x, p=2 if p in ("fro", None) else as_number("norm", "p", p), dim=over, keepdim=keepdim)
