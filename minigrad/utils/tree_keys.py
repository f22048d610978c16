"""The keys on the path from the root of a tree to a leaf, as `_pytree.py` gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class SequenceKey(NamedTuple):
    """The place of a child in a list, a tuple or a deque."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"


class MappingKey(NamedTuple):
    """The key of a child in a dict."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"


class GetAttrKey(NamedTuple):
    """The attribute of a named tuple that holds a child."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


def keystr(kp: Iterable[Any]) -> str:
    """A path as it is written in Python.

    >>> from minigrad.utils.tree_keys import MappingKey, SequenceKey, keystr
    >>> keystr((MappingKey("a"), SequenceKey(1)))
    "['a'][1]"
    """
    return "".join(map(str, kp))
