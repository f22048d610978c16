"""Functions that write into their first argument, ``torch.sqrt_(x)``: the methods, whose tensor is named `input`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from minigrad.ops.complaints import ask_or_refuse
from minigrad.tensor import Tensor


def __getattr__(name):  # type: ignore[no-untyped-def] # mypy takes an annotation as it is written, unread
    """For ``from minigrad.tensor.in_place_functions import sqrt_``."""
    if not name.endswith("_") or name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return as_function(name)


@cache
def as_function(name: str) -> Callable[..., Any]:
    """The method `name` as a function of a tensor `input`. Raises TypeError for what is no tensor.

    >>> import minigrad as torch
    >>> torch.sqrt_(input=torch.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    method = getattr(Tensor, name)

    @wraps(method)
    def call(input: Any, *args: Any, **kwargs: Any) -> Any:
        answer = ask_or_refuse(call, (input, *args), kwargs)
        return method(input, *args, **kwargs) if answer is NotImplemented else answer

    call.__module__, call.__name__, call.__qualname__ = "minigrad", name, name  # where it is found again
    return call
