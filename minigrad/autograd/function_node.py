"""The graph node of a `Function` call: what it saves in forward, and how its backward is run.

A node does not refer to the results of its call, so reference counting frees it with the last of them. Of a saved
result only the array is kept; the tensor is made again when backward asks for it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from minigrad.autograd import views
from minigrad.autograd.core import GRAD, LEAF, TensorBase, mode, wrap
from minigrad.autograd.inspection import WATCHED, notify_watchers
from minigrad.autograd.messages import overwritten, refuse_inference, written_since_no_grad, written_with_siblings
from minigrad.autograd.modes import ModeSwitch
from minigrad.autograd.node import Node, next_order
from minigrad.autograd.node_attributes import edge_of
from minigrad.autograd.trees import as_tuple
from minigrad.autograd.views import Unrecorded, move_retained
from minigrad.backend import device_of, to_device

_DEEPEST = 40  # nested backward calls on one stack: Python allows about 1,000 frames
_here = threading.local()


class Kept(NamedTuple):
    """A saved tensor with its version counter."""

    tensor: Any
    writes: list[int]
    version: int
    number: int | None  # the number of the result; None if it is no result

    @classmethod
    def of(cls, tensor: Any, number: int | None) -> Kept:
        """Saves `tensor`; a result is saved without its node."""
        if tensor is None:
            return cls(None, [0, 0], 0, None)
        alias = tensor if number is None else wrap(tensor.array)
        alias.writes = tensor.writes
        return cls(alias, tensor.writes, tensor.writes[0], number)

    def read(self, name: str, node: Any) -> Any:
        """The saved tensor, checked for later writes; a result gets its place again, if `node` is alive."""
        if hasattr(self.tensor, "unpack"):
            tensor = self.tensor.unpack()
        elif self.writes[0] == self.version:
            tensor = self.tensor
        else:
            trace = node and node.trace
            raise overwritten(name, trace, self.tensor.array.shape, self.version, self.writes[0])
        if self.number is None:
            return tensor
        result = wrap(tensor.array)
        result.writes, result.node = tensor.writes, node and node.node_of(self.number)
        return result


class Parts(dict[int, Any]):
    """Gradients of a call's results by number, which are collected one after another."""

    base = shape = dtype = None  # attributes that the walk reads from arrays

    def __add__(self, other: Parts) -> Parts:
        """These and `other` together, in this object: only the walk holds it, and a copy for each result would take
        time that grows with the square of their number.
        """
        for i, gradient in other.items():
            self[i] = self[i] + gradient if i in self else gradient
        return self


class FunctionNode(Node):
    """The call of a `Function`. One with a single differentiable result is that result's node itself; else there is
    a `ResultNode` for each, and the call receives their gradients together, as `Parts`.
    """

    __slots__ = ("arguments", "ctx", "function", "made", "places", "results", "tracked")

    def __init__(
        self, function: Any, ctx: Any, arguments: Sequence[Any], results: Sequence[Any], tracked: Sequence[int]
    ) -> None:
        self.order, self.hooks = next_order(), None
        self.function, self.ctx = function, ctx
        self.arguments = [isinstance(x, TensorBase) for x in arguments]
        self.places = [i for i, needed in enumerate(ctx.needs_input_grad) if needed]
        self.edges = tuple([edge_of(arguments[i]) for i in self.places])
        self.results = [
            (r.array.shape, r.array.dtype, device_of(r.array)) if isinstance(r, TensorBase) else None for r in results
        ]
        self.tracked = tracked
        self.made: dict[int, ref[ResultNode]] = {}
        self.shape = self.dtype = None
        if len(tracked) == 1:
            self.shape, self.dtype, _ = self.results[tracked[0]]  # type: ignore[misc]
        ctx._node = ref(self)

    def apply(self, *gradients: Any) -> Any:
        """Calls the user's backward directly: one gradient for each result in, one for each argument of forward out.

        >>> import minigrad as torch
        >>> class Double(torch.autograd.Function):
        ...     forward = staticmethod(lambda ctx, x: x * 2)
        ...     backward = staticmethod(lambda ctx, g: g * 2)
        >>> Double.apply(torch.ones(1, requires_grad=True)).grad_fn.apply(torch.ones(1))
        tensor([2.])
        """
        return self._pull([*gradients])

    def __repr__(self) -> str:
        return repr(self.ctx)

    def node_of(self, number: int) -> Node:
        """The node of result `number`."""
        if len(self.tracked) == 1:
            return self
        node = self.made[number]() if number in self.made else None
        if node is None:
            shape, dtype, _ = self.results[number]  # type: ignore[misc]
            node = ResultNode(self, number, shape, dtype)
            self.made[number] = ref(node)
        return node

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        """The gradients along `edges`, from the user's backward."""
        pairs = zip(self.split(cotangent), self.results, strict=True)
        gradients = [self._as_given(g, about, create_graph) for g, about in pairs]
        returned = self._pull(gradients)
        picked = self._check(as_tuple(returned))
        if wanted is not None:
            picked = [r if edge in wanted else None for r, edge in zip(picked, self.edges, strict=True)]
        # Views, because a user's backward may return the cotangent itself, or one array twice.
        return [r if create_graph or r is None else r.array.view() for r in picked]

    def _pull(self, gradients: list[Any]) -> Any:
        """Calls the user's backward with the `gradients`.

        Backward calls may be nested; above some depth they continue in a new thread, with an empty stack.
        """
        depth = getattr(_here, "depth", 0)
        if depth == _DEEPEST:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(1) as other:
                return other.submit(copy_context().run, self._pull, gradients).result()
        pull = self.function._backward()
        _here.depth = depth + 1
        try:
            return pull(self.ctx, gradients) if self.function.boxed_grads_call else pull(self.ctx, *gradients)
        except (IndexError, TypeError, ValueError) as error:
            called = error.__traceback__ is not None and error.__traceback__.tb_next is not None
            hint = self._explain_unsaved() if called else self._explain_call(pull, gradients)
            if hint:
                error.add_note(hint)
            raise
        finally:
            _here.depth = depth

    def _explain_call(self, pull: Any, gradients: list[Any]) -> str | None:
        """Which arguments a user's backward is called with, where it takes another number of them."""
        takes = getattr(getattr(pull, "__code__", None), "co_argcount", None)
        if takes is None or self.function.boxed_grads_call or takes == len(gradients) + 1:
            return None
        return (
            f"forward of {self.function.__name__} returned {len(gradients)} results, so backward is called with "
            f"ctx and {len(gradients)} gradients; it takes ctx and {takes - 1}."
        )

    def _explain_unsaved(self) -> str | None:
        """That nothing was saved, where a user's backward has asked for what was."""
        if self.ctx._kept or not self.ctx._read:
            return None
        return f"Nothing was saved: forward of {self.function.__name__} keeps tensors by ctx.save_for_backward(...)."

    def _check(self, returned: tuple[Any, ...]) -> list[Any]:
        """The gradients of operands that need one, selected from those for all arguments, after checks."""
        count = len(self.arguments)
        if len(returned) < count or any(r is not None for r in returned[count:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got "
                f"{len(returned)}): backward returns one for each argument of forward, None where there is none"
            )
        for i, (r, is_tensor) in enumerate(zip(returned[:count], self.arguments, strict=True)):
            if r is None:
                continue
            if not isinstance(r, TensorBase):
                got = f"(got {type(r).__name__}): {self.name()} returned it; a backward returns Tensors"
                raise RuntimeError(f"expected Variable or None {got}")
            if not is_tensor:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position {i + 1}, but the "
                    "corresponding forward input was not a Tensor"
                )
        return [returned[i] for i in self.places]

    def _as_given(self, gradient: Any, about: Any, create_graph: bool) -> Any:
        """The gradient of one result for the user's backward: a Tensor, zeros if none arrived, or None."""
        if gradient is None:
            if about is None or not self.ctx.materialize_grads:
                return None
            shape, dtype, device = about
            return wrap(to_device(np.zeros(shape, dtype), device))
        return gradient if create_graph else wrap(gradient)

    def free(self) -> None:
        self.ctx._kept = None

    def name(self) -> str:
        return f"{self.function.__name__}Backward"

    number = property(lambda self: self.tracked[0] if self.tracked else 0)

    def split(self, cotangent: Any) -> list[Any]:
        arrived = cotangent if self.shape is None else {self.tracked[0]: cotangent}
        return [arrived.get(i) for i in range(len(self.results))]

    def join(self, gradients: Sequence[Any]) -> Any:
        arrived = Parts({i: g for i, g in enumerate(gradients) if g is not None})
        return arrived if self.shape is None else arrived[self.tracked[0]]

    def operand_places(self) -> tuple[Sequence[int], int]:
        tensors = [i for i, is_tensor in enumerate(self.arguments) if is_tensor]
        return [tensors.index(i) for i in self.places], len(tensors)

    def __getattr__(self, name: str) -> Any:
        """The attribute `name` of `ctx`, because in PyTorch the node is `ctx`."""
        if name in _SLOTS or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.ctx, name)


_SLOTS = {*Node.__slots__, *FunctionNode.__slots__}


class ResultNode(Node):
    """The node of one of several results of a `Function`: passes its gradient on under its number."""

    __slots__ = ("number",)

    def __init__(self, call: FunctionNode, number: int, shape: tuple[int, ...], dtype: Any) -> None:
        self.order, self.hooks = next_order(), None
        self.edges, self.number = (call,), number
        self.shape, self.dtype = shape, dtype

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        return [Parts({self.number: cotangent})]

    def free(self) -> None:
        pass

    def name(self) -> str:
        return self.call.name()

    call = property(lambda self: self.edges[0])


def record_call(function: Any, ctx: Any, arguments: Sequence[Any], results: Sequence[Any]) -> list[Any]:
    """Records the call of a `Function`, and returns its results."""
    _check_saved(ctx)
    check_marks(ctx, results)
    _check_written(ctx, arguments)
    given, written = ids_of(arguments), ids_of(ctx.dirty_tensors)
    handed_on = [id(r) in given and id(r) not in written for r in results]
    numbers = {id(r): i for i, r in enumerate(results) if not handed_on[i]}  # what is returned twice is one result
    call = FunctionNode(function, ctx, arguments, results, _find_tracked(ctx, results, numbers))
    made = _place_all(call, results, numbers, handed_on)
    _keep_saved(call, results, handed_on)
    _notify(call, made)
    ctx.to_save = ctx.dirty_tensors = ctx.non_differentiable = ()
    return made


def _find_tracked(ctx: Any, results: Sequence[Any], numbers: dict[int, int]) -> list[int]:
    """The numbers of the results to which gradients flow: tensors of floats, once each, without those marked."""
    constants = ids_of(ctx.non_differentiable)
    return [
        i for i, r in enumerate(results)
        if isinstance(r, TensorBase) and r.array.dtype.kind == "f" and id(r) not in constants
        and numbers.get(id(r), i) == i
    ]  # fmt: skip


def _place_all(call: FunctionNode, results: Sequence[Any], numbers: dict[int, int], handed_on: list[bool]) -> list[Any]:
    """The results, each with its node; what is marked as not differentiable leaves the graph."""
    ctx, made = call.ctx, list(results)
    written, constants = ids_of(ctx.dirty_tensors), ids_of(ctx.non_differentiable)
    for i in call.tracked:
        made[i] = _place(results[i], call.node_of(i), id(results[i]) in written, handed_on[i])
    for i, r in enumerate(results):
        operand = id(r) in constants and r.node is not None  # returned as a constant
        made[i] = r.detach() if operand else made[numbers.get(id(r), i)]
    return made


def _keep_saved(call: FunctionNode, results: Sequence[Any], handed_on: list[bool]) -> None:
    """Keeps what forward saved: tensors with their version, results by their number."""
    kept = {id(results[i]): i for i in call.tracked if not handed_on[i]}
    call.ctx._kept = [Kept.of(t, kept.get(id(t))) for t in call.ctx.to_save]


def _notify(call: FunctionNode, made: Sequence[Any]) -> None:
    """Shows the first differentiable result to those who watch what is recorded."""
    if call.tracked and (flags := mode.get()) & WATCHED:
        first = made[call.tracked[0]]
        notify_watchers(first, flags)
        call.trace = first.node.trace


def _place(result: Any, node: Node, written: bool, handed_on: bool) -> Any:
    """`result` with its node; a new tensor if it has a node already, or is an argument that is handed on."""
    if written:
        if result.view_of is None:
            before, result.node, result.cause = result.node, node, None
            move_retained(before, node)
            return result
        value = wrap(result.array)
        value.node = node
        views.move_on(result, value)
        return result
    if handed_on:
        with ModeSwitch(clear_flags=GRAD):
            result = result.view(result.array.shape)  # so that a write to it is noticed
    elif result.node is not None and not isinstance(result.node, Unrecorded):
        result = result.detach()
    result.node, result.cause = node, None
    if result.view_of is not None:
        result.view_of.seen = [*result.writes]  # what forward wrote to a view is part of the call
    return result


def ids_of(several: Sequence[Any]) -> set[int]:
    """The objects in `several`, for a look-up that does not depend on their number."""
    return {id(x) for x in several}


def _check_saved(ctx: Any) -> None:
    for i, x in enumerate(ctx.to_save):
        if x is not None and not isinstance(x, TensorBase):
            detail = f"but argument {i} is of type {type(x).__name__}; keep other values as attributes of ctx"
            raise TypeError(f"save_for_backward can only save variables, {detail}")
    refuse_inference(ctx._name, [(x, None) for x in ctx.to_save], ())


def check_marks(ctx: Any, results: Sequence[Any]) -> None:
    """Raises for marks on values that are no tensors, and for dirty tensors that are not among the `results`."""
    for role, several in (("mark_dirty", ctx.dirty_tensors), ("mark_non_differentiable", ctx.non_differentiable)):
        for i, x in enumerate(several):
            if not isinstance(x, TensorBase):
                raise RuntimeError(f"{role} can only accept Tensors, but argument {i} is of type {type(x).__name__}")
    returned = ids_of(results)
    for x in ctx.dirty_tensors:
        if id(x) not in returned:
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                f"are modified inplace must all be outputs of the Function: return the tensor of shape "
                f"{tuple(x.array.shape)} itself, no copy of it."
            )


def _check_written(ctx: Any, arguments: Sequence[Any]) -> None:
    given = ids_of(arguments)
    for x in ctx.dirty_tensors:
        root, link = views.root_of(x).node, x.view_of
        if link is not None and not link.recorded:
            raise written_since_no_grad()
        if link is not None and link.several:
            raise written_with_siblings()
        if id(x) in given and (x.node is LEAF or root is LEAF or isinstance(root, Unrecorded)):
            what = "a leaf Variable" if x.node is LEAF or link is None else "a view of a leaf Variable"
            hint = "give the Function a copy, x.clone()"
            raise RuntimeError(f"{what} that requires grad has been used in an in-place operation: {hint}")
