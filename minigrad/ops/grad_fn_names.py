"""The names printed in ``grad_fn=<...>`` where PyTorch's name is not that of our operation."""

from __future__ import annotations

from typing import Any, TypeVar

from minigrad.autograd.inspectable import derive_named
from minigrad.autograd.node import Node
from minigrad.autograd.views import Unrecorded

T = TypeVar("T")


def shown_as(operation: Any, shown: str) -> Any:
    """A copy of `operation` with another name in ``grad_fn=<...>``, the same forward and the same rules.

    >>> from minigrad.ops.grad_fn_names import shown_as
    >>> from minigrad.ops.shape import alias
    >>> shown_as(alias, "AliasBackward0").backward_name
    'AliasBackward0'
    """
    return type(operation)(operation.name, operation.forward, operation.rules, operation.view, shown)


def name_last_call(result: T, shown: str) -> T:
    """`result`, or each item of a tuple, with its last node renamed to PyTorch's name for the whole function.

    If it is a view, its base is an intermediate result that no caller can reach, so it does not count as a view.
    """
    parts: Any = result if isinstance(result, tuple) else (result,)
    for part in parts:
        node: Any = part.node
        part.view_of = None
        if isinstance(node, Unrecorded):  # what is no view was made by a call that is not recorded
            part.node = None
        elif isinstance(node, Node):
            kind: Any = type(node)
            node.__class__ = derive_named(kind, shown)
    return result
