"""Functions under old names, which warn: `cuda.memory_cached`, `nn.init.uniform`, `nn.utils.clip_grad_norm`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from minigrad.advice import warn

P = ParamSpec("P")
T = TypeVar("T")


def keep_old_name(function: Callable[P, T], module: str, old: str, warning: str, example: str) -> Callable[P, T]:
    """`function` under the name `old` of a `module`, by which each call gives a FutureWarning.

    >>> import warnings
    >>> from minigrad.old_names import keep_old_name
    >>> total = keep_old_name(sum, "a_module", "total", "write sum", "total([1, 2])")
    >>> with warnings.catch_warnings(action="ignore"):
    ...     total([1, 2])
    3
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        warn(warning, FutureWarning)
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = old
    call.__module__ = module  # where pickle finds it
    call.__doc__ = f"""`{function.__name__}` under its old name, with a FutureWarning.

    >>> import warnings, minigrad as torch
    >>> with warnings.catch_warnings(action="ignore"):
    ...     value = torch.{example}
    """
    return call
