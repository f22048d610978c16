"""A function asks its operands, if one is of no plain class, whether that class overrides it."""

from __future__ import annotations

from typing import Any

from minigrad.autograd import core
from minigrad.autograd.overriding import call_overridden, is_overridden
from minigrad.ops.complaints import not_a_tensor


def ask(function: Any, *operands: Any, rest: tuple[Any, ...] = (), **options: Any) -> Any:
    """What the operands' classes make of ``function(*operands, *rest, **options)``.

    NotImplemented if none overrides it. Raises TypeError for an operand that is no tensor.
    """
    if is_overridden(*operands):
        return call_overridden(function, (*operands, *rest), options)
    for place, x in enumerate(operands):
        if not isinstance(x, core.TensorBase):
            raise not_a_tensor(function.__name__, ("input", "other")[place], place + 1, x)
    return NotImplemented


def call_as_method(name: str, function: Any, *operands: Any, out: Any) -> Any:
    """What the operands' classes make of a function of two operands: they are told the method `name`, if there is one.

    So an operator, its method and its function are one for them.
    """
    return call_overridden(getattr(core.result_class, name, function), operands, {"out": out})
