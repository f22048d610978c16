"""The engine's half of a tensor, and the record of one call: `TensorBase` and `Node`.

A graph is made of nodes that point backwards. An edge ends either in the node of the call that
made an operand, or in the leaf tensor itself. A node never refers to its own output, so plain
reference counting frees a graph as soon as the last tensor made by it is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from minigrad.autograd.operation import Operation, Plan
    from minigrad.tensor import Tensor

Edge: TypeAlias = "Node | TensorBase"

_order = count()
_new = object.__new__


class Node:
    """One recorded call: which operation, where its gradients go, and what its rule reads."""

    __slots__ = (
        "__weakref__",
        "constants",
        "dtype",
        "edges",
        "hooks",
        "operation",
        "order",
        "plan",
        "result_writes",
        "shape",
        "tensors",
        "trace",
        "versions",
    )

    operation: Operation
    plan: Plan
    edges: tuple[Edge, ...]
    tensors: tuple[Any, ...] | None  # saved operands; None once the graph was freed
    versions: tuple[int, ...]  # how often their storage had been written to
    constants: tuple[Any, ...]  # saved shapes, options and the result, if a rule reads it
    result_writes: tuple[list[int], int] | None  # the saved result's counter, and its version then
    shape: tuple[int, ...] | None  # of the call's result; None for a node of several results
    dtype: Any
    hooks: dict[int, Callable[[Any], Any]] | None
    trace: str | None  # the user's line, in anomaly mode

    def __init__(self) -> None:
        self.order = next(_order)
        self.hooks = None
        self.trace = None

    def vjp(self, cotangent: Any, create_graph: bool) -> list[Any]:
        """The gradients along `edges`: arrays normally, Tensors when a graph is wanted."""
        tensors = self.tensors
        if tensors is None:
            raise _freed(self)
        if self.result_writes and self.result_writes[0][0] != self.result_writes[1]:
            raise _overwritten(self, self.shape, self.result_writes[1], self.result_writes[0][0])
        values: list[Any]
        if tensors:
            values = []
            for tensor, version in zip(tensors, self.versions, strict=True):
                if isinstance(tensor, TensorBase):
                    if tensor.writes[0] != version:
                        raise _overwritten(self, tensor.array.shape, version, tensor.writes[0])
                    values.append(tensor if create_graph else tensor.array)
                else:
                    values.append(tensor)
            values.extend(self._lifted_constants() if create_graph else self.constants)
        else:
            values = self._lifted_constants() if create_graph else self.constants  # type: ignore[assignment]
        return [
            rule(cotangent, *[values[i] for i in reads]) if reads else rule(cotangent)
            for rule, reads in self.plan.rules
        ]

    def _lifted_constants(self) -> list[Any]:
        """The constants as Tensors where they are arrays; the saved result becomes itself again."""
        lifted = [wrap(c) if is_array(c) else c for c in self.constants]
        position = self.plan.result_position
        if position is not None:
            lifted[position].node = self
        return lifted

    def free(self) -> None:
        """Let go of the saved values; a second walk through here is then refused."""
        if self.tensors or self.plan.result_position is not None:
            self.tensors = None
            self.constants = ()

    def name(self) -> str:
        """The operation's name in PyTorch's manner: ``MulBackward0``."""
        return self.operation.backward_name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that gradients go to from here, each with PyTorch's output number 0."""
        return tuple((e if isinstance(e, Node) else AccumulateGrad(e), 0) for e in self.edges)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class AccumulateGrad:
    """What `next_functions` shows for a leaf: the place where its gradient is added up."""

    __slots__ = ("variable",)

    def __init__(self, leaf: TensorBase) -> None:
        self.variable = leaf

    next_functions: tuple[tuple[Any, int], ...] = ()

    def name(self) -> str:
        return "minigrad::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"


LEAF = Node()  # marks a tensor that asks for a gradient and was made by no call


class View:
    """How a tensor looks at its parent's memory, so that a write through it reaches the graph."""

    __slots__ = ("operation", "parent", "recorded", "seen", "statics")

    def __init__(
        self, parent: TensorBase, operation: Operation, statics: dict[str, Any], recorded: bool
    ) -> None:
        self.parent = parent
        self.operation = operation
        self.statics = statics
        self.recorded = recorded  # False when made under no_grad
        self.seen = parent.writes[0]


class TensorBase:
    """An array, its gradient and its place in the graph. The user's `Tensor` derives from this."""

    __slots__ = ("array", "cause", "gradient", "hooks", "node", "view_of", "writes")

    array: Any  # NumPy or CuPy
    node: Node | None  # None: no gradient flows here
    gradient: Tensor | None
    writes: list[int]  # shared by all that look at the same memory: how often it was written to
    view_of: View | None
    hooks: dict[int, Callable[[Any], Any]] | None
    cause: str | None  # why no gradient flows here, when a call could tell

    def bump_version(self) -> None:
        """Note that the memory was written to; saved values that needed it are then refused."""
        self.writes[0] += 1


_result_class: type[Any] = TensorBase


def set_result_class(cls: type[Any]) -> None:
    """Name the class of results: called once, by the module that defines `Tensor`."""
    global _result_class
    _result_class = cls


def wrap(array: Any, cls: type[Any] | None = None) -> Any:
    """A tensor around `array`: no copy, no graph. NumPy's scalars become arrays of no axes."""
    tensor = _new(cls or _result_class)
    tensor.array = array if is_array(array) else np.asarray(array)
    tensor.node = tensor.gradient = tensor.view_of = tensor.hooks = tensor.cause = None
    tensor.writes = [0]
    return tensor


def is_array(x: Any) -> bool:
    """True for NumPy's and CuPy's arrays, not for scalars or tensors."""
    return type(x) is np.ndarray or (
        hasattr(x, "__array_ufunc__")
        and hasattr(x, "strides")
        and not isinstance(x, (TensorBase, np.generic))
    )


def edge_of(tensor: TensorBase) -> Edge:
    """Where the gradient of `tensor` goes: the node that made it, or the leaf itself."""
    node = tensor.node
    assert node is not None
    return tensor if node is LEAF else node


def record(
    plan: Plan,
    operation: Operation,
    operands: Sequence[Any],
    statics: dict[str, Any],
    result: TensorBase,
) -> Node:
    """The node of one call: edges for the operands that need a gradient, and what the rules read."""
    array = result.array
    node = Node()
    node.operation = operation
    node.plan = plan
    node.edges = tuple([edge_of(operands[i]) for i in plan.operands])
    if plan.saves:
        node.tensors = saved = tuple([operands[i] for i in plan.saves])
        node.versions = tuple([x.writes[0] if isinstance(x, TensorBase) else 0 for x in saved])
    else:
        node.tensors = node.versions = ()
    node.constants = (
        tuple([read(operands, statics, array) for read in plan.constants]) if plan.constants else ()
    )
    node.result_writes = (
        None if plan.result_position is None else (result.writes, result.writes[0])
    )
    node.shape = array.shape
    node.dtype = array.dtype
    return node


def _freed(node: Node) -> RuntimeError:
    return RuntimeError(
        f"Trying to backward through the graph a second time ({node.name()}): its saved values were "
        "freed by the first backward. Pass retain_graph=True to the first backward() or grad() call, "
        "or run the forward computation again."
    )


def _overwritten(node: Node, shape: Any, version: int, now: int) -> RuntimeError:
    place = f" Recorded at {node.trace}." if node.trace else ""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: {node.name()} saved a tensor of shape {tuple(shape)} at version "
        f"{version}, and it is at version {now} now.{place} Write into a copy instead "
        "(x.clone()), or replace the in-place call by one that makes a new tensor."
    )


def user_line() -> str:
    """File and line of the nearest caller outside minigrad."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("minigrad."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
