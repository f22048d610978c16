"""Functions that write into their first argument, ``torch.sqrt_(x)``: the methods, whose tensor is named `input`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from minigrad.ops.complaints import ask_or_refuse
from minigrad.tensor import Tensor


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
