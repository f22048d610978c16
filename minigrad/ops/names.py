"""Names in ``grad_fn=<...>``: PyTorch prints one operation under several."""

from __future__ import annotations

from typing import Any


def shown_as(operation: Any, shown: str) -> Any:
    """`operation` under another name in ``grad_fn=<...>``: the same forward and the same rules.

    >>> from minigrad.ops.names import shown_as
    >>> from minigrad.ops.shape import alias
    >>> shown_as(alias, "AliasBackward0").backward_name
    'AliasBackward0'
    """
    return type(operation)(operation.name, operation.forward, operation.rules, operation.view, shown)
