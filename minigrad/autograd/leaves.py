"""Leaf tensors in the backward walk: a gradient is checked, shown to the leaf's hooks, and copied as the leaf lies.

Several calls may use one leaf, and the walk delivers their gradients one by one. Normally `.grad` is written when the
walk is over; `leaf_hooks.py` tells when it is written at once.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import LEAF, Gradient, Tensor, TensorBase, wrap
from minigrad.autograd.inspection import HooksApart, run_hooks
from minigrad.autograd.messages import invalid_gradient, unused
from minigrad.backend import Array, copy_array, quiet
from minigrad.layout import apply_in_order, find_memory_order
from minigrad.size import broadcasts

if TYPE_CHECKING:
    from minigrad.autograd.node import Node

leaf_hooks: list[Any] = []  # holds the module `leaf_hooks.py` from the first hook on; until then it costs one test


def undo_unsqueeze(gradient: Gradient, target: Any, node: Node) -> Gradient:
    """The gradient of a leaf that had fewer axes of length 1 when `node` read it: unsqueeze_() under no_grad().

    Raises RuntimeError for a gradient that does not fit for another reason.
    """
    shape, have = target.shape, gradient.shape
    if hasattr(target, "edges") or prod(shape) != prod(have) or not broadcasts(have, shape):
        raise invalid_gradient(node, shape, have)
    return gradient.reshape(shape)


def show_to_hooks(leaf: Any, gradient: Gradient, owned: bool, create_graph: bool) -> tuple[Gradient | None, bool]:
    """The complete gradient of a leaf after its hooks, and whether it still has memory of its own: a hook may keep it.

    None for a leaf that was frozen after the forward. Raises RuntimeError for one that is a result since.
    """
    if leaf.node is None:
        return None, False
    if leaf.node is not LEAF:
        hint = "after detach_() it was written to, and is a result now"
        raise RuntimeError(f"leaf variable has been moved into the graph interior: {hint}")
    seen = leaf.hooks and any(hook.__class__ is not HooksApart for hook in leaf.hooks.values())
    if seen:
        gradient = run_hooks(leaf.hooks, gradient, create_graph)
    return gradient, owned and not seen


def separate(borrowers: list[Any], pending: dict[Any, Gradient]) -> None:
    """Give memory of their own to the gradients of these leaves, which wait in `pending`; empties the list.

    ``e = c + d`` has one gradient for both. What a hook of c writes to it must not reach the leaf d.
    """
    while borrowers:
        leaf = borrowers.pop()
        if leaf in pending:
            pending[leaf] = copy_as_leaf_lies(pending[leaf], leaf)


def copy_as_leaf_lies(gradient: Array, leaf: TensorBase) -> Array:
    """A copy whose axes lie in memory as those of `leaf`: `x.grad.view(-1)` works where `x.view(-1)` does."""
    array = leaf.array
    if not array.flags.c_contiguous and gradient.shape == array.shape:
        order = find_memory_order(array.shape, array.strides)
        if array.transpose(order).flags.c_contiguous:  # neither expanded nor with gaps
            return apply_in_order(copy_array, gradient, order)
    return copy_array(gradient)


def fill_unused(
    found: list[Gradient], targets: list[Any], create_graph: bool, zeros: bool, allow_unused: bool | None
) -> None:
    """Puts zeros in the place of gradients that are None, if they are wanted; raises RuntimeError unless None may stay.

    With `create_graph` they are leaves, as PyTorch's: a walk may begin there.
    """
    for i, target in enumerate(targets):
        if found[i] is None and zeros:
            array = quiet(np.zeros_like, target.array)
            found[i] = wrap(array).requires_grad_() if create_graph else array
        elif found[i] is None and not allow_unused:
            raise unused(target, i)


def copy_in_graph(gradient: Tensor, leaf: TensorBase) -> Tensor:
    """A copy of a gradient, as `copy_as_leaf_lies` makes it, in the graph; its ``grad_fn`` has PyTorch's name."""
    copied: Tensor = wrap(copy_as_leaf_lies(gradient.array, leaf))
    return copied.copy_(gradient)
