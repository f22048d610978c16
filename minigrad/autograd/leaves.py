"""Leaf tensors in the backward walk: a gradient is checked, added to `.grad`, and the leaf's hooks are run.

Several calls may use one leaf, and the walk delivers their gradients one by one. Normally `.grad` is written when the
walk is over. A leaf with hooks gets its `.grad` as soon as its last gradient has arrived, while the walk continues: so
several processes can exchange gradients during the backward pass, and hooks of leaves and results run in PyTorch's
order. The node that delivers the last gradient is found before the walk, and only if such a hook was ever registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.autograd.inspection import (
    AFTER_GRAD,
    NODE_HOOKS,
    NODE_PREHOOKS,
    HooksApart,
    RemovableHandle,
    add_hook,
    find_hooks,
    open_hooks,
    replace_some,
    run_hooks,
)
from minigrad.autograd.messages import check_cotangent, invalid_gradient
from minigrad.autograd.node import nodes_below
from minigrad.backend import copy_array
from minigrad.layout import find_memory_order, invert
from minigrad.size import broadcasts

hooks_exist: list[bool] = []  # empty until the first of them: who hangs none pays for one look


def hang_hook(leaf: Any, when: int, hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook` whenever backward adds to ``leaf.grad``: `when` is NODE_PREHOOKS, AFTER_GRAD or NODE_HOOKS."""
    hooks_exist[:] = [True]
    return add_hook(open_hooks(leaf, when), hook)


def hang_gradient_hook(leaf: Any, hook: Callable[..., Any]) -> RemovableHandle:
    """Show `hook` the complete gradient of `leaf`, before it is added."""
    hooks_exist[:] = [True]
    if leaf.hooks is None:
        leaf.hooks = {}
    return add_hook(leaf.hooks, hook)


def before_accumulation(leaf: Any, gradient: Any) -> Any:
    """The gradient that is about to be added, as the prehooks of the leaf's node change it."""
    hooks, create_graph = find_hooks(leaf, NODE_PREHOOKS), isinstance(gradient, TensorBase)
    for hook in hooks:
        changed = hook((gradient if create_graph else wrap(gradient),))
        if changed is not None:
            (gradient,) = replace_some(hook, [gradient], changed, create_graph)
    return gradient if create_graph or not hooks else copy_as_leaf_lies(gradient, leaf)


def after_accumulation(leaf: Any, gradient: Any) -> None:
    """Call the hooks that waited for the `.grad` of `leaf`, and tell those of its node which gradient was added."""
    for hook in find_hooks(leaf, AFTER_GRAD):
        returned = hook(leaf)
        if returned is not None and returned is not leaf:  # in-place methods return the leaf
            kind = RuntimeError if isinstance(returned, TensorBase) else TypeError
            raise kind(f"Tensor post accumulate grad hooks should return None, {hook!r} gave {type(returned)}.")
    for hook in find_hooks(leaf, NODE_HOOKS):
        hook((), (gradient if isinstance(gradient, TensorBase) else wrap(gradient),))


def fit_seed(gradient: Any, edge: Any, array: Any, position: int) -> Any:
    """The gradient that was given for the result `array`, in the shape that its node knows: t_() and the like under
    no_grad() leave the node as it was.
    """
    check_cotangent(gradient, array, position)
    if isinstance(edge, TensorBase) or edge.shape in (None, array.shape):
        return gradient
    from minigrad.autograd.walk import unbroadcast

    return unbroadcast(gradient, edge, edge)


def undo_unsqueeze(gradient: Any, target: Any, node: Any) -> Any:
    """The gradient of a leaf that had fewer axes of length 1 when `node` read it: unsqueeze_() under no_grad().

    Raises RuntimeError for a gradient that does not fit for another reason.
    """
    shape, have = target.shape, gradient.shape
    if hasattr(target, "edges") or prod(shape) != prod(have) or not broadcasts(have, shape):
        raise invalid_gradient(node, shape, have)
    return gradient.reshape(shape)


def show_to_hooks(leaf: Any, gradient: Any, owned: bool, create_graph: bool) -> tuple[Any, bool]:
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


def copy_as_leaf_lies(gradient: Any, leaf: Any) -> Any:
    """A copy whose axes lie in memory as those of `leaf`: `x.grad.view(-1)` works where `x.view(-1)` does."""
    array = leaf.array
    if not array.flags.c_contiguous and gradient.shape == array.shape:
        order = find_memory_order(array.shape, array.strides)
        if array.transpose(order).flags.c_contiguous:  # neither expanded nor with gaps
            return copy_array(gradient.transpose(order)).transpose(invert(order))
    return copy_array(gradient)


def find_last_users(roots: Iterable[Any]) -> dict[Any, list[Any]]:
    """The leaves that are to be served at once, by the last node of a walk from `roots` that has an edge to them."""
    last: dict[Any, Any] = {}
    for node in sorted(nodes_below(roots), key=lambda node: -node.order):  # the oldest comes last
        for edge in node.edges:
            if isinstance(edge, TensorBase) and edge.hooks:
                last[edge] = node
    users: dict[Any, list[Any]] = {}
    for leaf, node in last.items():
        users.setdefault(node, []).append(leaf)
    return users
