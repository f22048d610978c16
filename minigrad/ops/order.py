"""Order: greatest and least with their places, sorting, and what occurs once."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, wrap
from minigrad.backend import as_index, as_int64, on_its_gpu
from minigrad.ops.arithmetic import maximum, minimum
from minigrad.ops.axes import axes, axis, numpy_names, whole
from minigrad.ops.elementwise import not_implemented_for, of_tensor, titled
from minigrad.ops.join import narrow
from minigrad.ops.reduce import amax, amin, check_not_empty
from minigrad.ops.select import gather
from minigrad.ops.shape import squeeze


def _returns(kind: str, *fields: str) -> Any:
    """A named tuple that prints as PyTorch's `return_types` do."""

    def shown(self: Any) -> str:
        lines = ",\n".join(f"{name}={value!r}" for name, value in zip(fields, self, strict=True))
        return f"minigrad.return_types.{kind}(\n{lines})"

    return type(kind, (namedtuple(kind, fields),), {"__slots__": (), "__repr__": shown})


# ---- extremes and their places -------------------------------------------------------------------
def _place(name: str, find: Any) -> Callable[..., Any]:
    @on_its_gpu
    def call(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        check_not_empty(name, input, None if dim is None else axes(dim, input.array.ndim))
        if input.array.dtype.kind == "b":
            raise not_implemented_for(name, input.array.dtype)
        d = None if dim is None else axis(dim, input.array.ndim)
        return wrap(as_int64(find(input.array, axis=d if input.array.ndim else None, keepdims=keepdim)))

    return numpy_names(titled(call, name, f"The index of the {name[3:]}imum along `dim`, or in the flattened tensor."))


argmax = _place("argmax", np.argmax)
argmin = _place("argmin", np.argmin)


def _extreme(name: str, whole: Any, pairwise: Any, find: Any) -> Callable[..., Any]:
    result = _returns(name, "values", "indices")

    @on_its_gpu
    def call(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if isinstance(dim, TensorBase) or other is not None:
            return pairwise(input, dim if other is None else other)
        check_not_empty(name, input, None if dim is None else axes(dim, input.array.ndim))
        if dim is None:
            return whole(input)
        d = axis(dim, input.array.ndim)
        if not input.array.ndim:
            return result(input.clone(), wrap(np.zeros((), np.int64)))
        indices = wrap(as_int64(find(input.array, axis=d, keepdims=True)))
        values = gather(input, d, indices)
        return result(*[x if keepdim else squeeze(x, d) for x in (values, indices)])

    text = f"The {name}imum of all; along `dim` a pair (values, indices); with a tensor the elementwise `{name}imum`."
    return numpy_names(titled(call, name, text))


max = _extreme("max", amax, maximum, np.argmax)
min = _extreme("min", amin, minimum, np.argmin)


# ---- sorting -------------------------------------------------------------------------------------
@on_its_gpu
def _ordering(array: Any, d: int, descending: bool) -> Any:
    """The indices that sort along `d`; equal elements keep their order, NaN counts as greatest."""
    if not array.ndim:
        return np.zeros_like(array, dtype=np.int64)
    if not descending:
        return as_int64(np.argsort(array, axis=d, kind="stable"))
    back = as_int64(np.argsort(np.flip(array, d), axis=d, kind="stable"))
    return array.shape[d] - 1 - np.flip(back, d)


_Sorted = _returns("sort", "values", "indices")
_Top = _returns("topk", "values", "indices")


@numpy_names
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The elements in order along `dim`, and where they stood: a pair (values, indices).

    >>> import minigrad as torch
    >>> torch.sort(torch.tensor([3, 1, 2])).indices
    tensor([1, 2, 0])
    """
    indices = argsort(input, dim, descending)
    return _Sorted(gather(input, dim, indices), indices)


@numpy_names
@on_its_gpu
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The indices that sort the tensor along `dim`.

    >>> import minigrad as torch
    >>> torch.argsort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return wrap(_ordering(input.array, axis(dim, input.array.ndim), descending))


@numpy_names
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The `k` greatest (or least) elements along `dim`, in order, and where they stood.

    >>> import minigrad as torch
    >>> torch.topk(torch.tensor([3, 1, 2]), 2).values
    tensor([3, 2])
    """
    d = axis(dim, input.array.ndim)
    if input.array.dtype.kind == "b":
        raise not_implemented_for("topk", input.array.dtype)
    if not 0 <= whole(k, "k") <= (input.array.shape[d] if input.array.ndim else 1):
        raise RuntimeError(f"selected index k out of range: k={k}, dimension {d} of shape {tuple(input.array.shape)}")
    order = _ordering(input.array, d, largest)
    indices = wrap(order[(slice(None),) * d + (slice(0, k),)] if input.array.ndim else order)
    return _Top(gather(input, d, indices), indices)


@numpy_names
@on_its_gpu
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along `dim`) that occur, once each; with inverse and counts.

    >>> import minigrad as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    if not isinstance(sorted, bool):
        raise TypeError(f"unique(): argument 'sorted' must be a bool, got {sorted!r}; an axis is named: dim={sorted!r}")
    d = None if dim is None else axis(dim, input.array.ndim)
    values, inverse, counts = np.unique(input.array, return_inverse=True, return_counts=True, axis=d, equal_nan=False)
    inverse = inverse.reshape(input.array.shape if d is None else -1)
    parts = [wrap(x) for x, asked in ((values, True), (inverse, return_inverse), (counts, return_counts)) if asked]
    return tuple(parts) if len(parts) > 1 else parts[0]


_Median = _returns("median", "values", "indices")


@numpy_names
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower one of two; along `dim` a pair (values, indices).

    >>> import minigrad as torch
    >>> torch.median(torch.tensor([3.0, 1.0, 2.0]))
    tensor(2.)
    """
    if dim is None:
        return median(input.reshape(-1), 0).values
    order = argsort(input, dim)
    middle = narrow(order, dim, (order.array.shape[dim] - 1) // 2, 1) if order.array.ndim else order
    found = gather(input, dim, middle), middle
    return _Median(*(found if keepdim or not order.array.ndim else [squeeze(x, dim) for x in found]))


@of_tensor
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, 2, ... occurs; with `weights`, the sum of theirs.

    >>> import minigrad as torch
    >>> torch.bincount(torch.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    if input.array.dtype.kind not in "iu":
        raise not_implemented_for("bincount", input.array.dtype)
    if input.array.ndim != 1 or (input.array < 0).any():
        told = f"got shape {tuple(input.array.shape)} with the least entry {input.array.min(initial=0)}"
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs: {told}")
    counts = np.bincount(as_index(input.array), None if weights is None else weights.array, minlength)
    return wrap(counts if weights is None else counts.astype(np.promote_types(weights.array.dtype, np.float32)))
