"""`cumsum`, `cumprod`, `logcumsumexp`, `cummax`, `cummin`; and `prod`, whose gradient is made of running products."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.backend import device_of, to_device
from minigrad.devices import CPU
from minigrad.half_precision import sum_type
from minigrad.ops.arguments import Omissible, axis, require_kind, takes_out
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.copies import clone, in_rows, turn
from minigrad.ops.describe import rename
from minigrad.ops.elementwise import twin_of
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.inplace import in_place
from minigrad.ops.order import make_picker
from minigrad.ops.padding import pad
from minigrad.ops.rearranging import reshape_along
from minigrad.ops.reduce import arrange, as_summable, spread_gradient
from minigrad.placement import as_int64

F = TypeVar("F", bound=Callable[..., Any])


# ---- running sums ---------------------------------------------------------------------------------
# The gradient of a sum from the front is the sum from the back.
def _cumsum_forward(x: Any, *, dim: int) -> Any:
    return accumulate(np.cumsum, x, dim)


def accumulate(function: Any, x: Any, dim: int) -> Any:
    """Cumulative sums or products in the next wider type, each rounded once, as in PyTorch; on a GPU in their own."""
    wide = np.float64 if type(x) is np.ndarray and x.dtype.char == "f" else sum_type(x)
    return in_rows(function(x, axis=dim, dtype=wide)).astype(x.dtype, copy=False)


_cumsum = operation("cumsum", _cumsum_forward, lambda g, dim: _cumsum_back(g, dim=dim))
_cumsum_back: Any = operation(
    "cumsum",
    lambda x, *, dim: np.flip(_cumsum_forward(np.flip(x, dim), dim=dim), dim),
    lambda g, dim: _cumsum(g, dim=dim),
)


def _run_along(name: str, operation: Any, input: Any, dim: int, dtype: Any) -> Tensor:
    """Runs `operation` along `dim`, in the dtype that sums have."""
    x = as_summable(input, dtype)
    require_kind(name, x.array.dtype, "fiu")
    d = axis(dim, x.array.ndim)
    return operation(x, dim=d) if x.array.ndim else name_last_call(clone(x), operation.backward_name)


@twin_of(np.cumsum)
@takes_out(typed_by_out="buif")
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sums of the first 1, 2, 3, ... elements along the dimension `dim`: ``out[i] = x[0] + ... + x[i]``.

    The result has the shape of `input`; whole numbers are summed as int64. Its gradient is the sum from the end.

    >>> import minigrad as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    return _run_along("cumsum", _cumsum, input, dim, dtype)


# ---- products -------------------------------------------------------------------------------------
def _products_before(x: Any, dim: int) -> Any:
    """For each element the product of all elements before it along `dim`; 1 for the first."""
    one_on = [(0, 0)] * len(x.shape)
    one_on[dim] = (1, -1)
    return _cumprod(pad(x, pairs=tuple(one_on), value=1), dim=dim)


def cut(x: Any, dim: int, start: int | None, stop: int | None = None) -> Any:
    """The elements ``start:stop`` along `dim`."""
    return x[(slice(None),) * dim + (slice(start, stop),)]


def scan_from_the_back(g: Any, factor: Any, dim: int) -> Any:
    """``s[i] = g[i] + factor[i] s[i + 1]`` along `dim`, of n numbers and n - 1 factors.

    It takes log n steps of doubling distance: ``s[i] += factor[i] s[i + step]``, then the same for the factors.
    """
    s, step, n = g, 1, g.shape[dim]
    while step < n:
        s = np.concatenate((cut(s, dim, 0, n - step) + factor * cut(s, dim, step), cut(s, dim, n - step)), dim)
        factor = cut(factor, dim, 0, max(n - 2 * step, 0)) * cut(factor, dim, step)
        step *= 2
    return s


def _slope_of_cumprod(g: Any, x: Any, out: Any, dim: int) -> Any:  # `out`: see _slope_of_prod
    # d out[k] / d x[i] = (product before i) (product of i+1 ... k): no division, so zeros do no harm
    return _products_before(x, dim) * scan_from_the_back(g, cut(x, dim, 1), dim)


_cumprod: Any = operation("cumprod", lambda x, *, dim: accumulate(np.cumprod, x, dim), _slope_of_cumprod)


@takes_out(typed_by_out="buif")
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The products of the first 1, 2, 3, ... elements along the dimension `dim`.

    >>> import minigrad as torch
    >>> torch.cumprod(torch.tensor([1, 2, 3]), dim=0)
    tensor([1, 2, 6])
    """
    return _run_along("cumprod", _cumprod, input, dim, dtype)


def _in_own_dtype(function: F) -> F:
    """The in-place version of `function`, which may not compute in another dtype than the tensor's."""
    write: Any = in_place(function)

    @wraps(write)
    def call(self: Any, dim: int, *, dtype: Any = None) -> Tensor:
        wanted = self.array.dtype if dtype is None else dtypes.as_numpy(dtype)
        if wanted != self.array.dtype:
            have = f"input tensor dtype {dtypes.from_numpy(self.array.dtype)} and output tensor dtype {dtype}"
            hint = f"convert it first, or write {function.__name__}(dim, dtype=minigrad.{wanted})"
            raise RuntimeError(f"Bad in-place call: {have} should match; {hint}")
        if self.array.dtype.kind == "b":
            axis(dim, self.array.ndim)
            if self.array.size and self.array.ndim:
                raise not_implemented_for(write.__name__, self.array.dtype)
            return cast(Tensor, self)  # nothing is summed, so nothing is cast
        return cast(Tensor, write(self, dim))

    return cast(F, call)


cumsum_, cumprod_ = _in_own_dtype(cumsum), _in_own_dtype(cumprod)


def _slope_of_prod(g: Any, x: Any, out: Any, dim: Any) -> Any:
    """The gradient of a factor is the product of those before it and those after it.

    `out` is a parameter so that a write into the product makes backward raise, as in PyTorch, which divides it by x.
    """
    rest = x.reshape(-1) if dim is None else x
    d = 0 if dim is None else dim[0]
    others = _products_before(rest, d) * turn(_products_before(turn(rest, dims=(d,)), d), dims=(d,))
    return spread_gradient(g, x.shape, dim) * others.reshape(x.shape)


def _multiply_up(x: Any, *, dim: Any, keepdim: Any) -> Any:
    return arrange(np.multiply.reduce(x, axis=dim, keepdims=keepdim, dtype=x.dtype), keepdim)


_product = operation("prod", _multiply_up, _slope_of_prod)
_product_over = shown_as(_product, "ProdBackward1")


@takes_out(typed_by_out="buif")
def prod(input: Tensor, dim: Omissible = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over the dimension `dim`, or over all elements.

    Its gradient does not divide, so it is right for zeros among the factors.

    >>> import minigrad as torch
    >>> torch.prod(torch.tensor([2, 3, 4]))
    tensor(24)
    """
    x = as_summable(input, dtype)
    d = None if dim is None else axis(dim, x.array.ndim)
    return (_product if d is None else _product_over)(
        x, dim=(d,) if d is not None and x.array.ndim else None, keepdim=keepdim
    )


# ---- logarithms of running sums -------------------------------------------------------------------
def _accumulate_logs(x: Any, *, dim: int) -> Any:
    if type(x) is np.ndarray:  # float32 is summed in float64, as every step rounds
        return in_rows(np.logaddexp.accumulate(x, axis=dim, dtype=np.float64)).astype(x.dtype, copy=False)
    # CuPy has no logaddexp.accumulate: doubling, as in Hillis and Steele, "Data Parallel Algorithms", 1986.
    sums, reach = in_rows(x), 1
    while reach < x.shape[dim]:  # each element holds the sum of the `reach` elements up to it
        later = np.logaddexp(cut(sums, dim, reach), cut(sums, dim, 0, -reach))
        sums = np.concatenate([cut(sums, dim, 0, reach), later], axis=dim)
        reach *= 2
    return sums


def _slope_of_log_of_running_sum(g: Any, x: Any, out: Any, dim: int) -> Any:
    # sum over k >= i of g[k] exp(x[i] - out[k]); out grows, so all exponents are negative
    out_before, out_after = cut(out, dim, 0, -1), cut(out, dim, 1)
    stays = (out_before == out_after) & np.isinf(out_after)  # inf - inf means no growth
    grown = np.exp(np.where(stays, 0, out_before - out_after))
    share = np.exp(np.where(out == -np.inf, -np.inf, x - out))  # 0 / 0 where both are log(0)
    return share * scan_from_the_back(g, grown, dim)


_logcumsumexp = operation("logcumsumexp", _accumulate_logs, _slope_of_log_of_running_sum, in_float32=True)


@takes_out
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """``log(sum(exp(x)))`` of the first 1, 2, 3, ... elements along the dimension `dim`, without overflow.

    >>> import minigrad as torch
    >>> torch.logcumsumexp(torch.zeros(3), dim=0)
    tensor([0.0000, 0.6931, 1.0986])
    """
    d = axis(dim, input.array.ndim)
    require_kind("logcumsumexp", input.array.dtype)
    if input.array.ndim and input.array.size:
        return _logcumsumexp(input, dim=d)
    return name_last_call(clone(input), _logcumsumexp.backward_name)


# ---- running extremes -----------------------------------------------------------------------------
def _make_running_extreme(name: str, ufunc: Any, reaches: Any, example: str) -> Callable[..., Any]:
    pick = make_picker(name)

    def find(x: Any, d: int) -> Any:
        """The index of the extreme of the elements so far: the last of equal ones, or the last NaN."""
        on_host = to_device(x, CPU)  # CuPy can accumulate only sums and products
        numbers = reshape_along(np.arange(x.shape[d]), d, x.ndim)
        found = np.where(reaches(on_host, ufunc.accumulate(on_host, axis=d)) | (on_host != on_host), numbers, 0)
        return to_device(as_int64(in_rows(np.maximum.accumulate(found, axis=d))), device_of(x))

    def call(input: Tensor, dim: int) -> Tensor:
        return pick(input, axis(dim, input.array.ndim), find)

    text = f"The {name[3:]}imum of the first 1, 2, 3, ... elements along `dim`, and where it stands: (values, indices)."
    return takes_out(rename(call, name, text, example))


cummax = _make_running_extreme(
    "cummax", np.maximum, np.greater_equal, "torch.cummax(torch.tensor([1, 3, 2]), 0).values -> tensor([1, 3, 3])"
)
cummin = _make_running_extreme(
    "cummin", np.minimum, np.less_equal, "torch.cummin(torch.tensor([3, 1, 2]), 0).values -> tensor([3, 1, 1])"
)
