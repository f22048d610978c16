"""Classes that derive from `Tensor`: their methods and attributes ask `__torch_function__`, as PyTorch's do.

Each method of Tensor, and each attribute that is computed, gets a stand-in in the class. So tensors of the class
`Tensor` itself, whose methods stay as they are, pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from minigrad.autograd.core import TensorBase
from minigrad.autograd.overriding import ask
from minigrad.ops import LaterFunction
from minigrad.tensor import Tensor

# Methods that PyTorch leaves to the class, or that call others.
_KEPT = {
    "__array_function__", "__array_ufunc__", "__dir__", "__getattr__", "__init__", "__init_subclass__", "__iter__",
    "__new__", "__reduce_ex__", "__setattr__", "__torch_function__", "as_subclass", "new", "new_tensor",
}  # fmt: skip
# Operators: the method that `__torch_function__` is told.
_TOLD = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__isub__": "sub_", "__mul__": "mul",
    "__rmul__": "mul", "__imul__": "mul_", "__truediv__": "div", "__itruediv__": "div_", "__rtruediv__": "__rdiv__",
    "__ifloordiv__": "floor_divide_", "__mod__": "remainder", "__imod__": "remainder_", "__pow__": "pow",
    "__ipow__": "pow_", "__matmul__": "matmul", "__rand__": "bitwise_and", "__ror__": "bitwise_or",
    "__rxor__": "bitwise_xor", "__neg__": "neg", "__abs__": "abs", "__invert__": "bitwise_not", "__ne__": "ne",
    "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge",
}  # fmt: skip


def prepare(cls: type) -> None:
    """Gives `cls` a stand-in for each method and attribute that it has from `Tensor`."""
    of_tensor = _collect(Tensor)
    for name, attribute in _collect(cls).items():
        if attribute is of_tensor.get(name) and name not in _KEPT:
            if isinstance(attribute, property):
                setattr(cls, name, _stand_for_attribute(attribute))
            elif isinstance(attribute, (FunctionType, LaterFunction)):
                setattr(cls, name, _stand_for_method(name))


def _collect(cls: type) -> dict[str, Any]:
    """The attributes of `cls` and its bases as they are written there."""
    return {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}


def _stand_for_method(name: str) -> Callable[..., Any]:
    told = _TOLD.get(name, name)
    is_reflected = name.startswith("__r") and hasattr(Tensor, f"__{name[3:]}")
    may_refuse = name in _TOLD or is_reflected  # an operator

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        function = getattr(Tensor, told)
        if not may_refuse:
            return _call(function, (self, *args), kwargs)
        if is_reflected and args and isinstance(args[0], TensorBase):
            return NotImplemented  # Python called it first, as a subclass's; the operator itself comes next
        try:
            return _call(function, (self, *args), kwargs)
        except TypeError:
            return NotImplemented

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    return method


def _stand_for_attribute(attribute: property) -> property:
    def read(self: Any) -> Any:
        return _call(attribute.__get__, (self,), {})

    def write(self: Any, value: Any) -> None:
        _call(attribute.__set__, (self, value), {})

    def delete(self: Any) -> None:
        _call(attribute.__delete__, (self,), {})

    return property(read, write if attribute.fset else None, delete if attribute.fdel else None, attribute.__doc__)


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    answer = ask(function, args, kwargs)
    return function(*args, **kwargs) if answer is NotImplemented else answer
