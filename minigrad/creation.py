"""Making tensors: from Python's numbers, from other libraries' arrays, filled, and drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import backend, dtypes
from minigrad.autograd.core import LEAF, TensorBase, is_array, wrap
from minigrad.ops.axes import sizes
from minigrad.tensor import Tensor


def _library(device: Any) -> tuple[Any, backend.device]:
    where = backend.default_device() if device is None else backend.device(device)
    return backend.library(where), where


def _made(array: Any, device: Any, dtype: Any, requires_grad: bool) -> Tensor:
    """`array` on `device` (or the default one) as a new tensor."""
    if dtype is not None:
        array = array.astype(dtypes.as_numpy(dtype), copy=False)
    where = backend.default_device() if device is None else backend.device(device)
    if where.type != "cpu" or type(array) is not np.ndarray:
        array = backend.to_device(array, where)
    made: Tensor = wrap(array)
    if requires_grad:
        made.requires_grad_()
    return made


# ---- from data ------------------------------------------------------------------------------------
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A new tensor with a copy of `data`: numbers, nested lists, NumPy arrays or tensors.

    Python floats become float32 (see ``set_default_dtype``), ints int64; arrays keep their dtype.
    Raises ValueError for ragged lists, TypeError for anything that holds no numbers.

    >>> import minigrad as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, TensorBase):
        array = data.array.copy()
        device = data.device if device is None else device  # type: ignore[attr-defined]
    elif is_array(data):
        array = data.copy()
        dtypes.from_numpy(array.dtype)
    else:
        array = _array_of(data)
    return _made(array, device, dtype, requires_grad)


def _array_of(data: Any) -> Any:
    """The NumPy array of Python data, with PyTorch's types."""
    plain = _without_tensors(data)
    try:
        array = np.array(plain)
    except ValueError:
        raise ValueError(
            f"expected sequences of equal length: the nested lists are ragged ({_where_ragged(plain)})"
        ) from None
    if array.dtype.kind not in "fiub":
        if array.size or array.dtype.kind in "OUS":
            bad = next((x for x in np.ravel(np.array(plain, dtype=object)) if not isinstance(x, (int, float))), plain)
            if isinstance(bad, str):
                raise TypeError(f"new(): invalid data type 'str': a tensor holds numbers, got {bad!r}")
            if isinstance(bad, int):
                raise RuntimeError("Overflow when unpacking long long: an integer does not fit into int64")
            raise RuntimeError(f"Could not infer dtype of {type(bad).__name__}: a tensor holds numbers, got {bad!r}")
        return array.astype(dtypes.get_default_dtype().numpy)
    if array.dtype == np.float64 and not isinstance(plain, np.generic):
        return array.astype(dtypes.get_default_dtype().numpy)
    if array.dtype == np.uint64:
        raise RuntimeError("Overflow when unpacking long long: an integer does not fit into int64")
    return array


def _without_tensors(data: Any) -> Any:
    """`data` with tensors replaced by their numbers, at any depth of lists."""
    if isinstance(data, (list, tuple)):
        return [_without_tensors(x) for x in data]
    return data.array.tolist() if isinstance(data, TensorBase) else data


def _where_ragged(data: Any) -> str:
    lengths = {len(x) if isinstance(x, Sequence) else None for x in data}
    return f"lengths {sorted(lengths, key=str)}" if len(lengths) > 1 else "deeper levels differ in length"


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: without a copy when it is an array or a tensor of that dtype and device."""
    if isinstance(data, Tensor):
        made = data if dtype is None else data.astype(dtypes.as_numpy(dtype))
        return made if device is None else made.to(device)
    if not is_array(data):
        return tensor(data, dtype=dtype, device=device)
    dtypes.from_numpy(data.dtype)
    return _made(data, device, dtype, False)


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array. Raises TypeError for anything else."""
    if type(array) is not np.ndarray:
        raise TypeError(f"expected np.ndarray (got {type(array).__name__}); for other data use minigrad.tensor")
    dtypes.from_numpy(array.dtype)
    return wrap(array)  # type: ignore[no-any-return]


# ---- filled ---------------------------------------------------------------------------------------
def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return _filled("zeros", size, dtype, device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``."""
    return _filled("ones", size, dtype, device, requires_grad)


def _filled(name: str, size: tuple[Any, ...], dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    shape = _shape(name, size)
    xp, where = _library(device)
    with backend.on(where):
        array = getattr(xp, name)(shape, _dtype(dtype))
    made: Tensor = wrap(array)
    return made.requires_grad_() if requires_grad else made


def _dtype(dtype: Any) -> Any:
    return (dtypes.get_default_dtype().numpy) if dtype is None else dtypes.as_numpy(dtype)


def _shape(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    shape = sizes(name, size)
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


# ---- random ---------------------------------------------------------------------------------------
def _drawn(name: str, size: tuple[Any, ...], dtype: Any, generator: Any, device: Any, requires_grad: bool, draw: str) -> Tensor:
    from minigrad import random

    source = random.default_generator if generator is None else generator
    array = getattr(source, draw)(_shape(name, size), _dtype(dtype))
    return _made(array, device, None, requires_grad)


def rand(*size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform numbers in [0, 1), PyTorch's own for the same ``manual_seed``."""
    return _drawn("rand", size, dtype, generator, device, requires_grad, "uniform")


def randn(*size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Numbers of the standard normal distribution, PyTorch's own for the same ``manual_seed``."""
    return _drawn("randn", size, dtype, generator, device, requires_grad, "normal")
