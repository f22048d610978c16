"""The order of arguments of old programs, with a factor before the tensor that it multiplies: ``x.add_(-rate, g)``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any, TypeVar, cast

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase
from minigrad.autograd.failed_calls import explain_failure

F = TypeVar("F", bound=Callable[..., Any])
NUMBERS = (int, float, np.number)


def takes_former_order(*factors: str) -> Callable[[F], F]:
    """A function of tensors that takes `factors` by name, and, with a warning, also before the tensors.

    The factors follow the first tensor; a single function of two factors may begin with one, as in
    ``addmm(beta, input, alpha, mat1, mat2)``. A former call without `alpha` has none in its place. The last tensors may
    be given by name.
    """

    def decorate(function: F) -> F:
        parameters = signature(function).parameters
        places = [p.name for p in parameters.values() if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
        count, name, by_name = len(places), function.__name__, {*places[1:]}

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            further = len(args) - count + (len(by_name & kwargs.keys()) if kwargs else 0)
            if 0 < further < len(args):
                former = args
                if len(factors) == 2 and not isinstance(args[0], TensorBase):
                    former = args[1], args[0], *args[2:]
                numbers, operands = former[1 : 1 + further], (former[0], *former[1 + further :])
                fits = further <= len(factors) and all(map(_is_number, numbers)) and all(map(_is_operand, operands))
                if fits and kwargs.keys().isdisjoint(factors):
                    given = dict(zip(factors, numbers, strict=False))
                    _warn(name, given)
                    args, kwargs = operands, given | kwargs
            try:
                return function(*args, **kwargs)
            except TypeError as refused:
                explain_failure(refused, function)
                raise

        return cast(F, call)

    return decorate


def _is_operand(x: Any) -> bool:
    return isinstance(x, (TensorBase, *NUMBERS))


def _is_number(x: Any) -> bool:
    return not x.array.ndim if isinstance(x, TensorBase) else isinstance(x, NUMBERS)


_warned: dict[str, bool] = {}


def _warn(name: str, given: dict[str, Any]) -> None:
    """The warning of PyTorch, which also gives it once for each function."""
    if name not in _warned:
        _warned[name] = True
        options = ", ".join(f"{factor}={number}" for factor, number in given.items())
        warn(f"This overload of {name} is deprecated, with {' and '.join(given)} among the tensors: write {options}")
