"""Attributes of nodes that no backward walk needs: neighbours, hooks around the rules, saved values, and a call.

They cost a walk nothing: a node with a hook changes its class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.autograd.gradients import accumulate
from minigrad.autograd.handles import RemovableHandle, open_hooks
from minigrad.autograd.inspectable import show_name
from minigrad.autograd.inspection import NODE_HOOKS, NODE_PREHOOKS
from minigrad.autograd.leaf_hooks import add_hook, find_hooks, replace_some
from minigrad.autograd.leaf_hooks import hang_hook as hang_leaf_hook
from minigrad.autograd.leaves import copy_as_leaf_lies
from minigrad.autograd.messages import invalid_gradient, refuse_copy
from minigrad.autograd.modes import is_grad_enabled
from minigrad.autograd.node import Node
from minigrad.autograd.walk import fit
from minigrad.backend import quiet

# Names under which PyTorch records a call with a number: there the number is no operand.
BY_A_NUMBER = {"PowBackward0", "PowBackward2", "MaskedFillBackward0"}
OPERANDS = {"self": 0, "input": 0, "mat1": 0, "other": 1, "exponent": 1, "mat2": 1, "weight": 1}  # PyTorch's names


def find_next(node: Any) -> tuple[tuple[Any, int], ...]:
    """`next_functions` of a node."""
    return tuple([see_edge(edge) for edge in by_operand(node, node.edges)])


def edge_of(tensor: Any) -> Any:
    """Where the gradient of `tensor` goes: the node that made it, or the leaf itself."""
    return tensor if tensor.node is LEAF else tensor.node


def see_edge(edge: Any) -> tuple[Any, int]:
    """Where a gradient goes, as `next_functions` shows it: a node, what adds to a leaf's `.grad`, or None; and which
    of the node's results it is the gradient of.
    """
    if edge is None:
        return None, 0
    if isinstance(edge, TensorBase):
        return find_accumulator(edge), 0
    return show_name(edge.call), edge.number


class AccumulateGrad(Node):
    """What `next_functions` shows for a leaf: the place where its gradient is added up."""

    __slots__ = ("variable",)

    __reduce_ex__ = refuse_copy

    def __init__(self, leaf: Any) -> None:
        self.variable, self.edges, self.hooks = leaf, (), None

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """None: a leaf was computed from nothing."""
        return ()

    def __call__(self, *gradients: Any) -> tuple[Any, ...]:
        """Add the gradient, or nothing for None, to ``.grad`` of the leaf. The hooks on the gradient are not asked."""
        leaf, gradient = self.variable, gradients[0] if len(gradients) == 1 else None
        if len(gradients) != 1:
            raise TypeError(f"expected 1 arguments, got {len(gradients)} instead: the gradient of the leaf")
        if gradient is None:
            return ()
        if not isinstance(gradient, TensorBase):
            raise TypeError(f"a gradient must be a tensor or None, got {type(gradient).__name__}")
        if gradient.array.shape != leaf.array.shape:
            raise invalid_gradient(self, leaf.array.shape, gradient.array.shape)
        keeps_graph = gradient.node is not None and is_grad_enabled()
        accumulate([(leaf, gradient if keeps_graph else copy_as_leaf_lies(gradient.array, leaf))])
        return ()

    def _sequence_nr(self) -> int:
        return 2**64 - 1  # PyTorch's: before all calls

    def name(self) -> str:
        """PyTorch's name for such a place."""
        return "minigrad::autograd::AccumulateGrad"

    def register_prehook(self, hook: Callable[[tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call ``hook(gradients)`` before backward adds to ``.grad``; a tuple that it returns is added instead."""
        return hang_leaf_hook(self.variable, NODE_PREHOOKS, hook)

    def register_hook(self, hook: Callable[[tuple[Any, ...], tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call ``hook((), gradients)`` after backward has added to ``.grad``."""
        return hang_leaf_hook(self.variable, NODE_HOOKS, hook)

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"


_accumulators: WeakValueDictionary[int, AccumulateGrad] = WeakValueDictionary()  # by the identity of the leaf


def find_accumulator(leaf: Any) -> AccumulateGrad:
    """The one object that stands for `leaf`, so that who walks the graph can tell that it was there already."""
    found = _accumulators.get(id(leaf))  # it keeps the leaf alive, and so this identity
    return _accumulators.setdefault(id(leaf), AccumulateGrad(leaf)) if found is None else found


def apply_rules(node: Any, gradients: Sequence[Any]) -> Any:
    """The gradients of the operands for those of the results: the rules applied, recorded if the mode asks."""
    due, recorded = len(getattr(node, "results", [None])), is_grad_enabled()
    if len(gradients) != due:
        raise TypeError(f"expected {due} arguments, got {len(gradients)} instead: a gradient for each result")
    cotangent = node.join([g if recorded or g is None else g.array for g in gradients])
    found = quiet(node.vjp, cotangent, recorded)
    shown = by_operand(node, as_tensors(found, recorded))
    return shown[0] if len(shown) == 1 else tuple(shown)


def read_saved(node: Any, role: str) -> Any:
    """What the rules read of one operand, or of the result, under PyTorch's name for it."""
    plan, operands = node.plan, node.plan.operation.operands
    if role == "result" and plan.reads_result:
        result = node.saved_values(True)[len(plan.saves)]
        result.writes = node.watched[0][0]  # it is the tensor that was returned, written to with it
        return result
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
        arrived = as_tensors(node.split(cotangent), create_graph)  # all hooks see the same tensors
        for hook in find_hooks(node, NODE_PREHOOKS):
            changed = hook(tuple(arrived))
            if changed is not None:
                replaced = replace_some(hook, arrived, changed)
                arrived = [None if c is None else g for g, c in zip(replaced, changed, strict=True)]
        found: list[Any] = [None] * len(node.edges)
        if any(gradient is not None for gradient in arrived):
            found = super().vjp(node.join(as_gradients(arrived, create_graph)), create_graph, wanted)  # type: ignore[misc]
        hooks = find_hooks(node, NODE_HOOKS)
        if hooks:
            found = as_tensors(_fit_all(node, found, create_graph), create_graph)
        for hook in hooks:
            inputs = by_operand(node, found)
            changed = hook(tuple(inputs), tuple(arrived))
            if changed is not None:
                replaced = replace_some(hook, inputs, changed)
                found = [None if changed[i] is None else replaced[i] for i in places_of(node)[0]]
        if create_graph:
            return found
        found = as_gradients(found, create_graph) if hooks else found
        # Views, and so borrowed: a hook may keep what it was shown.
        return [g.view() if hasattr(g, "view") else g for g in found]


@cache
def _derive_hooked(cls: type[Any]) -> type[Any]:
    return type(cls.__name__, (Hooked, cls), {"__slots__": (), "__module__": cls.__module__})


def _fit_all(node: Any, gradients: Sequence[Any], create_graph: bool) -> list[Any]:
    """What `node` made, as its hooks see it: each gradient, or None, fits what it is the gradient of."""
    targets = [getattr(edge, "array", edge) for edge in node.edges]
    pairs = zip(gradients, targets, strict=True)
    return [g if g is None or to.shape is None else fit(g, to, node, create_graph) for g, to in pairs]


def as_tensors(gradients: Any, are_tensors: bool) -> list[Any]:
    """The gradients as a user sees them; None stays None. NumPy's scalars become arrays, which a hook may write to."""
    return [g if g is None or are_tensors else wrap(g[...]) for g in gradients]


def as_gradients(shown: Any, are_tensors: bool) -> list[Any]:
    """The gradients that hooks have seen, as the walk passes them on."""
    return [g if g is None or are_tensors else g.array for g in shown]


def by_operand(node: Any, along_edges: Sequence[Any]) -> list[Any]:
    """Values along the edges operand by operand; None stands for an operand without an edge."""
    places, count = places_of(node)
    found = dict(zip(places, along_edges, strict=True))
    return [found.get(i) for i in range(count)]


def places_of(node: Any) -> tuple[Sequence[int], int]:
    """`operand_places` of a node, without those of numbers where PyTorch has none."""
    places, count = node.operand_places()
    return (range(len(places)), len(places)) if node.name() in BY_A_NUMBER else (places, count)
