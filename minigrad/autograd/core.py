"""The engine's half of a tensor, and the record of one call: `TensorBase` and `Node`.

A graph is made of nodes that point backwards. An edge ends either in the node of the call that
made an operand, or in the leaf tensor itself. A node never refers to its own output, so plain
reference counting frees a graph as soon as the last tensor made by it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minigrad.autograd.messages import freed, next_functions, overwritten

if TYPE_CHECKING:
    from minigrad.autograd.operation import Operation, Plan
    from minigrad.tensor import Tensor

Edge: TypeAlias = "Node | TensorBase"
Hooks: TypeAlias = "dict[int, Callable[[Any], Any]]"

next_order = count().__next__
_new = object.__new__


class Node:
    """One recorded call: which operation, where its gradients go, and what its rules read."""

    __slots__ = (
        "__weakref__", "constants", "dtype", "edges", "hooks", "operation", "order", "plan", "result_writes",
        "shape", "tensors", "trace", "versions",
    )  # fmt: skip

    operation: Operation
    plan: Plan
    edges: Sequence[Edge]
    tensors: Sequence[Any] | None  # saved operands; None once the graph was freed
    versions: Sequence[int]  # how often their memory had been written to
    constants: Sequence[Any]  # saved shapes, options and the result, if a rule reads it
    result_writes: tuple[list[int], int] | None  # the saved result's counter, and its version then
    shape: tuple[int, ...] | None  # of the call's result; None for a call of several results
    dtype: Any
    order: int  # calls are numbered as they are recorded
    hooks: Hooks | None
    trace: str | None  # the user's line, in anomaly mode

    def vjp(self, cotangent: Any, create_graph: bool) -> list[Any]:
        """The gradients along `edges`: arrays normally, Tensors when a graph is wanted."""
        tensors, writes = self.tensors, self.result_writes
        if tensors is None:
            raise freed(self.name())
        if writes is not None and writes[0][0] != writes[1]:
            raise overwritten(self, self.shape, writes[1], writes[0][0])
        values: list[Any] = []
        for x, version in zip(tensors, self.versions):  # noqa: B905 (as long, and asked for speed)
            if isinstance(x, TensorBase):
                if x.writes[0] != version:
                    raise overwritten(self, x.array.shape, version, x.writes[0])
                values.append(x if create_graph else x.array)
            else:
                values.append(x)  # a Python number beside a tensor
        values += self._lifted() if create_graph else self.constants
        gradients = []
        for rule, reads in self.plan.rules:
            if not reads:
                gradients.append(rule(cotangent))
            elif len(reads) == 1:
                gradients.append(rule(cotangent, values[reads[0]]))
            else:
                gradients.append(rule(cotangent, *[values[i] for i in reads]))
        return gradients

    def _lifted(self) -> list[Any]:
        """The constants, floats and masks as Tensors (indices stay); the saved result is itself again."""
        lifted = [wrap(c) if is_array(c) and c.dtype.kind in "fb" else c for c in self.constants]
        if self.plan.result_position is not None:
            lifted[self.plan.result_position].node = self
        return lifted

    def free(self) -> None:
        """Let go of the saved values; a second walk through here is then refused."""
        if self.tensors or self.result_writes is not None:
            self.tensors, self.constants = None, ()

    def name(self) -> str:
        """The operation's name in PyTorch's manner: ``MulBackward0``."""
        return self.operation.backward_name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that gradients go to from here, each with PyTorch's output number 0."""
        return next_functions(self)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


RETAIN = -1  # the key among a node's hooks of the one that keeps `.grad`: it moves on when its tensor is written to
LEAF = Node()  # marks a tensor that asks for a gradient and was made by no call


class View:
    """How a tensor looks at its parent's memory, so that a write through it reaches the graph."""

    __slots__ = ("operation", "parent", "recorded", "seen", "several", "state", "statics")

    def __init__(self, parent: TensorBase, operation: Operation, statics: dict[str, Any], recorded: bool) -> None:
        self.parent, self.operation, self.statics = parent, operation, statics
        self.state = parent.view_of
        self.several = False  # True when one call made several views, as split does
        self.recorded = recorded  # False when made under no_grad
        self.seen = parent.writes[0]  # writes up to here are in the view's node

    def source(self) -> TensorBase:
        """The parent as it was looked at: ``t_()`` and the like may have turned it since."""
        parent = self.parent
        while parent.view_of is not self.state and parent.view_of is not None:
            parent = parent.view_of.parent
        return parent


class TensorBase:
    """An array, its gradient and its place in the graph. The user's `Tensor` derives from this."""

    __slots__ = ("array", "cause", "gradient", "hooks", "node", "view_of", "writes")

    array: Any  # NumPy or CuPy
    node: Node | None  # None: no gradient flows here
    gradient: Tensor | None
    writes: list[int]  # shared by all that look at the same memory: how often it was written to
    view_of: View | None
    hooks: Hooks | None
    cause: str | None  # why no gradient flows here, when a call could tell

    def bump_version(self) -> None:
        """Note that the memory was written to; saved values that needed it are then refused."""
        self.writes[0] += 1


result_class: type[Any] = TensorBase  # the module that defines `Tensor` names it here, once


def wrap(array: Any, cls: type[Any] | None = None) -> Any:
    """A tensor around `array`: no copy, no graph. NumPy's scalars become arrays of no axes."""
    tensor = _new(cls or result_class)
    if array.__class__ is not np.ndarray and (isinstance(array, np.generic) or not is_array(array)):
        array = np.asarray(array)
    tensor.array = array
    tensor.node = tensor.gradient = tensor.view_of = tensor.hooks = tensor.cause = None
    tensor.writes = [0]
    return tensor


def is_array(x: Any) -> bool:
    """True for NumPy's and CuPy's arrays, not for scalars or tensors."""
    return x.__class__ is np.ndarray or (
        hasattr(x, "__array_ufunc__") and hasattr(x, "strides") and not isinstance(x, (TensorBase, np.generic))
    )


def edge_of(tensor: Any) -> Any:
    """Where the gradient of `tensor` goes: the node that made it, or the leaf itself."""
    return tensor if tensor.node is LEAF else tensor.node


def record(plan: Plan, operation: Operation, operands: Sequence[Any], statics: dict[str, Any], result: Any) -> Node:
    """The node of one call: edges for the operands that need a gradient, and what their rules read."""
    array = result.array
    node = _new(Node)
    node.operation, node.plan = operation, plan
    edges: list[Edge] = []
    for i in plan.operands:  # plain loops: comprehensions would cost as much as the arithmetic
        x = operands[i]
        edges.append(x if x.node is LEAF else x.node)
    node.edges, node.tensors, node.versions = edges, (), ()
    if plan.saves:
        node.tensors, node.versions = saved, versions = [], []
        for i in plan.saves:
            x = operands[i]
            saved.append(x)
            versions.append(x.writes[0] if isinstance(x, TensorBase) else 0)
    node.constants = [read(operands, statics, array) for read in plan.constants] if plan.constants else ()
    node.result_writes = None if plan.result_position is None else (result.writes, result.writes[0])
    node.shape, node.dtype = array.shape, array.dtype
    node.hooks = node.trace = None
    node.order = next_order()
    return node
