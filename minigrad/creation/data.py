"""Tensors from existing data: `tensor` copies numbers, nested lists and arrays. `foreign.py` shares their memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.core import Tensor, TensorBase, is_array, wrap
from minigrad.autograd.messages import user_line
from minigrad.autograd.overriding import ask, never_overriding
from minigrad.creation.filled import check_options, place
from minigrad.creation.nested import read_numbers
from minigrad.ops.arguments import as_number
from minigrad.ops.copies import copy_operation


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor with a copy of `data`: numbers, nested lists, NumPy arrays or tensors.

    Python floats become float32 (see ``set_default_dtype``), ints int64; arrays keep their dtype.
    Raises ValueError for ragged lists and for tensors of several elements in a list, RuntimeError for
    numbers that `dtype` does not hold and for what is no number (TypeError where `dtype` is given).

    >>> import minigrad as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if not never_overriding:  # a mode is on
        given = {"dtype": dtype, "device": device, "requires_grad": requires_grad or None}
        if (answer := ask(tensor, (data,), given)) is not NotImplemented:
            return answer
    if requires_grad is not False:
        check_options("tensor", None, requires_grad)
    wanted = None if dtype is None else dtypes.as_numpy(dtype)
    if isinstance(data, TensorBase):
        hint = "to copy a tensor, write source.clone(), or source.detach().clone() for a copy without its graph"
        warn(f"tensor() of a tensor leaves the graph of the one it copies; {hint}")
        array = _copy_as_it_lies(data.array)
        device = data.device if device is None else device  # type: ignore[attr-defined]
    else:
        given = as_plain_array(data, wanted)
        array = read_numbers(data, wanted) if given is None else _copy_as_it_lies(given)
    made = place(array if wanted is None else dtypes.convert(array, wanted), device, requires_grad)
    left = None if requires_grad else _describe_graph(data)
    if left is not None:
        made.cause = f"it was made by tensor() {left}, at {user_line()}, and a copied number has no graph"
    return made


def _copy_as_it_lies(array: Any) -> Any:
    """A copy with the memory order of `array`."""
    return copy_operation(wrap(array), order="K").array


def as_plain_array(data: Any, wanted: Any = None) -> Any:
    """`data` as a plain NumPy or CuPy array; None if it is no array.

    Memory maps, matrices and other subclasses of ndarray share their memory with the result. Unsigned integers are
    converted to the dtype `wanted`, because tensors hold no wide ones.
    Raises TypeError for elements that a tensor cannot hold, ValueError for another byte order.
    """
    if isinstance(data, np.ndarray):
        array: Any = np.asarray(data)
    elif is_array(data):
        array = data
    elif not isinstance(data, (np.generic, TensorBase)) and hasattr(data, "__array__"):
        array = np.asarray(data)  # such as Pillow's images and pandas' tables
    else:
        return None
    if not array.dtype.isnative:
        hint = "convert it with array.astype(array.dtype.newbyteorder('='))"
        raise ValueError(f"given numpy array has byte order different from the native byte order; {hint}")
    array = array if wanted is None or array.dtype.kind != "u" else array.astype(wanted, copy=False)
    dtypes.from_numpy(array.dtype)
    return array.view()  # an object of its own: `data.shape = ...` and `data.flags` do not reach the tensor


_NUMBERS = {bool, int, float}


def _describe_graph(data: Any) -> str | None:
    """What in `data` needs a gradient, in words; None if nothing does."""
    if isinstance(data, TensorBase):
        return None if data.node is None else "from a tensor that requires grad"
    if isinstance(data, (list, tuple)) and not _NUMBERS.issuperset(map(type, data)):
        for part in data:
            if not isinstance(part, (int, float)) and _describe_graph(part):
                return "from a list of tensors that require grad (minigrad.stack would keep their gradients)"
    return None


def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor of one number, by default of the default dtype.

    >>> import minigrad as torch
    >>> torch.scalar_tensor(3)
    tensor(3.)
    """
    check_options("scalar_tensor", layout, requires_grad)
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    return tensor(as_number("scalar_tensor", "s", s), dtype=dtype, device=device, requires_grad=requires_grad)
