"""Differentiable operations: each file is one family, with forward and gradient rules side by side.

Families that few programs need are imported when one of their functions is first used, so `import minigrad` is quick.
Until then ``from minigrad.ops import order`` gives a stand-in for the module.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

LATER = {
    "activation_variants", "addmm", "clamp", "counting", "cumulative", "diagonal", "differences", "error_function",
    "gamma", "gather", "incomplete_gamma", "index_reductions", "index_writes", "join", "linear_algebra", "masks",
    "norm", "order", "products", "rearranging", "reduce_variants", "rotations", "scatter", "special", "split",
    "statistics", "strides", "ternary", "view_scatter",
}  # fmt: skip


class LaterModule:
    """A stand-in for a module of ops/, whose attributes are stand-ins for its functions."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __getattr__(self, name: str) -> LaterFunction:
        return LaterFunction(lambda: self._fetch(name))

    def _fetch(self, name: str) -> Any:
        function = getattr(import_module(f"minigrad.ops.{self._file}"), name)
        setattr(self, name, function)  # the function itself from now on
        return function


class LaterFunction:
    """A stand-in for a function that is imported when first used; in a class, the function then replaces it."""

    def __init__(self, fetch: Callable[[], Any]) -> None:
        self.fetch = fetch
        self.places: list[tuple[type[Any], str]] = []  # the classes that hold it, and its names there

    def then(self, make: Callable[[Any], Any]) -> LaterFunction:
        """A stand-in for `make(function)`."""
        return LaterFunction(lambda: make(self.fetch()))

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.places.append((owner, name))

    def __get__(self, tensor: Any, owner: type[Any] | None = None) -> Any:
        function = self.fetch()
        for holder, name in self.places:
            setattr(holder, name, function)
        return function if tensor is None else function.__get__(tensor, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fetch()(*args, **kwargs)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in LATER:
            return LaterModule(name)
        raise AttributeError(f"module 'minigrad.ops' has no attribute {name!r}")
