"""NumPy's functions on tensors: which return a tensor and which an array, as they do with PyTorch's tensors.

A function that minigrad has too is computed by it, with gradients: ``np.exp(x)``, ``np.reshape(x, (2, 3))``. Others get
the tensor's array. If NumPy keeps the class of its operand the result is a tensor again: all ufuncs, and the functions
of `_TENSORS`. ``np.concatenate``, ``np.where`` and the rest return arrays. Options that ours has not, such as ``out=``
and ``order="F"``, are NumPy's work, on arrays. Gradient rules, which are written with NumPy's functions, always get
tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, is_array, wrap
from minigrad.backend import SILENT, WARNINGS, device_of, to_device
from minigrad.ops import copies, gather, split, unary
from minigrad.ops.clamp import clamp
from minigrad.ops.cumulative import cumprod, cumsum
from minigrad.ops.elementwise import NUMPY_TWINS
from minigrad.ops.join import cat  # noqa: F401 (of a family whose functions answer for NumPy's)
from minigrad.ops.masks import nonzero
from minigrad.ops.order import argsort
from minigrad.ops.rearranging import movedim
from minigrad.ops.shape import reshape, squeeze
from minigrad.ops.special import fmax  # noqa: F401 (of a family whose functions answer for NumPy's)
from minigrad.tensor.numpy_dispatch import find_twin

# NumPy's operators: the special methods of Python that compute them for a tensor on the right
_REFLECTED = {
    np.add: "__radd__", np.subtract: "__rsub__", np.multiply: "__rmul__", np.true_divide: "__rtruediv__",
    np.floor_divide: "__rfloordiv__", np.remainder: "__rmod__", np.power: "__rpow__", np.bitwise_and: "__rand__",
    np.bitwise_or: "__ror__", np.bitwise_xor: "__rxor__", np.left_shift: "__rlshift__", np.right_shift: "__rrshift__",
    np.less: "__gt__", np.less_equal: "__ge__", np.greater: "__lt__", np.greater_equal: "__le__",
    np.equal: "__eq__", np.not_equal: "__ne__",
}  # fmt: skip
_BOTH_WAYS = frozenset({np.equal, np.not_equal, np.true_divide})  # allowed between an array and a tensor
# functions with our own version that only gradient rules use
_ARRAYS = frozenset({np.concatenate, np.where, np.broadcast_to})
_TENSORS = frozenset({
    np.apply_along_axis, np.argmax, np.argmin, np.argpartition, np.choose, np.compress, np.delete, np.insert,
    np.isneginf, np.isposinf, np.linalg.cholesky, np.linalg.inv, np.linspace, np.ptp, np.real, np.searchsorted,
    np.trim_zeros, getattr(np, "fix", None),  # deprecated since NumPy 2.5
})  # fmt: skip


def as_arrays(x: Any) -> Any:
    """Replaces tensors by NumPy arrays, at any depth. Raises RuntimeError for a tensor that requires grad."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(as_arrays, x))
    if isinstance(x, dict):
        return {key: as_arrays(value) for key, value in x.items()}
    return x.numpy() if isinstance(x, TensorBase) else x  # type: ignore[attr-defined]


def _as_options(options: dict[str, Any]) -> dict[str, Any]:
    """Keywords for NumPy, as arrays. Raises TypeError for a tensor as `out`: no graph would notice the write."""
    written = options.get("out")
    if any(isinstance(x, TensorBase) for x in (written if isinstance(written, tuple) else (written,))):
        raise TypeError("return arrays must be of ArrayType: NumPy writes into arrays, such as out=x.detach().numpy()")
    return as_arrays(options)


def as_tensors(x: Any) -> Any:
    """Replaces NumPy arrays by tensors, at any depth of tuples; unsigned integers of more than 8 bits become int64."""
    if isinstance(x, tuple):
        return tuple(map(as_tensors, x))
    if isinstance(x, (np.ndarray, np.generic)):
        return wrap(np.asarray(x, np.int64 if x.dtype.kind == "u" and x.dtype.itemsize > 1 else None))
    return wrap(x) if is_array(x) else x


# ---- our functions with NumPy's parameters; they return NotImplemented for options that are NumPy's work -----------
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **limits: Any) -> Any:
    low, high = limits.pop("min", a_min), limits.pop("max", a_max)
    given = [isinstance(x, TensorBase) for x in (low, high) if x is not None]
    if out is not None or limits or len(set(given)) > 1 or isinstance(low, np.ndarray) or isinstance(high, np.ndarray):
        return NotImplemented
    return clamp(as_tensors(a), low, high) if given else copies.clone(a)


def _reshape(a: Any, shape: Any = None, order: str = "C", **others: Any) -> Any:
    return NotImplemented if order != "C" or others else reshape(a, shape)


def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    return unary.round(a, decimals=decimals or None) if out is None else NotImplemented


def _make_running(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's form of `cumsum` and others: without an axis, over the flattened elements."""

    def call(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        if dtype is not None or out is not None:
            return NotImplemented
        return function(reshape(a, -1), 0) if axis is None else function(a, axis)

    return call


def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    counts = np.asarray(repeats) if isinstance(repeats, (list, tuple)) else repeats
    return gather.repeat_interleave(a, as_tensors(counts), axis)


def _take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    if out is not None or mode != "raise":
        return NotImplemented
    flat = reshape(a, -1) if axis is None else a
    lengths = flat.array.shape
    dim = 0 if axis is None else range(len(lengths))[axis]
    places = as_arrays(indices)
    places = to_device(places if is_array(places) else np.asarray(places), device_of(a.array))
    from_end = (places < 0) & (places >= -lengths[dim])
    places = np.where(from_end, places + lengths[dim], places)  # `index_select` takes no negative ones
    found = gather.index_select(flat, dim, wrap(places.reshape(-1)))
    return reshape(found, (*lengths[:dim], *places.shape, *lengths[dim + 1 :]))


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    length = ary.array.shape[axis]
    parts = np.array_split(np.empty(length), indices_or_sections)
    ends = np.cumsum([len(part) for part in parts])
    starts = [0, *ends.tolist()]
    return [split.narrow(ary, axis, start, end - start) for start, end in zip(starts, ends.tolist(), strict=False)]


def _check_sections(asked: Any, length: int) -> Any:
    if isinstance(asked, int) and (not asked or length % asked):
        raise ValueError(f"array split does not result in an equal division: {length} into {asked}")
    return asked


def _sort_places(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, stable: Any = None) -> Any:
    if order is not None:
        return NotImplemented
    return argsort(reshape(a, -1), 0) if axis is None else argsort(a, axis)


_OWN: dict[Any, Callable[..., Any]] = {
    np.clip: _clip,
    np.squeeze: lambda a, axis=None: squeeze(a) if axis is None else squeeze(a, axis),
    np.reshape: _reshape,
    np.round: _round,
    np.around: _round,
    np.argsort: _sort_places,
    np.moveaxis: lambda a, source, destination: movedim(a, source, destination),
    np.cumsum: _make_running(cumsum),
    np.cumprod: _make_running(cumprod),
    np.repeat: _repeat,
    np.take: _take,
    np.split: lambda ary, indices_or_sections, axis=0: _split(
        ary, _check_sections(indices_or_sections, ary.array.shape[axis]), axis
    ),
    np.array_split: lambda ary, indices_or_sections, axis=0: _split(ary, indices_or_sections, axis),
    np.nonzero: lambda a: nonzero(a),
    np.shape: lambda a: a.shape,
}


def call_for_user(function: Any, args: Any, kwargs: Any) -> Any:
    """``function(*args, **kwargs)`` as NumPy's callers outside of the engine expect it."""
    if function in _OWN:
        found = _OWN[function](*args, **kwargs)
        if found is NotImplemented:
            return as_tensors(function(*as_arrays(args), **_as_options(kwargs)))
        return found
    twin = NUMPY_TWINS.get(function)
    if twin is not None and function not in _ARRAYS:
        return twin(*args, **kwargs)
    result = function(*as_arrays(args), **_as_options(kwargs))
    keeps_class = function in _TENSORS and not isinstance(args[0], np.ndarray)
    return as_tensors(result) if keeps_class else result


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float, np.generic))


def _need_twin(inputs: Any) -> bool:
    """Whether our function replaces NumPy's, whose results may have another dtype: for a call by a gradient rule, if a
    gradient is wanted, on a GPU, or if a NumPy number is on the left, as in ``np.float64(2) * x``.
    """
    if WARNINGS.get() is SILENT or _is_number(inputs[0]):
        return True
    return any(x.node is not None or type(x.array) is not np.ndarray for x in inputs if isinstance(x, TensorBase))


def call_ufunc_for_user(ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
    """Calls the ufunc's method, such as "__call__" or "reduce", as NumPy's callers outside of the engine expect it.

    Raises TypeError for an array on the left and a tensor on the right, as PyTorch does, except for division and
    comparisons for equality. NumPy's scalars count as numbers.
    """
    inputs = tuple([x.item() if isinstance(x, np.ndarray) and not x.ndim else x for x in inputs])
    if isinstance(inputs[0], np.ndarray) and ufunc not in _BOTH_WAYS and len(inputs) > 1:
        hint = "put the tensor first, or turn the array into one with minigrad.from_numpy(...)"
        raise TypeError(f"unsupported operand type(s) for {ufunc.__name__}: 'numpy.ndarray' and 'Tensor'; {hint}")
    if ufunc in _REFLECTED and method == "__call__" and not kwargs and _is_number(inputs[0]):
        return getattr(inputs[1], _REFLECTED[ufunc])(inputs[0])  # `np.float64(2) * x` as `2.0 * x`
    twin = find_twin(ufunc)
    if method == "__call__" and not kwargs and twin is not None and _need_twin(inputs):
        if not getattr(twin, "takes_numbers", True):  # in PyTorch both are tensors; NumPy's functions accept numbers
            inputs = tuple([wrap(np.asarray(x)) if isinstance(x, (bool, int, float)) else x for x in inputs])
        return twin(*inputs)
    result = getattr(ufunc, method)(*as_arrays(inputs), **_as_options(kwargs))
    return result if "out" in kwargs or method == "outer" else as_tensors(result)
