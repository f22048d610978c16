"""Named tuples of tensors, for functions with several results: `max(dim)` gives values and indices."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any


@cache
def make_return_type(kind: str, *fields: str) -> Any:
    """A class of named tuples that prints as PyTorch's `return_types` do, and is no tensor in words.

    >>> from minigrad.ops.return_types import make_return_type
    >>> make_return_type("max", "values", "indices")(3, 0)
    minigrad.return_types.max(
    values=3,
    indices=0)
    """

    def show(self: Any) -> str:
        lines = ",\n".join(f"{name}={value!r}" for name, value in zip(fields, self, strict=True))
        return f"minigrad.return_types.{kind}(\n{lines})"

    def reduce(self: Any) -> Any:  # for copies and pickle
        return _rebuild, (kind, fields, tuple(self))

    def refuse(self: Any, name: str) -> Any:
        raise AttributeError(
            f"'{kind}' object has no attribute {name!r}: it holds {len(fields)} tensors ({', '.join(fields)}), not "
            f"one; take one of them first, for example .{fields[0]}", name=name, obj=self
        )  # fmt: skip

    own: dict[str, Any] = {"__slots__": (), "__repr__": show, "__reduce__": reduce, "__getattr__": refuse}
    return type(kind, (namedtuple(kind, fields),), own | {"__module__": "minigrad.return_types"})


def _rebuild(kind: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return make_return_type(kind, *fields)(*values)
