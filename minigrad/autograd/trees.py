"""Nested dicts, lists and tuples of tensors: flatten them into a list of tensors, and rebuild them from a list."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """The leaves of `tree` in order, and a function that rebuilds the tree from other leaves.

    >>> from minigrad.autograd.trees import flatten
    >>> leaves, rebuild = flatten({"weight": 1, "rest": (2, [3])})
    >>> leaves, rebuild([10, 20, 30])
    ([1, 2, 3], {'weight': 10, 'rest': (20, [30])})
    """
    leaves: list[Any] = []
    _collect(tree, leaves)
    return leaves, lambda values: _build(tree, iter(values))


def as_tuple(given: Any) -> tuple[Any, ...]:
    """What a function takes or returns, also where it is one thing alone. A list is one thing."""
    return given if isinstance(given, tuple) else (given,)


def structure(tree: Any) -> Any:
    """`tree` with "*" for each leaf, to compare structures."""
    leaves, rebuild = flatten(tree)
    return rebuild([_LEAF] * len(leaves))


class _Leaf:
    def __repr__(self) -> str:
        return "*"


_LEAF = _Leaf()


def _children(tree: Any) -> Iterable[Any] | None:
    """The children of `tree`; None for a leaf. Instances of other classes, such as Size, are leaves."""
    if type(tree) in (dict, OrderedDict):
        return tree.values()
    if type(tree) in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return tree
    return None


def _collect(tree: Any, leaves: list[Any]) -> None:
    children = _children(tree)
    if children is None:
        leaves.append(tree)
        return
    for child in children:
        _collect(child, leaves)


def _build(tree: Any, values: Iterator[Any]) -> Any:
    children = _children(tree)
    if children is None:
        return next(values)
    return replace_children(tree, [_build(child, values) for child in children])


def replace_children(tree: Any, children: Iterable[Any]) -> Any:
    """A dict, list, tuple or named tuple as `tree`, with other children.

    >>> from minigrad.autograd.trees import replace_children
    >>> replace_children({"weight": 1, "bias": 2}, [10, 20])
    {'weight': 10, 'bias': 20}
    """
    if isinstance(tree, dict):
        return type(tree)(zip(tree, children, strict=True))
    return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)
