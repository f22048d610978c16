"""`Function`: a user's own operation, written as in PyTorch with `forward` and `backward` as static methods.

`operation(...)` is shorter. `Function` is for programs written for PyTorch, and for operations with several results.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from minigrad.advice import warn
from minigrad.autograd.core import GRAD, TensorBase, mode
from minigrad.autograd.function_node import check_marks, record_call
from minigrad.autograd.messages import freed
from minigrad.autograd.modes import ModeSwitch, is_grad_enabled, no_grad
from minigrad.autograd.trees import as_tuple
from minigrad.autograd.views import refresh

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """The context of a `Function` call, `ctx` in its methods: saved tensors, and attributes for other values."""

    to_save: Sequence[Any] = ()
    dirty_tensors: Sequence[Any] = ()
    non_differentiable: Sequence[Any] = ()
    materialize_grads = True
    _kept: Sequence[Any] | None = ()  # what was saved, once the call is recorded; None when it was freed
    _node: Any = staticmethod(lambda: None)  # a weak reference to the node, once the call is recorded
    _read = False

    def __init__(self, function: type[Function], args: Sequence[Any]) -> None:
        self._name = f"{function.__name__}Backward"
        self._read_once = function.clear_saved_tensors_on_access
        self.needs_input_grad = tuple([isinstance(x, TensorBase) and x.node is not None for x in args])

    def save_for_backward(self, *tensors: Any) -> None:
        """Saves tensors for backward; `saved_tensors` returns them, checked for later writes."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Does nothing: forward-mode derivatives are computed from backward here."""

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Marks results that have no gradient."""
        self.non_differentiable = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Marks operands that were modified in place; they must be among the results."""
        self.dirty_tensors = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, backward gets None instead of zeros for results without a gradient."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`. Raises RuntimeError when freed or written to."""
        if self._kept is None:
            raise _read_before(self._name) if self._read and self._read_once else freed(self._name)
        tensors, self._read = tuple([saved.read(self._name, self._node()) for saved in self._kept]), True
        if self._read_once:
            self._kept = None
        return tensors

    saved_variables = saved_tensors  # the older name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(
            f"'{self._name}' object has no attribute '{name}'; what backward needs is kept by forward (or "
            f"setup_context): ctx.{name} = ..., tensors by ctx.save_for_backward(...)"
        )

    def __repr__(self) -> str:
        return f"<minigrad.autograd.function.{self._name} object at {id(self):#x}>"


class Function:
    """A user's operation: `forward(ctx, ...)` and `backward(ctx, *gradients)`, called by ``apply``.

    Backward gets one gradient for each result and returns one for each argument of forward. Written with
    tensor operations, it can itself be differentiated. With ``clear_saved_tensors_on_access = True`` in the class,
    `ctx.saved_tensors` is read once and holds the tensors no longer; with ``boxed_grads_call = True`` backward gets
    the gradients in one list, as ``backward(ctx, gradients)``.
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

    generate_vmap_rule = False
    clear_saved_tensors_on_access = False
    boxed_grads_call = False

    def __init__(self, *args: Any) -> None:
        name = type(self).__name__
        if args:
            raise TypeError(f"{name}(...) makes no call: write {name}.apply(...)")
        warn(
            f"{name} should not be instantiated. Its methods are static: call {name}.apply(...) on the class itself.",
            DeprecationWarning,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises: a Function is called by ``apply``."""
        name = type(self).__name__
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated: make forward and backward of "
            f"{name} static, with ctx as the first parameter, and call {name}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the result; overridden by every Function."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Saves what backward needs, if forward has no parameter `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Computes the gradients; overridden by every Function, under this name or as `vjp`."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Never called: forward-mode derivatives are computed from backward."""
        raise NotImplementedError("Forward-mode derivatives are computed from backward: jvp is never called.")

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """Never called: `vmap` calls `forward` for each example."""
        raise NotImplementedError("vmap calls forward for each example: a Function's own vmap is never called.")

    @classmethod
    def _backward(cls) -> Callable[..., Any]:
        """The user's `backward` or `vjp`."""
        if cls.vjp is Function.vjp:
            if cls.backward is Function.backward and cls.jvp is not Function.jvp:
                detail = "forward-mode derivatives are computed from backward: write backward(ctx, gradient) as well"
                raise NotImplementedError(f"The jvp of {cls.__name__} is never called, because {detail}")
            return cls.backward
        if cls.backward is not Function.backward:
            detail = f"{cls.__name__} keeps one"
            raise RuntimeError(f"Implementing both 'backward' and 'vjp' for a custom Function is not allowed: {detail}")
        return cls.vjp

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Calls forward, and records the call.

        >>> import minigrad as torch
        >>> class Double(torch.autograd.Function):
        ...     forward = staticmethod(lambda ctx, x: x * 2)
        ...     backward = staticmethod(lambda ctx, g: g * 2)
        >>> Double.apply(torch.ones(1))
        tensor([2.])
        """
        separate = cls.setup_context is not Function.setup_context
        if kwargs or separate:
            args = _order_arguments(cls.forward, args, kwargs, separate)
        for x in args:
            if isinstance(x, TensorBase):
                refresh(x)
        ctx = FunctionCtx(cls, args)
        with ModeSwitch(clear_flags=GRAD):
            output = cls.forward(*args) if separate else cls.forward(ctx, *args)
            if separate:
                cls.setup_context(ctx, args, output)
        for x in ctx.dirty_tensors:
            if isinstance(x, TensorBase):
                x.writes[0] += 1
        returned = as_tuple(output)
        if not (mode.get() & GRAD and any(ctx.needs_input_grad)):
            check_marks(ctx, returned)
            return _return_unrecorded(ctx, args, output)
        results = record_call(cls, ctx, args, returned)
        return tuple(results) if isinstance(output, tuple) else results[0]


def _read_before(name: str) -> RuntimeError:
    return RuntimeError(
        f"{name}: saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the "
        "autograd.Function: keep what it returned in variables, and run backward only once"
    )


def _return_unrecorded(ctx: FunctionCtx, args: Sequence[Any], output: Any) -> Any:
    """The results of a call that is not recorded; an argument that is returned becomes a new tensor."""
    if isinstance(output, tuple):
        return tuple([_hand_on(ctx, args, x) for x in output])
    return _hand_on(ctx, args, output)


def _hand_on(ctx: FunctionCtx, args: Sequence[Any], result: Any) -> Any:
    if not isinstance(result, TensorBase) or not any(result is x for x in args):
        return result
    if result.node is not None:
        return result.detach()  # type: ignore[attr-defined]
    written = any(result is x for x in ctx.dirty_tensors)
    return result if written else result.view(result.array.shape)  # type: ignore[attr-defined]


def _order_arguments(
    forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], separate: bool
) -> tuple[Any, ...]:
    """All arguments by position, since backward returns a gradient for each; defaults too, for `setup_context`."""
    bound = inspect.signature(forward).bind(*(() if separate else (None,)), *args, **kwargs)
    if separate:
        bound.apply_defaults()
    if bound.kwargs:
        named = ", ".join(bound.kwargs)
        detail = f"{named}; arguments of a Function have positions"
        raise TypeError(f"forward() got an unexpected keyword argument: {detail}")
    return bound.args if separate else bound.args[1:]


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a backward that cannot be differentiated again: it is not recorded, and a second backward raises.

    >>> import minigrad as torch
    >>> from minigrad.autograd.function import once_differentiable
    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...
    ...     @staticmethod
    ...     @once_differentiable
    ...     def backward(ctx, g):
    ...         return 2 * ctx.saved_tensors[0] * g
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)
    """

    @functools.wraps(function)
    def once(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            returned = function(ctx, *gradients)
        sources = [g for g in gradients if isinstance(g, TensorBase) and g.node is not None]
        if not (is_grad_enabled() and sources):
            return returned
        found = as_tuple(returned)
        marked = tuple([g if g is None else _Once.apply(g, *sources) for g in found])
        return marked if isinstance(returned, tuple) else marked[0]

    return once


class _Once(Function):
    """A node whose backward raises, for gradients that cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, gradient: Any, *sources: Any) -> Any:  # noqa: ARG004 (what leads to the refusal)
        return gradient.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
