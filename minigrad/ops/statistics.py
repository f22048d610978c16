"""Statistics: `var`, `std`, `nansum`, `nanmean`, `quantile`, `cov`, `corrcoef`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import device_of, quiet, to_device
from minigrad.devices import CPU
from minigrad.half_precision import round_once
from minigrad.ops.arguments import Dims, Operand, as_int, as_number, axes, axis, of_tensors, require_tensor, takes_out
from minigrad.ops.arithmetic import mul, sub, true_divide
from minigrad.ops.clamp import clamp
from minigrad.ops.comparison import isnan, logical_not
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast
from minigrad.ops.describe import rename
from minigrad.ops.diagonal import diagonal
from minigrad.ops.division import divide_or_zero
from minigrad.ops.gather import gather
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.index import read_at
from minigrad.ops.masks import masked_fill
from minigrad.ops.matmul import matmul
from minigrad.ops.order import find_order
from minigrad.ops.precision import as_float
from minigrad.ops.rearranging import movedim
from minigrad.ops.reduce import arrange, as_real, average, count_reduced, mean, spread_gradient, sum
from minigrad.ops.shape import reshape, t, unsqueeze
from minigrad.ops.ternary import lerp
from minigrad.ops.unary import sqrt
from minigrad.passes import add_up
from minigrad.shown_values import shorten


# ---- variance --------------------------------------------------------------------------------------
def _average_squares(x: Any, *, dim: Any, correction: float, keepdim: bool) -> Any:
    # Source: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", 1983, the corrected two passes.
    n = count_reduced(x.shape, dim)
    mean = add_up(x, axis=dim, keepdims=True) / n
    off = x - mean
    if x.dtype.char == "d":  # corrects the mean's rounding, so that equal numbers have a variance of 0
        off = x - (mean + add_up(off, axis=dim, keepdims=True) / n)
    exact = np.float64 if x.__class__ is np.ndarray else None  # summed in float64, as in PyTorch
    total = add_up(off * off, dim, exact, keepdim)
    if exact and x.dtype.char == "f":  # without the part that comes from rounding the mean
        total = np.maximum(total - add_up(off, dim, exact, keepdim) ** 2 / n, 0)
    squares = arrange(total, keepdim) / x.dtype.type(max(n - correction, 0))
    if x.__class__ is not np.ndarray or x.dtype.char != "f":  # a test would mean waiting for a GPU
        return squares
    finite = math.isfinite(squares) if squares.ndim == 0 else np.isfinite(squares).all()
    if not finite:  # the square root of an overflow may fit float32
        return _average_squares(x.astype(np.float64), dim=dim, correction=correction, keepdim=keepdim)
    return squares


def _var_forward(x: Any, *, dim: Any, correction: float, keepdim: bool) -> Any:
    return _average_squares(x, dim=dim, correction=correction, keepdim=keepdim).astype(x.dtype)


def _std_forward(x: Any, *, dim: Any, correction: float, keepdim: bool) -> Any:
    square = _average_squares(x, dim=dim, correction=correction, keepdim=keepdim)
    return np.sqrt(square).astype(x.dtype)


def _slope_of_var(g: Any, x: Any, dim: Any, correction: float) -> Any:
    # d/dx sum((x - mean)^2) / (n - c) = 2 (x - mean) / (n - c): the terms from the mean add up to 0
    n = count_reduced(x.shape, dim)
    mean = average(x, dim=dim, keepdim=True)
    if dim is None and correction >= n:  # division by zero
        return spread_gradient(g, x.shape, dim) * np.where(np.equal(x, mean), math.nan, math.inf)
    weight = 2 / (n - correction) if n != correction else math.inf
    return spread_gradient(g * weight, x.shape, dim) * (x - mean)


def _slope_of_std(g: Any, x: Any, out: Any, dim: Any, correction: float) -> Any:
    return _slope_of_var(divide_or_zero(g, 2 * out), x, dim, correction)


_var = operation("var", round_once(_var_forward), _slope_of_var)
_std = operation("std", round_once(_std_forward), _slope_of_std)


_OMITTED: Any = None  # not to be given


class _NotGiven(int):
    """The default of a number that may be given as None too; it is shown as the number."""


_ONE = _NotGiven(1)


def _read_correction(name: str, unbiased: bool | None, correction: float | None) -> float:
    """The number subtracted from the count: 1, or 0 if not `unbiased`, or `correction`."""
    if unbiased is not None and not isinstance(correction, _NotGiven):
        raise TypeError(f"{name}() takes unbiased or correction, not both: got {unbiased} and {correction}")
    given = 1 if correction is None else correction
    return 0 if unbiased is False else dtypes.as_python(given)


def _make_spread(name: str, made: Any, text: str, example: str, with_mean: bool = False) -> Callable[..., Any]:
    """Makes `var` or `std`; `with_mean`, the function that also returns the mean."""
    both = f"{name.title().replace('_', '')}Backward0"  # VarMeanBackward0

    def call(
        input: Tensor, dim: Any = None, unbiased: bool = _OMITTED, keepdim: bool = False, *,
        correction: float | None = _ONE
    ) -> Any:  # fmt: skip
        if isinstance(dim, bool):  # PyTorch's older form var(x, False)
            if unbiased is not _OMITTED or keepdim:
                raise TypeError(f"{name}() got {dim} for dim: the axes are ints; write unbiased={dim}")
            dim, unbiased = None, dim
        c = _read_correction(name, unbiased, correction)
        x = as_real(name, input)
        over = axes(dim, x.array.ndim)
        if count_reduced(x.array.shape, over) <= c:
            hint = f"{name}(): degrees of freedom is <= 0: the spread of {count_reduced(x.array.shape, over)} values"
            warn(f"{hint} with a correction of {c} is not defined")
        spread = made(x, dim=over, correction=c, keepdim=keepdim)
        return name_last_call((spread, mean(x, over, keepdim)), both) if with_mean else spread

    return takes_out(rename(call, name, text, example), cast=True)


# fmt: off
var: Callable[..., Tensor] = _make_spread("var", _var,
    "``sum((x - mean(x))^2) / (n - correction)``; the correction is 1, 0 if not `unbiased`.",
    "torch.var(torch.tensor([1.0, 2.0, 3.0])) -> tensor(1.)")
std: Callable[..., Tensor] = _make_spread("std", _std, "The square root of `var`; its gradient is 0 where it is 0.",
    "torch.std(torch.tensor([1.0, 3.0, 5.0])) -> tensor(2.)")
var_mean = _make_spread("var_mean", _var, "The pair `var` and `mean` over the dimensions `dim`, or over all.",
    "torch.var_mean(torch.tensor([1.0, 2.0, 3.0])) -> (tensor(1.), tensor(2.))", with_mean=True)
std_mean = _make_spread("std_mean", _std, "The pair `std` and `mean` over the dimensions `dim`, or over all.",
    "torch.std_mean(torch.tensor([1.0, 3.0, 5.0])) -> (tensor(2.), tensor(3.))", with_mean=True)
# fmt: on


# ---- without NaN ---------------------------------------------------------------------------------
_without_nan = operation(
    "nan_to_zero", lambda x: np.where(np.isnan(x), x.dtype.type(0), x), lambda g, x: np.where(np.isnan(x), 0.0, g)
)


@takes_out(typed_by_out="f")
@recorded_as("NansumBackward0")
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over the dimensions `dim`, or over all, where NaN counts as 0.

    >>> import minigrad as torch
    >>> torch.nansum(torch.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    x = _without_nan(input) if input.array.dtype.kind == "f" else input
    return sum(x, dim, keepdim, dtype=dtype)


@takes_out(typed_by_out="f")
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over the dimensions `dim`, or over all, of the elements that are not NaN.

    >>> import minigrad as torch
    >>> torch.nanmean(torch.tensor([1.0, float("nan"), 3.0]))
    tensor(2.)
    """
    x = as_real("nanmean", as_real("nanmean", input), dtype)  # integers are refused, whatever `dtype` is
    return true_divide(nansum(x, dim, keepdim), sum(logical_not(isnan(x)), dim, keepdim))


# ---- quantiles -----------------------------------------------------------------------------------
_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def _find_at_rank(name: str, input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, *, skip_nan: bool) -> Any:
    ndim = input.array.ndim
    d = None if dim is None else axis(dim, ndim)
    asked = _check_quantile(name, input, q, interpolation)
    if not ndim:
        d = None  # it has one element, and no axis
    x = reshape(input, -1) if d is None else movedim(input, d, -1)  # (..., n)
    last, missing = compute(_find_last, x, skip_nan)
    rank = masked_fill(mul(reshape(asked, -1), last), missing, x.array.shape[-1] - 1)  # (..., q)
    lower, upper = compute(_find_neighbours, rank, interpolation)
    in_order = gather(x, -1, compute(find_order, x, x.array.ndim - 1))
    found = gather(in_order, -1, lower)  # (..., q)
    if interpolation in ("linear", "midpoint"):
        weight = 0.5 if interpolation == "midpoint" else sub(rank, lower)
        found = lerp(found, gather(in_order, -1, upper), weight)
    found = movedim(found, -1, 0)  # (q, ...)
    if keepdim:
        found = reshape(found, -1, *([1] * ndim)) if d is None else unsqueeze(found, d + 1)
    return name_last_call(found if asked.array.ndim else read_at(found, key=(0, Ellipsis)), "SqueezeBackward4")


def _check_quantile(name: str, input: Any, q: Any, interpolation: str) -> Any:
    """`q` as a tensor, after checks of the arguments of a quantile."""
    dtype = input.array.dtype
    if dtype.char not in "fd":
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype, got {dtype}")
    if interpolation not in _WAYS:
        raise RuntimeError(f"{name}() interpolation must be one of {', '.join(_WAYS)}, got {shorten(interpolation)}")
    if isinstance(q, TensorBase) and q.array.dtype != dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor: {q.array.dtype}, {dtype}")
    if isinstance(q, TensorBase) and q.array.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, got {q.array.ndim}D")
    if not input.array.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    shares = to_device(q.array, CPU) if isinstance(q, TensorBase) else np.asarray(as_number(name, "q", q), dtype)
    if not ((shares >= 0) & (shares <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1], got {shares.tolist()}")
    return q if isinstance(q, TensorBase) else wrap(to_device(shares, device_of(input.array)))


def _find_last(x: Any, skip_nan: bool) -> tuple[Any, Any]:
    """The last rank of each row, and whether its quantiles are NaN: if it holds a NaN, or with `skip_nan` only NaN."""
    missing = np.isnan(x).sum(-1, keepdims=True)  # (..., 1)
    if skip_nan:
        last = x.shape[-1] - 1 - missing
        return np.maximum(last, 0).astype(x.dtype), last < 0
    return np.full_like(missing, x.shape[-1] - 1, x.dtype), missing > 0


def _find_neighbours(rank: Any, interpolation: str) -> tuple[Any, Any]:
    """The integer ranks below and above each rank, or twice the one that `interpolation` selects."""
    if interpolation in ("lower", "higher", "nearest"):
        rank = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}[interpolation](rank)
    return np.floor(rank).astype(np.int64), np.ceil(rank).astype(np.int64)


@takes_out
def quantile(
    input: Tensor, q: Operand, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The number below which a share `q` of the elements lies, along `dim` or over all, interpolated.

    Its rank among the sorted elements is ``q (n - 1)``. `q` is a number or a vector, whose axis comes first.

    >>> import minigrad as torch
    >>> torch.quantile(torch.tensor([0.0, 1.0, 2.0, 3.0]), 0.5)
    tensor(1.5000)
    """
    return _find_at_rank("quantile", input, q, dim, keepdim, interpolation, skip_nan=False)


@takes_out
def nanquantile(
    input: Tensor, q: Operand, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """`quantile` of the elements that are not NaN.

    >>> import minigrad as torch
    >>> torch.nanquantile(torch.tensor([0.0, float("nan"), 2.0]), 0.5)
    tensor(1.)
    """
    return _find_at_rank("nanquantile", input, q, dim, keepdim, interpolation, skip_nan=True)


# ---- covariance ----------------------------------------------------------------------------------
@of_tensors
def cov(input: Tensor, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
    """``sum(w (x_i - mean_i) (x_j - mean_j)) / (n - correction)`` of the rows i and j, one variable a row.

    `fweights` are the frequencies of the columns, `aweights` their weights.

    >>> import minigrad as torch
    >>> torch.cov(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.array.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got {input.array.ndim}")
    if input.array.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input; convert with .float()")
    correction = as_int(correction, "cov(): argument 'correction'")
    x = as_float(input)
    x = reshape(x, 1, -1) if x.array.ndim < 2 else x  # (variables, observations)
    if fweights is None and aweights is None:
        off = sub(x, mean(x, 1, True))
        products, count = matmul(off, t(off)), max(x.array.shape[1] - correction, 0)
    else:
        products, count = _weigh_products(x, correction, fweights, aweights)
    matrix = true_divide(products, count)
    return name_last_call(reshape(matrix, ()) if matrix.array.size == 1 else matrix, "SqueezeBackward0")  # 0-d for one


def _weigh_products(x: Any, correction: int, fweights: Any, aweights: Any) -> tuple[Any, Any]:
    """``sum(w (x_i - mean_i) (x_j - mean_j))``, and the effective number of observations."""
    dtype, weights = x.array.dtype, []
    kinds = (("fweights", fweights, "iu", "integral"), ("aweights", aweights, "f", "floating point"))
    for name, w, letters, wanted in kinds:
        if w is not None:
            _check_weights(name, w, x.array.shape[1], letters, wanted)
            weights.append(w if w.array.dtype.kind == "f" else cast(w, dtype))
    weight = mul(*weights) if len(weights) == 2 else weights[0]
    total = sum(weight)
    if weight.array.size and not total.array:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    off = sub(x, true_divide(sum(mul(x, weight), 1, True), total))
    average_weight = true_divide(sum(mul(weight, weights[-1])), total) if aweights is not None else 1
    count = clamp(sub(total, mul(wrap(np.asarray(correction, dtype)), average_weight)), min=0)
    weighed = mul(off, weight)
    return matmul(weighed, t(cast(off, weighed.array.dtype))), count


def _check_weights(name: str, weights: Any, count: int, kinds: str, wanted: str) -> None:
    """Raises unless `weights` are `count` numbers >= 0 of dtypes of these `kinds`, which errors call `wanted`."""
    require_tensor("cov", name, 1, weights)
    w = weights.array
    if w.ndim > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {w.ndim}")
    if w.dtype.kind not in kinds:
        raise RuntimeError(f"cov(): expected {name} to have {wanted} dtype but got {dtypes.from_numpy(w.dtype)}")
    if w.size != count:
        detail = f"the same numel as there are observations in the input but got {w.size} != {count}"
        raise RuntimeError(f"cov(): expected {name} to have {detail}")
    if not quiet(lambda w: (w >= 0).all(), w):
        raise RuntimeError(f"cov(): {name} cannot be negative, got {quiet(np.min, w)}")


@of_tensors
def corrcoef(input: Tensor) -> Tensor:
    """`cov` divided by the standard deviations of both rows: numbers between -1 and 1.

    >>> import minigrad as torch
    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.array.ndim > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got {input.array.ndim}")
    c = cov(input)
    if not c.array.ndim:
        return true_divide(c, c)
    spread = sqrt(diagonal(c))
    return clamp(true_divide(true_divide(c, unsqueeze(spread, 1)), unsqueeze(spread, 0)), -1, 1)
