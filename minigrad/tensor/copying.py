"""Copies of tensors, and tensors for other libraries and processes: Python's protocols and DLPack."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backend, devices
from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.ops.memory_layout import owner_of, view_memory


def rebuild(
    cls: type[Any], array: Any, requires_grad: bool, attributes: dict[str, Any] | None = None, gpu: str | None = None
) -> Any:
    """A leaf of class `cls` around `array`, or a copy of it on `gpu`; copying and unpickling call it."""
    tensor = wrap(array if gpu is None else backend.to_device(array, devices.device(gpu)), cls)
    tensor.node = LEAF if requires_grad else None
    tensor.__dict__.update(attributes or {})
    return tensor


def copy_memory(array: Any, memo: dict[int, Any]) -> Any:
    """A copy of `array`; arrays that share memory share it again in one deep copy (`memo`)."""
    root = owner_of(array)
    if not array.size or not root.flags.forc:
        return backend.copy_array(array)
    key: Any = ("memory", id(root))  # a key of its own, as the array itself may be copied too
    if key not in memo:
        memo[key] = backend.copy_array(root.ravel(order="K").view(np.uint8))
    offset = backend.address_of(array) - backend.address_of(root)
    return view_memory(memo[key], array.dtype, offset, array.shape, array.strides)


class CopyMethods(TensorBase):
    """How Python copies and pickles tensors, and how other libraries take them."""

    __slots__ = ()

    def __dlpack__(self: Any, **options: Any) -> Any:
        if self.node is not None:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return (self.numpy() if type(self.array) is np.ndarray else self.array).__dlpack__(**options)

    def __dlpack_device__(self: Any) -> Any:
        return self.array.__dlpack_device__()

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        if not self.is_leaf:
            hint = "only graph leaves do: copy x.detach(), or write x.clone() to stay in the graph"
            raise RuntimeError(
                f"Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol: {hint}"
            )
        if id(self) not in memo:
            from copy import deepcopy  # which few programs need

            copy = rebuild(type(self), copy_memory(self.data.array, memo), self.node is LEAF)
            copy.writes = memo.setdefault(id(self.writes), copy.writes)  # shared memory, shared counter
            memo[id(self)] = copy
            copy.gradient = deepcopy(self.gradient, memo)
            copy.__dict__.update(deepcopy(self.__dict__, memo))
        return memo[id(self)]

    def __copy__(self: Any) -> Any:
        return rebuild(type(self), self.data.array, self.requires_grad, self.__dict__)

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        array, gpu = self.data.array, None
        if type(array) is not np.ndarray:  # as NumPy's, so that a file is read without CuPy
            array, gpu = backend.to_device(array, devices.CPU), str(backend.device_of(array))
        return rebuild, (type(self), array, self.requires_grad, self.__dict__ or None, gpu)
