"""Functions that write into their first argument, ``torch.sqrt_(x)``: the methods, whose tensor is named `input`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from minigrad.autograd.overriding import ask
from minigrad.ops.arguments import require_tensor
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
        if (answer := ask(call, (input, *args), kwargs)) is not NotImplemented:
            return answer
        require_tensor(name, "input", 1, input)
        return method(input, *args, **kwargs)

    call.__module__, call.__qualname__ = "minigrad", name  # where it is found again
    return call
