"""Type signatures of the functions in the tables, for editors and type checkers."""

from __future__ import annotations

from typing import Any, Protocol, overload

from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import Operation


class UnaryMethod(Protocol):
    """``x.exp()``."""

    def __call__(self, *, out: Tensor | None = None) -> Tensor: ...


class Unary(Protocol):
    """``exp(x)``; as an attribute of a class, the method ``x.exp()``."""

    __name__: str
    operation: Operation

    def __call__(self, input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> Unary: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> UnaryMethod: ...


class BinaryMethod(Protocol):
    """``x.add(y)``, ``x + y``."""

    def __call__(self, other: Tensor | float, *, out: Tensor | None = None) -> Tensor: ...


class Binary(Protocol):
    """``add(x, y)``; as an attribute of a class, the method ``x.add(y)``."""

    __name__: str
    __qualname__: str

    def __call__(self, input: Tensor | float, other: Tensor | float, *, out: Tensor | None = None) -> Tensor: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> Binary: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> BinaryMethod: ...
