"""`Function`: PyTorch's spelling of an operation of one's own, with a forward and a backward as static methods.

`operation(...)` is the shorter way; this one is for lessons that are written so, and for operations of
several results. Its node receives the gradients of all results together, as `Parts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, edge_of, wrap
from minigrad.autograd.messages import freed, overwritten
from minigrad.autograd.modes import GRAD, ModeSwitch, mode
from minigrad.autograd.recording import Node, next_order, refresh
from minigrad.backend import device_of, to_device


class Parts(dict[int, Any]):
    """Gradients of a call's results by number; adding two sets adds what both have."""

    base = None

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            {i: self[i] + other[i] if i in self and i in other else self.get(i, other.get(i)) for i in {*self, *other}}
        )


class FunctionCtx:
    """What a `Function` remembers from forward to backward; `ctx` in its methods."""

    needs_input_grad: tuple[bool, ...] = ()
    _saved: Sequence[Any] = ()
    _non_differentiable: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    _materialize = True
    _node: FunctionNode

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for backward; they come back as `saved_tensors`, checked for later writes."""
        for x in tensors:
            if x is not None and not isinstance(x, TensorBase):
                raise TypeError(
                    f"save_for_backward can only save variables, but got {type(x).__name__}; keep other values as "
                    "attributes of ctx"
                )
        self._saved = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say that these results have no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say that these operands were written to in place."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, backward gets None, not zeros, for results that nothing depends on."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`. Raises RuntimeError when freed or written to."""
        return self._node.saved()


class FunctionNode(Node):
    """The call of a `Function`: its operands' edges, and the gradients of all its results."""

    __slots__ = ("ctx", "function", "kept", "places", "results")

    def __init__(self, function: Any, ctx: FunctionCtx, operands: Sequence[Any], results: Sequence[Any]) -> None:
        self.order, self.hooks, self.trace = next_order(), None, None
        self.function, self.ctx = function, ctx
        ctx._node = self
        self.places = [i for i, needed in enumerate(ctx.needs_input_grad) if needed]
        self.edges = tuple([edge_of(operands[i]) for i in self.places])
        self.shape = None
        self.results = [
            (r.array.shape, r.array.dtype, device_of(r.array)) if isinstance(r, TensorBase) else None for r in results
        ]
        # A saved result is kept without its place in the graph: a node must not refer to its own output.
        self.kept: list[Any] | None = [
            (None, [0], 0)
            if t is None
            else (wrap(t.array) if any(t is r for r in results) else t, t.writes, t.writes[0])
            for t in ctx._saved
        ]
        ctx._saved = ()

    def saved(self) -> tuple[Any, ...]:
        """The saved tensors, each checked for writes since."""
        if self.kept is None:
            raise freed(self.name())
        for tensor, writes, version in self.kept:
            if writes[0] != version:
                raise overwritten(self, tensor.array.shape, version, writes[0])
        return tuple([tensor for tensor, _, _ in self.kept])

    def vjp(self, cotangent: Parts, create_graph: bool, wanted: Any = None) -> list[Any]:
        gradients = [self._gradient(cotangent.get(i), about, create_graph) for i, about in enumerate(self.results)]
        returned = self._pulled(gradients, create_graph)
        returned = returned if isinstance(returned, tuple) else (returned,)
        count = len(self.ctx.needs_input_grad)
        if len(returned) < count or any(r is not None for r in returned[count:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got "
                f"{len(returned)}): backward returns one for each argument of forward, None where there is none"
            )
        for r in returned:
            if r is not None and not isinstance(r, TensorBase):
                raise TypeError(f"{self.name()}: expected a Tensor or None as gradient, got {type(r).__name__}")
        picked = [returned[i] for i in self.places]
        # Views: what a user's backward returns may be the cotangent itself, or one array twice, and stays borrowed.
        return [r if create_graph or r is None else r.array.view() for r in picked]

    def _pulled(self, gradients: list[Any], create_graph: bool) -> Any:
        with ModeSwitch(*((GRAD, 0) if create_graph else (0, GRAD))):
            return self.function.backward(self.ctx, *gradients)

    def _gradient(self, gradient: Any, about: Any, create_graph: bool) -> Any:
        if gradient is None:
            if about is None or not self.ctx._materialize:
                return None
            shape, dtype, device = about
            return wrap(to_device(np.zeros(shape, dtype), device))
        return gradient if create_graph else wrap(gradient)

    def free(self) -> None:
        self.kept = None

    def name(self) -> str:
        return f"{self.function.__name__}Backward"


class ResultNode(Node):
    """One result of a `Function`: passes its gradient on under its number."""

    __slots__ = ("number",)

    def __init__(self, call: FunctionNode, number: int, result: Any) -> None:
        self.order, self.hooks, self.trace = next_order(), None, None
        self.edges, self.number = (call,), number
        self.shape, self.dtype = result.array.shape, result.array.dtype

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        return [Parts({self.number: cotangent})]

    def free(self) -> None:
        pass

    def name(self) -> str:
        return self.edges[0].name()  # type: ignore[union-attr]

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        return self.edges[0].next_functions  # type: ignore[union-attr]


class Function:
    """An operation of one's own: `forward(ctx, ...)` and `backward(ctx, *gradients)`, called with ``apply``.

    Backward gets one gradient for each result and returns one for each argument of forward. Written with
    tensor operations, it can itself be differentiated.
    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.Function

    >>> import minigrad as torch
    >>> class Double(torch.autograd.Function):
    ...     forward = staticmethod(lambda ctx, x: x * 2)
    ...     backward = staticmethod(lambda ctx, g: g * 2)
    >>> x = torch.ones(1, requires_grad=True)
    >>> Double.apply(x).backward()
    >>> x.grad
    tensor([2.])
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; overridden by every Function."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Keep what backward needs, when forward takes no `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Compute the gradients; overridden by every Function."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call forward, and record the call."""
        ctx = FunctionCtx()
        for x in args:
            if isinstance(x, TensorBase):
                refresh(x)
        ctx.needs_input_grad = tuple([isinstance(x, TensorBase) and x.node is not None for x in args])
        with ModeSwitch(clear_flags=GRAD):
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
        results = list(output) if isinstance(output, tuple) else [output]
        if mode.get() & GRAD and any(ctx.needs_input_grad):
            results = _recorded(cls, ctx, args, results)
        return tuple(results) if isinstance(output, tuple) else results[0]


def _recorded(cls: type[Function], ctx: FunctionCtx, args: Sequence[Any], results: list[Any]) -> list[Any]:
    call = FunctionNode(cls, ctx, args, results)
    made = []
    for number, result in enumerate(results):
        tracked = isinstance(result, TensorBase) and result.array.dtype.kind == "f"
        if tracked and not any(result is x for x in ctx._non_differentiable):
            if any(result is x for x in args) and not any(result is x for x in ctx._dirty):
                writes, result = result.writes, wrap(result.array)  # an operand handed on is another tensor
                result.writes = writes
            result.node = ResultNode(call, number, result)
            result.cause = None
        made.append(result)
    ctx._dirty = ctx._non_differentiable = ()
    return made
