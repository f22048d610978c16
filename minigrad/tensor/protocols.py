"""Python's and NumPy's protocols: numbers, truth, iteration, dispatch, printing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import backend
from minigrad.autograd.core import TensorBase
from minigrad.ops.elementwise import NUMPY_TWINS
from minigrad.printing import format_element, format_tensor

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


class ProtocolMethods(TensorBase):
    """What Python and NumPy ask of an array."""

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        twin = NUMPY_TWINS.get(ufunc)
        if twin is None or method != "__call__" or kwargs or type(inputs[0]) is np.ndarray:
            return NotImplemented
        return twin(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        twin = NUMPY_TWINS.get(function)
        return NotImplemented if twin is None else twin(*args, **kwargs)

    def numpy(self, *, force: bool = False) -> Any:
        """The NumPy array of its memory, shared. Raises RuntimeError for tensors in the graph."""
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if type(self.array) is not np.ndarray:
            if not force:
                raise TypeError(
                    f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
                    "to host memory first."
                )
            return backend.to_device(self.array, backend.CPU)
        return self.array

    def item(self) -> Any:
        """The Python number of a tensor of one element."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar (shape {tuple(self.array.shape)}); "
                "reduce it first, or use .tolist()"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """Nested Python lists of its numbers."""
        return self.array.tolist()

    def __bool__(self) -> bool:
        if self.array.size != 1:
            which = "more than one value" if self.array.size else "no values"
            raise RuntimeError(
                f"Boolean value of Tensor with {which} is ambiguous (shape {tuple(self.array.shape)}); "
                "use .any() or .all(), or compare one element"
            )
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind == "f" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self.array))])

    def __repr__(self) -> str:
        return format_tensor(self)

    def __format__(self, spec: str) -> str:
        return format_element(self, spec)
