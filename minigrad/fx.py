"""`torch.fx`: no graph is made of a program here; functions that are marked for PyTorch's tracer stay what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.missing import explain_missing

__all__ = ["wrap"]


def wrap(fn_or_name: str | Callable[..., Any]) -> str | Callable[..., Any]:
    """Returns what is given: a function, or the name of one, that a tracer calls without looking inside.

    torchvision's models mark their functions so. Raises RuntimeError for anything else.
    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.wrap

    >>> import minigrad as torch
    >>> torch.fx.wrap(len) is len
    True
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError(
            "Unsupported type for global function! Must be either a callable or string name, "
            f"got {type(fn_or_name).__name__}"
        )
    return fn_or_name


def _assert(condition: Any, message: str) -> None:
    """Python's ``assert condition, message`` as a function, which PyTorch's tracer records; as `torch._assert`.

    torchvision's models check their inputs so. Raises AssertionError with that message unless the condition holds.

    >>> import minigrad as torch
    >>> torch._assert(1 > 2, "1 is not above 2")
    Traceback (most recent call last):
    AssertionError: 1 is not above 2
    """
    assert condition, message


explain_missing("torch.fx", globals())
