"""`norm` of any order, the nuclear norm of matrices, and `dist`, `cdist`, `renorm`."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.recording import operation
from minigrad.half_precision import round_once
from minigrad.ops.arguments import Dims, as_number, axes, axis, common_shape, of_tensors, takes_out
from minigrad.ops.arithmetic import add, mul, sub, true_divide
from minigrad.ops.comparison import gt
from minigrad.ops.composed import read_from
from minigrad.ops.copies import contiguous
from minigrad.ops.division import divide_or_zero
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.masks import where
from minigrad.ops.matrices import attempt, mT, singular_values
from minigrad.ops.piecewise import zeros_of
from minigrad.ops.precision import in_float32
from minigrad.ops.rearranging import movedim
from minigrad.ops.reduce import arrange, as_real, keepdim_shape
from minigrad.ops.shape import reshape
from minigrad.ops.unary import direction
from minigrad.ops.unsolvable import refuse_values
from minigrad.passes import add_up
from minigrad.shown_values import shorten


# ---- norms ---------------------------------------------------------------------------------------
def _norm_forward(x: Any, *, p: float, dim: Any, keepdim: bool) -> Any:
    return arrange(_measure_along(x, p, {"axis": dim, "keepdims": keepdim}), keepdim)


def _measure_along(x: Any, p: float, how: dict[str, Any]) -> Any:
    dim = how["axis"]
    results = 1 if dim is None else math.prod([n for d, n in enumerate(x.shape) if d not in dim])
    if p != 0 and x.size == results and results:
        return np.abs(x).max(**how)  # for one number, whose power might overflow
    if p == 2:
        return np.sqrt(add_up(x * x, **how))
    if p == 0:
        return np.add.reduce(x != 0, dtype=x.dtype, **how)
    size = np.abs(x)
    if p == 1:
        return add_up(size, **how)
    if math.isinf(p):
        return size.max(**how) if p > 0 else size.min(**how)
    return np.power(add_up(np.power(size, p), **how), 1 / p)


def _slope_of_norm(g: Any, x: Any, out: Any, p: float, dim: Any) -> Any:
    # x |x|^(p-2) / norm^(p-1), and 0 where x or the norm is 0
    if p == 0:
        return None  # as in PyTorch, a count of nonzeros has no gradient, not even zeros
    shape = keepdim_shape(x.shape, dim)
    g, size = g.reshape(shape), out.reshape(shape)
    if p == 1:
        return g * direction(x)
    if math.isinf(p):  # the elements with that magnitude share the gradient; NaN counts as one
        hit = np.logical_or(np.equal(np.abs(x), size), np.isnan(x))
        return direction(x) * np.where(hit, g / np.sum(hit, axis=dim, keepdims=True), 0.0)
    if p == 2:
        return g * divide_or_zero(x, size)
    if p < 1:
        scale = g * np.power(size, 1 - p)
    else:
        zero = np.equal(size, 0)
        scale = np.where(zero, 0.0, g / np.power(np.where(zero, 1.0, size), p - 1))
    still = np.equal(x, 0)
    return scale * np.where(still, 0.0, direction(x) * np.power(np.where(still, 1.0, np.abs(x)), p - 1))


_norm = operation("linalg_vector_norm", round_once(_norm_forward), _slope_of_norm)


# ---- the sum of the singular values --------------------------------------------------------------
def _polar_forward(x: Any) -> Any:
    u, _, v = np.linalg.svd(x, full_matrices=False)
    return u @ v


def _factorize(x: Any) -> Any:
    """U, the singular values and V^T; of a Tensor with a graph, for derivatives of third order."""
    if isinstance(x, TensorBase):
        from minigrad.ops.decompositions import svd  # imported for them alone

        return svd(x, full_matrices=False)  # type: ignore[arg-type]
    return np.linalg.svd(x, full_matrices=False)


def _polar_slope(g: Any, x: Any) -> Any:
    """The derivative of U V^T, its own adjoint (Higham, Functions of Matrices, chapter 8)."""
    u, s, v = _factorize(x)
    gv, ug = g @ mT(v), mT(u) @ g  # g (..., m, n) -> (..., m, k), (..., k, n)
    inner = ug @ mT(v)
    left = (gv - u @ inner) / s[..., None, :]
    right = (ug - inner @ v) / s[..., :, None]
    inner = (inner - mT(inner)) / (s[..., :, None] + s[..., None, :])
    return u @ (inner @ v + right) + left @ v


_polar = operation("polar", _polar_forward, _polar_slope)
_singular_total = operation(
    "nuclear_norm", lambda x: singular_values(x).sum(-1), lambda g, x: g[..., None, None] * _polar(x)
)


def _add_singular_values(input: Any, dim: Any, keepdim: bool) -> Any:
    ndim = input.array.ndim
    matrix = axes((0, 1) if dim is None and ndim == 2 else dim, ndim)
    if not matrix or len(matrix) != 2:
        got = f"got dim={dim} of a tensor of shape {tuple(input.array.shape)}"
        raise RuntimeError(f"norm with p='nuc' takes a matrix: 2 dimensions, {got}")
    total = attempt("linalg.svd", refuse_values, _singular_total, movedim(input, matrix, (-2, -1)))
    return reshape(total, keepdim_shape(input.array.shape, matrix)) if keepdim else total


@takes_out
def norm(
    input: Tensor, p: Any = "fro", dim: Dims = None, keepdim: bool = False, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """``sum(|x|^p)^(1/p)`` over the dimensions `dim`, or over all elements; "fro" is p = 2.

    With p = inf the greatest and with -inf the least magnitude, with 0 the number of nonzeros, with
    "nuc" the sum of the singular values of a matrix. Where the norm is 0 its gradient is 0.

    >>> import minigrad as torch
    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    x = as_real("norm", as_real("norm", input), dtype)  # integers are refused, whatever `dtype` is
    if p == "nuc":
        if x.array.dtype == np.float16:
            hint = "low precision dtypes are not supported, got float16; convert with .float()"
            raise RuntimeError(f"norm with p='nuc': {hint}")
        return _add_singular_values(x, dim, keepdim)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: order {shorten(p)} is not supported; give 'fro', 'nuc' or a number")
    if p == "fro" and isinstance(dim, (tuple, list)) and len(dim) > 2:
        raise RuntimeError(
            f"norm with p='fro' takes a matrix: dim must be a 2-tuple, got {shorten(tuple(dim))}; p=2 takes any"
        )
    order = 2.0 if p in ("fro", None) else float(as_number("norm", "p", p))
    over = axes(dim, x.array.ndim)
    _check_not_empty(x, order, over)
    return _norm.call((x,), (x.array,), {"p": order, "dim": over, "keepdim": keepdim})


def _check_not_empty(x: Any, p: float, over: Any) -> None:
    """Raises for the largest or smallest magnitude of no elements."""
    if 0 <= p < math.inf:
        return
    shape = tuple(x.array.shape)
    if not all(shape if over is None else [shape[d] for d in over]):
        detail = "because the operation does not have an identity"
        raise RuntimeError(f"norm: cannot compute the {p} norm of no elements (shape {shape}, dim {over}) {detail}")


# ---- distances -----------------------------------------------------------------------------------
_dist = shown_as(_norm, "DistBackward0")


@of_tensors
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The norm of the difference, ``sum(|input - other|^p)^(1/p)``.

    >>> import minigrad as torch
    >>> torch.dist(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0]))
    tensor(5.)
    """
    difference = sub(input, other)
    if difference.array.dtype.kind != "f":
        detail = f"Got {dtypes.from_numpy(difference.array.dtype)} instead; convert with .float()"
        raise RuntimeError(f"dist: input dtype should be either floating point or complex. {detail}")
    order = float(as_number("dist", "p", p))
    _check_not_empty(difference, order, None)
    return read_from(_dist(difference, p=order, dim=None, keepdim=False), "DistBackward0", input, other)


_PIECE = 2**16  # elements of the differences that are computed at a time: they stay in the cache


def _subtract_rows(x: Any, y: Any) -> Iterator[tuple[slice, Any]]:
    """The differences of all rows, (..., P, M) and (..., R, M) -> (..., P, R, M), for a few rows of `x` at a time.

    Of Tensors and on a GPU, all at once. Yields the slice of these rows, and their differences.
    """
    step = max(1, x.shape[-2])
    if type(x) is np.ndarray:
        of_one_row = math.prod(np.broadcast_shapes(x.shape[:-2], y.shape[:-2])) * math.prod(y.shape[-2:])
        step = max(1, _PIECE // max(1, of_one_row))
    for start in range(0, max(1, x.shape[-2]), step):
        rows = slice(start, start + step)
        yield rows, x[..., rows, None, :] - y[..., None, :, :]


def _measure_rows(x: Any, y: Any, *, p: float) -> Any:
    parts = [_measure_along(apart, p, {"axis": (apart.ndim - 1,)}) for _, apart in _subtract_rows(x, y)]
    return np.concatenate(parts, -2)


def _pull_rows(g: Any, x: Any, y: Any, out: Any, p: float, axis: int) -> Iterator[Any]:
    """The gradient of the differences, (..., P, R, M), for a few rows of `x` at a time, summed along an axis: -2 or -3.

    For p = 2 it is a difference times ``g / out``, so a product of matrices adds up all of them.
    """
    for rows, apart in _subtract_rows(x, y):
        part, size = g[..., rows, :], out[..., rows, :]
        if p != 2:
            yield np.sum(_slope_of_norm(part, apart, size, p, (apart.ndim - 1,)), axis=axis)
            continue
        share = divide_or_zero(part, size)  # (..., P, R)
        if axis == -3:
            share, apart = mT(share), np.swapaxes(apart, -3, -2)
        yield np.matmul(share[..., None, :], apart)[..., 0, :]


def _rule_of_x(g: Any, x: Any, y: Any, out: Any, p: float) -> Any:
    if p == 0:
        return zeros_of(x)
    return np.concatenate([*_pull_rows(g, x, y, out, p, -2)], -2)


def _rule_of_y(g: Any, x: Any, y: Any, out: Any, p: float) -> Any:
    if p == 0:
        return zeros_of(y)
    return reduce(operator.sub, _pull_rows(g, x, y, out, p, -3), 0.0)


_cdist = operation("cdist", _measure_rows, _rule_of_x, _rule_of_y, in_float32=True)


@of_tensors
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """The distances of all rows of `x1` from all rows of `x2`: (..., P, M) and (..., R, M) -> (..., P, R).

    `compute_mode` is taken and not needed: the differences are formed, which is exact for close rows. Raises
    RuntimeError for shapes and dtypes that do not fit.

    >>> import minigrad as torch
    >>> torch.cdist(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    a, b = x1.array.shape, x2.array.shape
    if len(a) < 2 or len(b) < 2:
        raise RuntimeError(f"cdist only supports at least 2D tensors, got {len(a)}D and {len(b)}D")
    if a[-1] != b[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {a[-1]} X2: {b[-1]}")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.array.dtype.kind != "f":
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype}; write .float()")
    if x1.array.dtype != x2.array.dtype:
        detail = f"expected X1 and X2 of one dtype, got {x1.dtype} and {x2.dtype}; convert one of them"
        raise RuntimeError(f"cdist: {detail}")
    p = as_number("cdist", "p", p)
    if not p >= 0:  # or if it is NaN
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    common_shape("cdist", a[:-2], b[:-2])
    return _cdist(x1, x2, p=float(p) if a[-1] else 1.0)  # 0 between rows of no numbers


@takes_out
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """The tensor with every part along `dim` whose p-norm is over `maxnorm` scaled down to it.

    >>> import minigrad as torch
    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    p, maxnorm = as_number("renorm", "p", p), as_number("renorm", "maxnorm", maxnorm)
    d = axis(dim, input.array.ndim)
    if input.array.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.array.ndim} dimensions")
    if not (p > 0 and maxnorm >= 0):
        raise RuntimeError(f"renorm: expected p > 0 and maxnorm >= 0, but got {p} and {maxnorm}")
    rest = [i for i in range(input.array.ndim) if i != d]
    return name_last_call(mul(contiguous(input), _find_scales(input, p, rest, maxnorm)), "RenormBackward0")


@in_float32
def _find_scales(x: Tensor, p: float, dims: list[int], most: float) -> Tensor:
    """The factor of each part: 1, or what brings its p-norm, over the axes `dims`, down to `most`."""
    over = gt(norm(wrap(x.array), p, dims, True), most)
    sizes = norm(where(over, x, 1.0), p, dims, True)  # of the others no gradient comes, which might be NaN
    return where(over, true_divide(most, add(sizes, 1e-7)), 1.0)
