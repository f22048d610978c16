"""`torch.compile` and `torch.compiler`: accepted, but nothing is compiled; the function runs as ordinary Python."""

from __future__ import annotations

from typing import Any

from minigrad.missing import explain_missing

__all__ = ["compile", "disable", "is_compiling"]


def as_it_is(fn: Any = None) -> Any:
    """Returns `fn`; without it a decorator that changes nothing.

    >>> import minigrad as torch
    >>> torch.compiler.disable(abs) is abs
    True
    """
    return as_it_is if fn is None else fn


def compile(
    model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None, backend: Any = "inductor",
    mode: str | None = None, options: dict[str, Any] | None = None, disable: bool = False,
) -> Any:  # fmt: skip
    """Returns `model`, a function or a module, unchanged: there is no compiler.

    Without `model` it is a decorator. PyTorch's options are accepted and have no effect. Raises RuntimeError for
    `mode` and `options` together, TypeError unless `model` can be called.

    >>> import minigrad as torch
    >>> @torch.compile
    ... def twice(x):
    ...     return 2 * x
    >>> twice(torch.ones(2))
    tensor([2., 2.])
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return compile
    if not callable(model):
        raise TypeError(f"compile(): expected a function or a module, got {type(model).__name__}")
    return model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Returns `fn`, as nothing is compiled; without it a decorator.

    >>> import minigrad as torch
    >>> torch.compiler.disable(abs) is abs
    True
    """
    return as_it_is(fn)


def is_compiling() -> bool:
    """False: nothing is compiled.

    >>> import minigrad as torch
    >>> torch.compiler.is_compiling()
    False
    """
    return False


explain_missing("torch.compiler", globals())
