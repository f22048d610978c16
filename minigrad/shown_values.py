"""Values as messages show them: of many numbers the shape alone, of a long text the beginning."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

LONGEST = 100  # characters of a value that a message shows


def show_value(value: Any) -> str:
    """A value with its type: ``int 3``, ``Tensor of shape (8, 8)``."""
    text = shorten(value)
    kind = type(value).__name__
    return text if text.startswith(f"{kind} of shape") else f"{kind} {text}"


def shorten(value: Any, show: Callable[[Any], str] = repr) -> str:
    """A value as `show` gives it, without its type unless its shape is shown in its place."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and prod(shape) > 4:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    text = show(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
