"""Functions composed of several operations: one name in the graph, and a refusal if what they read is written to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from minigrad.autograd.core import TensorBase
from minigrad.autograd.recording import operation
from minigrad.ops.copies import clone
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.keys import watch

F = TypeVar("F", bound=Callable[..., Any])


def recorded_as(shown: str) -> Callable[[F], F]:
    """A function of several operations whose result has one name in ``grad_fn=<...>``, and memory of its own."""

    def decorate(function: F) -> F:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            given = [x for x in (*args, *kwargs.values()) if isinstance(x, TensorBase)]
            shares_memory = isinstance(result, TensorBase) and any(x.writes is result.writes for x in given)
            return name_last_call(clone(result) if shares_memory else result, shown)

        return call  # type: ignore[return-value]

    return decorate


_read_from = operation("read_from", lambda x, *, key: x, lambda g, key: g)


def read_from(result: Any, shown: str, *sources: Any) -> Any:
    """`result` under the name `shown`: backward through it is refused once one of the tensors `sources` was written to.

    For a function whose parts keep converted copies, as its gradient would be that of values which are no more.
    """
    if result.node is None:
        result.view_of = None  # of an intermediate result, which no caller can reach
        return result
    made = _read_from(result, key=watch((), *sources))
    made.writes = result.writes  # one memory
    return name_last_call(made, shown)
