"""`Tensor`: what a user touches first. Each family of methods stands in a file of its own."""

from __future__ import annotations

import warnings
from typing import Any, overload

import numpy as np

from minigrad import backend, dtypes
from minigrad.autograd import core
from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.autograd.inspection import RemovableHandle
from minigrad.autograd.messages import user_line
from minigrad.autograd.node import Node
from minigrad.autograd.views import Unrecorded, refresh
from minigrad.ops import copies
from minigrad.ops.arguments import axis, of_tensors
from minigrad.size import Size
from minigrad.tensor.conversion import ConversionMethods
from minigrad.tensor.drawing import RandomMethods
from minigrad.tensor.elementwise import ElementwiseMethods
from minigrad.tensor.filling import FillingMethods
from minigrad.tensor.graph import GraphMethods
from minigrad.tensor.protocols import ProtocolMethods
from minigrad.tensor.reduction import ReductionMethods
from minigrad.tensor.shape import ShapeMethods
from minigrad.tensor.storage import StorageMethods

__all__ = ["RemovableHandle", "Tensor", "is_floating_point", "is_tensor", "numel", "result_type"]


class Tensor(
    ElementwiseMethods,
    ReductionMethods,
    ShapeMethods,
    FillingMethods,
    RandomMethods,
    ConversionMethods,
    GraphMethods,
    ProtocolMethods,
    StorageMethods,
):
    """An n-dimensional array that remembers how it was computed.

    >>> import minigrad
    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __hash__ = object.__hash__
    __module__ = "minigrad"  # where users find it, and what type(x) prints

    def __new__(cls, *data: Any, dtype: Any = None, device: Any = None) -> Tensor:
        """``Tensor([1, 2])`` holds these numbers, ``Tensor(2, 3)`` is not filled; the default float type."""
        from minigrad.creation import legacy

        return legacy(data, dtype, device)

    def _repr_html_(self) -> str:
        """What a notebook shows: shape, dtype and range, an image where it is one, and the numbers."""
        from minigrad.tensor.html import show_tensor

        return show_tensor(self)

    # ---- its facts ------------------------------------------------------------------------------
    @property
    def shape(self) -> Size:
        """The lengths of its axes."""
        return tuple.__new__(Size, self.array.shape)

    @overload
    def size(self, dim: None = None) -> Size: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> Any:
        """The lengths of its axes, or of one of them.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).size(), torch.ones(2, 3).size(1)
        (minigrad.Size([2, 3]), 3)
        """
        return self.shape if dim is None else self.array.shape[axis(dim, self.array.ndim)]

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return int(self.array.ndim)

    def dim(self) -> int:
        """How many axes it has.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).dim()
        2
        """
        return int(self.array.ndim)

    ndimension = dim

    def numel(self) -> int:
        """How many elements it has.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).numel()
        6
        """
        return int(self.array.size)

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """How many elements apart the neighbours along each axis, or along one, lie in memory.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).stride()
        (3, 1)
        """
        strides = tuple([s // self.array.itemsize for s in self.array.strides])
        return strides if dim is None else strides[axis(dim, len(strides))]

    is_contiguous = copies.is_contiguous

    def is_floating_point(self) -> bool:
        """Whether its elements are real numbers.

        >>> import minigrad as torch
        >>> torch.ones(1).is_floating_point()
        True
        """
        return bool(self.array.dtype.kind == "f")

    @property
    def is_cuda(self) -> bool:
        """Whether its memory is on a GPU."""
        return self.device.type == "cuda"

    def element_size(self) -> int:
        """The bytes of one element.

        >>> import minigrad as torch
        >>> torch.ones(1).element_size()
        4
        """
        return int(self.array.itemsize)

    def storage_offset(self) -> int:
        """How many elements of its memory come before its first: a view's are counted in what it looks at.

        >>> import minigrad as torch
        >>> torch.ones(4)[2:].storage_offset()
        2
        """
        root = self.array
        while isinstance(root.base, type(root)):
            root = root.base
        return (self.data_ptr() - wrap(root).data_ptr()) // self.element_size()

    def data_ptr(self) -> int:
        """The address of its first element.

        >>> import minigrad as torch
        >>> x = torch.ones(4)
        >>> x[1:].data_ptr() - x.data_ptr()
        4
        """
        return backend.address_of(self.array)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of its elements."""
        return dtypes.from_numpy(self.array.dtype)

    @property
    def device(self) -> backend.device:
        """Where its memory is."""
        return backend.device_of(self.array)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it."""
        if self.view_of is not None:
            refresh(self, use=False)
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(value).__name__} {value!r}")
        if value and not self.is_leaf:
            hint = "this one is a result, which requires grad already; .retain_grad() keeps its gradient"
            raise RuntimeError(f"you can only change requires_grad flags of leaf variables: {hint}")
        self.requires_grad_(value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward added up here; None before, and for tensors that keep none."""
        if self.gradient is None and self.grad_fn is not None and not self.retains_grad:
            hint = (
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed: it is the result of "
                f"{self.node.name()}, and backward keeps gradients for leaves alone. Call .retain_grad() on it before "
                "backward, or read the .grad of the leaf that it was computed from."
            )
            warnings.warn(hint, UserWarning, stacklevel=2)
        return self.gradient

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            self._check_gradient(value)
        self.gradient = value

    @grad.deleter
    def grad(self) -> None:
        self.gradient = None

    def _check_gradient(self, value: Tensor) -> None:
        """Refuse, as a gradient, what is no tensor of this one's shape, dtype and device, and the tensor itself."""
        if not isinstance(value, TensorBase):
            kind = type(value).__name__  # type: ignore[unreachable]
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {kind}")
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad: assign a copy, x.detach().clone()")
        if value.array.shape != self.array.shape:
            size = f"of size '{list(value.array.shape)}' to a tensor of size '{list(self.array.shape)}'"
            raise RuntimeError(f"attempting to assign a gradient {size}; a gradient has its tensor's size")
        if value.dtype is not self.dtype:
            hint = f"convert it with .to({self.dtype})"
            raise RuntimeError(f"attempting to assign a gradient of {value.dtype} to a tensor of {self.dtype}; {hint}")
        if value.device != self.device:
            hint = f"move it with .to('{self.device}')"
            raise RuntimeError(
                f"attempting to assign a gradient on {value.device} to a tensor on {self.device}; {hint}"
            )

    @property
    def grad_fn(self) -> Node | None:
        """The node of the call that made it; None for leaves."""
        if self.view_of is not None:
            refresh(self)
        return None if self.node is LEAF or isinstance(self.node, Unrecorded) else self.node

    @property
    def is_leaf(self) -> bool:
        """True unless a recorded call made it."""
        return self.grad_fn is None

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph: writes through it are not seen by autograd."""
        alias: Tensor = wrap(self.array)
        if self.node is LEAF:  # an update by hand, nearly always: the line is not worth its time
            alias.cause = "it was taken with .data, which leaves the graph"
        elif self.node is not None:
            alias.cause = f"it was taken with .data, which leaves the graph, at {user_line()}"
        return alias

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.node is not None and value.array.dtype.kind != "f":
            hint = f"got {value.dtype}; convert it with .float()"
            raise RuntimeError(f"data set to a tensor that requires gradients must be floating point, {hint}")
        self.array = value.array
        if self.gradient is not None and self.gradient.array.shape != value.array.shape:
            self.gradient = None  # it belonged to numbers that are gone: nothing could be added to it

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete the tensor instead.")

    @property
    def _version(self) -> int:
        if self.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        return self.writes[0]


core.result_class = Tensor


# ---- its facts, as functions ------------------------------------------------------------------------
def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor.

    >>> import minigrad as torch
    >>> torch.is_tensor(torch.ones(1)), torch.is_tensor([1.0])
    (True, False)
    """
    return isinstance(obj, Tensor)


@of_tensors
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements of `input` are real numbers.

    >>> import minigrad as torch
    >>> torch.is_floating_point(torch.ones(1))
    True
    """
    return input.is_floating_point()


@of_tensors
def numel(input: Tensor) -> int:
    """How many elements `input` has.

    >>> import minigrad as torch
    >>> torch.numel(torch.ones(2, 3))
    6
    """
    return input.numel()


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The type of an operation between two tensors, or a tensor and a number.

    >>> import minigrad as torch
    >>> torch.result_type(torch.ones(1, dtype=torch.int64), 1.0)
    minigrad.float32
    """
    return dtypes.from_numpy(dtypes.result_type([getattr(x, "array", x) for x in (tensor1, tensor2)]))
