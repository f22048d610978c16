"""Attributes of nodes that no backward walk needs: hooks around the rules, and saved values by PyTorch's names.

They cost a walk nothing: a node with a hook changes its class.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from minigrad.autograd.inspection import (
    NODE_HOOKS,
    NODE_PREHOOKS,
    RemovableHandle,
    add_hook,
    as_tensors,
    by_operand,
    find_hooks,
    open_hooks,
    replace_some,
)
from minigrad.autograd.walk import fit

OPERANDS = {"self": 0, "input": 0, "mat1": 0, "other": 1, "exponent": 1, "mat2": 1, "weight": 1}  # PyTorch's names


def read_saved(node: Any, role: str) -> Any:
    """What the rules read of one operand, or of the result, under PyTorch's name for it."""
    plan, operands = node.plan, node.plan.operation.operands
    if role == "result" and plan.reads_result:
        return node.saved_values(True)[len(plan.saves)]
    i = operands.index(role) if role in operands else OPERANDS.get(role, len(operands))
    if i in plan.saves:
        return node.saved_values(True)[plan.saves.index(i)]
    if i < len(operands) and any(operands[i] in reads for reads in plan.operation.reads):
        return None  # no gradient that was asked for reads it
    raise AttributeError(f"'{node.name()}' object has no attribute '_saved_{role}'")


def hang_hook(node: Any, hook: Any, before: bool) -> RemovableHandle:
    """Call `hook` before the rules of `node`, or after them."""
    if not isinstance(node, Hooked):
        plain: Any = type(node)
        node.__class__ = _derive_hooked(plain)
    return add_hook(open_hooks(node, NODE_PREHOOKS if before else NODE_HOOKS), hook)


class Hooked:
    """What a node's class is derived from once a hook hangs before or behind it."""

    __slots__ = ()

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        node: Any = self
        arrived = node.split(cotangent)
        for hook in find_hooks(node, NODE_PREHOOKS):
            changed = hook(tuple(as_tensors(arrived, create_graph)))
            if changed is not None:
                replaced = replace_some(hook, arrived, changed, create_graph)
                arrived = [None if c is None else g for g, c in zip(replaced, changed, strict=True)]
        found: list[Any] = [None] * len(node.edges)
        if any(gradient is not None for gradient in arrived):
            found = super().vjp(node.join(arrived), create_graph, wanted)  # type: ignore[misc]
        outputs = tuple(as_tensors(arrived, create_graph))
        hooks = find_hooks(node, NODE_HOOKS)
        if hooks:
            found = _fit_all(node, found, create_graph)
        for hook in hooks:
            inputs = by_operand(node, found)
            changed = hook(tuple(as_tensors(inputs, create_graph)), outputs)
            if changed is not None:
                replaced = replace_some(hook, inputs, changed, create_graph)
                found = [None if changed[i] is None else replaced[i] for i in node.operand_places()[0]]
        # Views, and so borrowed: a hook may keep what it was shown.
        return found if create_graph else [g.view() if hasattr(g, "view") else g for g in found]


@cache
def _derive_hooked(cls: type[Any]) -> type[Any]:
    return type(cls.__name__, (Hooked, cls), {"__slots__": (), "__module__": cls.__module__})


def _fit_all(node: Any, gradients: Sequence[Any], create_graph: bool) -> list[Any]:
    """What `node` made, as its hooks see it: each gradient, or None, fits what it is the gradient of."""
    targets = [getattr(edge, "array", edge) for edge in node.edges]
    pairs = zip(gradients, targets, strict=True)
    return [g if g is None or to.shape is None else fit(g, to, node, create_graph) for g, to in pairs]
