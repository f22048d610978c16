"""Python's and NumPy's special methods: conversion to numbers and bool, iteration, NumPy dispatch, printing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from minigrad import backend, devices
from minigrad.advice import advise, is_wanted
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.messages import note_departure, numpy_in_graph
from minigrad.autograd.modes import is_grad_enabled
from minigrad.ops.arguments import require_bools
from minigrad.ops.copies import flip
from minigrad.ops.index import unbind
from minigrad.printing import format_element, format_tensor


def _as_scalar(x: Any, way: str) -> Any:
    """The number for Python's conversions, float(x) and int(x), which raise ValueError where `item` raises another."""
    if x.node is not None:
        note_departure(way)
    if x.array.size != 1:
        hint = f"got shape {tuple(x.array.shape)}; reduce it first, or use .tolist()"
        raise ValueError(f"only one element tensors can be converted to Python scalars, {hint}")
    return x.array.item()


@cache
def _open_dispatch() -> Any:
    """The file of NumPy's functions on tensors, imported for the first call of one."""
    from minigrad.tensor import numpy_dispatch

    return numpy_dispatch


class ProtocolMethods(TensorBase):
    """Special methods of Python and NumPy."""

    __slots__ = ()

    __array_priority__ = 1000  # so that NumPy's matrices leave operators to tensors

    def __array_wrap__(self: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return wrap(np.asarray(array))

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _open_dispatch().call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _open_dispatch().call_function(function, args, kwargs)

    def __contains__(self: Any, element: Any) -> Any:
        if not isinstance(element, (TensorBase, bool, int, float, complex, np.number, np.bool_)):
            detail = f"but you passed in a {type(element)}"
            raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, {detail}")
        return bool(backend.quiet(np.any, (self.detach() == element).array))

    def __reversed__(self: Any) -> Tensor:
        return flip(self, (0,)) if self.array.ndim else self

    def numpy(self: Any, *, force: bool = False) -> Any:
        """The NumPy array of its memory, shared. Raises RuntimeError for tensors in the graph.

        >>> import minigrad as torch
        >>> torch.tensor([1, 2]).numpy()
        array([1, 2])
        """
        if force is not False:
            require_bools("numpy", force=force)
        if self.requires_grad and not force and is_grad_enabled():
            raise numpy_in_graph(self.array.size)
        if self.node is not None or self.cause is not None:
            note_departure("turned into an array by .numpy()")
        if type(self.array) is not np.ndarray:
            if not force:
                hint = "Use Tensor.cpu() to copy the tensor to host memory first."
                raise TypeError(f"can't convert {self.device} device type tensor to numpy. {hint}")
            return backend.to_device(self.array, devices.CPU)
        return self.array.view()  # whose shape and flags may be set: they are not the tensor's

    def item(self: Any) -> float:
        """The Python number of a tensor of one element.

        >>> import minigrad as torch
        >>> torch.tensor([1.5]).item()
        1.5
        """
        if self.array.size != 1:
            what = f"{self.array.size} elements cannot be converted to Scalar (shape {tuple(self.array.shape)})"
            raise RuntimeError(f"a Tensor with {what}; reduce it first, or use .tolist()")
        if self.node is not None:
            note_departure("turned into a number by .item()")
        return self.array.item()

    def tolist(self: Any) -> Any:
        """Nested Python lists of its numbers.

        >>> import minigrad as torch
        >>> torch.tensor([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
        """
        if self.node is not None:
            note_departure("turned into numbers by .tolist()")
        return self.array.tolist()

    def __bool__(self: Any) -> bool:
        if self.array.size != 1:
            which = "more than one value" if self.array.size else "no values"
            hint = f"is ambiguous (shape {tuple(self.array.shape)}); use .any() or .all(), or compare one element"
            raise RuntimeError(f"Boolean value of Tensor with {which} {hint}")
        return bool(self.item())

    def __float__(self: Any) -> float:
        number = float(_as_scalar(self, "turned into a number by float()"))
        if self.node is not None and is_wanted("float"):
            hint = (
                "a tensor that requires grad became a Python float, by float(x) or an assignment into a NumPy array: "
                "it leaves the graph there. If that is meant, x.item() or x.detach() says so"
            )
            advise("float", hint)
        return number

    def __int__(self: Any) -> int:
        return int(_as_scalar(self, "turned into a number by int()"))

    def __index__(self: Any) -> int:
        if self.array.dtype.kind == "f" or self.array.size != 1:
            from minigrad.ops.complaints import no_index

            raise no_index(self.array)
        return int(self.item())

    def __len__(self: Any) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d tensor: it holds one number, x.item(); x[None] has an axis of length 1")
        return len(self.array)

    def __iter__(self: Any) -> Iterator[Tensor]:
        if not self.array.ndim:
            hint = "it holds one number, x.item(); x[None] has an axis of length 1"
            raise TypeError(f"iteration over a 0-d tensor: {hint}")
        return iter(unbind(self))

    __repr__ = format_tensor
    __format__ = format_element
