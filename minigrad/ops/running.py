"""Operations along one axis: `cummax`, `cummin`, `logcumsumexp`, `diff`, `trapezoid`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.recording import operation
from minigrad.backend import as_int64, device_of, to_device
from minigrad.devices import CPU
from minigrad.ops.arguments import as_int, axis, require_kind, takes_out
from minigrad.ops.arithmetic import add, mul, sub
from minigrad.ops.comparison import ne
from minigrad.ops.copies import as_float, clone, in_rows
from minigrad.ops.cumulative import cumsum, cut, scan_from_the_back
from minigrad.ops.elementwise import rename
from minigrad.ops.join import cat
from minigrad.ops.order import picker
from minigrad.ops.reduce import sum
from minigrad.ops.shape import stand_along
from minigrad.ops.split import narrow

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


# ---- logcumsumexp ------------------------------------------------------------------
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
    return _logcumsumexp(input, dim=d) if input.array.ndim and input.array.size else clone(input)


# ---- extremes ------------------------------------------------------------------------------------
def _make_running_extreme(name: str, ufunc: Any, reaches: Any, example: str) -> Callable[..., Any]:
    pick = picker(name)

    def find(x: Any, d: int) -> Any:
        """The index of the extreme of the elements so far: the last of equal ones, or the last NaN."""
        on_host = to_device(x, CPU)  # CuPy can accumulate only sums and products
        numbers = stand_along(np.arange(x.shape[d]), d, x.ndim)
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


# ---- differences and areas -----------------------------------------------------------------------
@takes_out(cast=True)
def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """``x[i + 1] - x[i]`` along the dimension `dim`, `n` times; `prepend` and `append` are joined to x first.

    >>> import minigrad as torch
    >>> torch.diff(torch.tensor([1, 4, 9, 16])), torch.diff(torch.tensor([1, 4, 9, 16]), n=2)
    (tensor([3, 5, 7]), tensor([2, 2]))
    """
    if not input.array.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if as_int(n, "n") < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = axis(dim, input.array.ndim)
    around = [x for x in (prepend, input, append) if x is not None and n]  # as in PyTorch, nothing is joined for n = 0
    x = cat(around, d) if len(around) > 1 else input
    for _ in range(n):
        later, earlier = _pair_neighbours(x, d)
        x = ne(later, earlier) if x.array.dtype.kind == "b" else sub(later, earlier)
    return x if n else clone(x)


def _pair_neighbours(x: Any, d: int) -> tuple[Any, Any]:
    """All elements along axis `d` except the first, and all except the last."""
    size = x.array.shape[d]
    pairs = max(size - 1, 0)
    return narrow(x, d, min(1, size), pairs), narrow(x, d, 0, pairs)


def _cut_trapezoids(name: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[Any, int]:
    """``(y[i] / 2 + y[i + 1] / 2) * (x[i + 1] - x[i])`` along `dim`; sums of two could overflow."""
    if not y.array.ndim:
        raise IndexError(f"{name} expects y to have at least one dimension")
    if "b" in [t.array.dtype.kind for t in (y, x) if isinstance(t, TensorBase)]:
        raise RuntimeError(f"{name}: received a bool input, but bool is not supported; convert it with .long()")
    d = axis(dim, y.array.ndim)
    if isinstance(x, (int, float)):
        x, dx = None, x
    size = y.array.shape[d]
    means = add(*_pair_neighbours(mul(as_float(y), 0.5), d))
    if x is None:
        return mul(means, dx), d
    if x.array.ndim == 1:
        if x.array.size != size:
            raise RuntimeError(f"{name}: there must be one x value for each sample point: {x.array.size} for {size}")
        x = stand_along(x, d, y.array.ndim)
    return mul(means, diff(x, dim=d - y.array.ndim)), d


@takes_out
def trapezoid(y: Tensor, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The area under `y` by trapezoids, ``sum((y[i] + y[i + 1]) / 2 * (x[i + 1] - x[i]))``; the points are `dx` apart.

    >>> import minigrad as torch
    >>> torch.trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor(10.5000)
    """
    parts, d = _cut_trapezoids("trapezoid", y, x, dx, dim)
    return sum(parts, d)


trapz = trapezoid


@takes_out
def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The areas under the first 2, 3, ... points of `y`, by trapezoids.

    >>> import minigrad as torch
    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor([ 3.0000, 10.5000])
    """
    parts, d = _cut_trapezoids("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(parts, d)
