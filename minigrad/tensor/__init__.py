"""`Tensor`: the class that users work with. Each family of methods stands in a file of its own."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from minigrad.autograd import core, overriding
from minigrad.tensor.conversion import ConversionMethods
from minigrad.tensor.elementwise import ElementwiseMethods
from minigrad.tensor.facts import FactMethods, is_floating_point, numel, result_type
from minigrad.tensor.filling import FillingMethods
from minigrad.tensor.graph import GraphMethods
from minigrad.tensor.protocols import ProtocolMethods
from minigrad.tensor.reduction import ReductionMethods
from minigrad.tensor.shape import ShapeMethods
from minigrad.tensor.wide import WideMethods, name_method

__all__ = ["Tensor", "is_floating_point", "is_tensor", "numel", "result_type"]


class Tensor(
    ElementwiseMethods,
    ReductionMethods,
    ShapeMethods,
    FillingMethods,
    ConversionMethods,
    GraphMethods,
    ProtocolMethods,
    FactMethods,
    WideMethods,  # methods that few programs need, whose files are imported when one is used
):
    """An n-dimensional array that remembers how it was computed.

    >>> import minigrad
    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __hash__ = object.__hash__
    __module__ = "minigrad"  # the public module, shown by type(x)


core.result_class = Tensor
overriding.declare_plain(Tensor)
for _family in Tensor.__mro__[1:-2]:  # all except TensorBase and `object`
    for _name, _method in vars(_family).items():
        if isinstance(_method, FunctionType) and "." in _method.__qualname__ and _method.__module__ != "minigrad":
            name_method(_method, _name)


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor.

    >>> import minigrad as torch
    >>> torch.is_tensor(torch.ones(1)), torch.is_tensor([1.0])
    (True, False)
    """
    return isinstance(obj, Tensor)
