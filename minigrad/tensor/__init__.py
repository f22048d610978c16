"""`Tensor`: what a user touches first. Each family of methods stands in a file of its own."""

from __future__ import annotations

from typing import Any

from minigrad import backend, dtypes
from minigrad.autograd.core import LEAF, Node, set_result_class, wrap
from minigrad.autograd.operation import refresh
from minigrad.size import Size
from minigrad.tensor.conversion import ConversionMethods
from minigrad.tensor.elementwise import ElementwiseMethods
from minigrad.tensor.graph import GraphMethods, RemovableHandle
from minigrad.tensor.protocols import ProtocolMethods
from minigrad.tensor.reduction import ReductionMethods
from minigrad.tensor.shape import ShapeMethods

__all__ = ["RemovableHandle", "Tensor"]


class Tensor(
    ElementwiseMethods, ReductionMethods, ShapeMethods, ConversionMethods, GraphMethods, ProtocolMethods
):
    """An n-dimensional array that remembers how it was computed.

    >>> import minigrad
    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x ** 2).sum().backward(); x.grad
    tensor([2., 4.])
    """

    __hash__ = object.__hash__

    # ---- its facts ------------------------------------------------------------------------------
    @property
    def shape(self) -> Size:
        """The lengths of its axes."""
        return tuple.__new__(Size, self.array.shape)

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
            refresh(self)
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward added up here; None before, and for tensors that keep none."""
        return self.gradient

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            if value.array.shape != self.array.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: {tuple(value.array.shape)}, the tensor has "
                    f"{tuple(self.array.shape)}"
                )
            if value.array.dtype != self.array.dtype:
                raise RuntimeError(
                    f"assigned grad has data of a different type: {value.dtype}, the tensor has {self.dtype}"
                )
        self.gradient = value

    @property
    def grad_fn(self) -> Node | None:
        """The node of the call that made it; None for leaves."""
        if self.view_of is not None:
            refresh(self)
        return None if self.node is LEAF else self.node

    @property
    def is_leaf(self) -> bool:
        """True unless a recorded call made it."""
        return self.grad_fn is None

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph: writes through it are not seen by autograd."""
        alias: Tensor = wrap(self.array)
        alias.cause = "it was taken with .data, which leaves the graph"
        return alias

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self.array = value.array

    @property
    def _version(self) -> int:
        return self.writes[0]


set_result_class(Tensor)
