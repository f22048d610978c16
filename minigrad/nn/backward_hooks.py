"""Backward hooks of modules: inputs and outputs pass through identity operations, whose gradients the hooks receive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minigrad.advice import warn
from minigrad.autograd.failed_calls import call_hook
from minigrad.autograd.function import Function
from minigrad.autograd.messages import take_from_hook
from minigrad.autograd.modes import is_grad_enabled
from minigrad.autograd.trees import as_tuple
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.autograd.handles import Hooks
    from minigrad.nn.module import Module


class BackwardHookFunction(Function):
    """The identity on some tensors; in backward their gradients are passed to `seen`.

    A missing gradient is passed as zeros, or as None.
    """

    @staticmethod
    def forward(ctx: Any, seen: Callable[..., Any], zeros: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.seen = seen
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*[x for x in tensors if not x.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        return None, None, *ctx.seen(gradients)


class BackwardWatch:
    """One call of a module that has backward hooks.

    Its inputs and its outputs each pass through a `BackwardHookFunction`: in backward the outputs' gradients arrive
    first, and the inputs' gradients after everything in between.
    """

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self._module, self._hooks = module, hooks
        self._grad_output: Any = None
        self._inputs = 0  # their number
        self._sees_inputs = False  # whether one of them needs a gradient

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with the tensors passed through a `BackwardHookFunction`."""
        self._inputs = len(args)
        args, self._sees_inputs = _watch(args, self._show_grad_input, zeros=True)
        return args

    def watch_outputs(self, result: Any) -> Any:
        """The result, a tensor, a tuple or a named tuple with tensors, passed through a `BackwardHookFunction`."""
        if not isinstance(result, (Tensor, tuple)):
            got = type(result).__name__
            detail = f"module output should be a Tensor or a tuple of Tensors, not a {got}"
            warn(f"For backward hooks to be called, {detail}")
        results, _ = _watch(as_tuple(result), self._show_grad_output, zeros=False)
        if not isinstance(result, tuple):
            return results[0]
        return results if type(result) is tuple else type(result)(*results)

    def _show_grad_output(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        for (hook,) in self._hooks.at("backward_pre"):
            gradients = _replace(
                "pre hook", hook, call_hook("module, grad_output", hook, self._module, gradients), gradients
            )
        self._grad_output = gradients
        if not self._sees_inputs:
            self._show_no_grad_input()
        return gradients

    def _show_no_grad_input(self) -> None:
        """Runs the hooks at once, because no gradient will arrive at the inputs."""
        warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients: grad_input is None"
        )
        if any(g is not None for g in self._show_grad_input((None,) * self._inputs)):
            raise RuntimeError(
                "Backward hook for Modules where no input requires gradient should always return None or None for "
                "all gradients."
            )

    def _show_grad_input(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._grad_output is None:  # the outputs' gradients were not seen: outputs in a dict, or another backward
            return gradients
        for (hook,) in self._hooks.at("backward"):
            given = call_hook("module, grad_input, grad_output", hook, self._module, gradients, self._grad_output)
            gradients = _replace("hook", hook, given, gradients)
        self._grad_output = None
        return gradients


def _watch(values: tuple[Any, ...], seen: Callable[..., Any], *, zeros: bool) -> tuple[tuple[Any, ...], bool]:
    """`values` with their tensors passed through a `BackwardHookFunction`, if one of them needs a gradient."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not (is_grad_enabled() and any(values[i].requires_grad for i in places)):
        return values, False

    def show(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        shown = dict(zip(places, gradients, strict=True))
        changed = seen(tuple(shown.get(i) for i in range(len(values))))
        return tuple(changed[i] for i in places)

    tensors = BackwardHookFunction.apply(show, zeros, *[values[i] for i in places])
    passed = dict(enumerate(values)) | dict(zip(places, tensors, strict=True))
    return tuple(passed.values()), True


def _replace(kind: str, hook: Any, given: Any, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients that a backward hook returned, or those it was called with if it returned None.

    Raises RuntimeError for another number of gradients, or for some of another shape or dtype.
    """
    if given is None:
        return gradients
    replacing = tuple(given) if isinstance(given, list) else as_tuple(given)
    if isinstance(given, Tensor) or len(replacing) != len(gradients):
        what, several = "grad_output" if kind == "pre hook" else "grad_input", len(gradients)
        got = "one Tensor" if isinstance(given, Tensor) else len(replacing)
        detail = f"got {got}, but expected {several}: return a tuple, (gradient,) for one alone"
        raise RuntimeError(f"Backward {kind} returned an invalid number of {what}, {detail}")
    for gradient, other in zip(gradients, replacing, strict=True):
        if gradient is not None and other is not None and other is not gradient:
            take_from_hook(hook, gradient, other)
    return replacing
