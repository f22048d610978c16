"""Less memory for more time: values within a checkpoint are not kept, but computed again on the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from minigrad.autograd import Function, backward, enable_grad
from minigrad.autograd.core import TensorBase
from minigrad.creation import empty
from minigrad.random import fork_rng, keep_states, restore_states


class _Recomputed(Function):
    """A function whose graph is built only when its gradients are asked for."""

    @staticmethod
    def forward(ctx: Any, _anchor: Any, function: Callable[..., Any], states: Any, *args: Any) -> Any:
        ctx.function, ctx.states, ctx.args = function, states, args
        ctx.save_for_backward(*[x for x in args if isinstance(x, TensorBase)])
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        saved = iter(ctx.saved_tensors)
        args = [_as_leaf(next(saved)) if isinstance(x, TensorBase) else x for x in ctx.args]
        with fork_rng(enabled=bool(ctx.states)), enable_grad():
            restore_states(ctx.states)
            results = ctx.function(*args)
        results = results if isinstance(results, (tuple, list)) else (results,)
        pairs = [
            (y, g) for y, g in zip(results, gradients, strict=True) if isinstance(y, TensorBase) and y.node is not None
        ]
        if pairs:
            backward([y for y, _ in pairs], [g for _, g in pairs])
        return None, None, None, *[x.gradient if isinstance(x, TensorBase) else None for x in args]


def _as_leaf(x: Any) -> Any:
    """The same values as a leaf that asks for a gradient where `x` does."""
    return x.detach().requires_grad_(x.requires_grad)


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:  # fmt: skip
    """``function(*args, **kwargs)``, whose inner values are computed again in backward and not kept meanwhile.

    With `preserve_rng_state` the second time draws the same random numbers as the first. Source: T. Chen et
    al., "Training deep nets with sublinear memory cost", 2016.

    >>> import minigrad as torch
    >>> from minigrad.utils.checkpoint import checkpoint
    >>> x = torch.ones(2, requires_grad=True)
    >>> checkpoint(lambda v: (v * 3).exp().log(), x).sum().backward()
    >>> x.grad
    tensor([3., 3.])
    """
    if not callable(function):
        raise TypeError(f"checkpoint() takes a function and its arguments, got {type(function).__name__} first")
    states = keep_states() if preserve_rng_state else []
    # Parameters inside the function want gradients too, also where no argument does: the anchor asks for the walk.
    anchor = empty(0, requires_grad=True)
    return _Recomputed.apply(anchor, lambda *given: function(*given, **kwargs), states, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The functions one after another, in so many segments of which all but the last are checkpoints.

    >>> import minigrad as torch
    >>> from minigrad.utils.checkpoint import checkpoint_sequential
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    >>> checkpoint_sequential(net, 2, torch.ones(4, 2, requires_grad=True)).shape
    minigrad.Size([4, 1])
    """
    steps: Sequence[Callable[..., Any]] = (
        list(functions.children()) if hasattr(functions, "children") else list(functions)
    )
    if not 1 <= segments <= len(steps):
        raise ValueError(f"checkpoint_sequential: segments must lie in [1, {len(steps)}], got {segments}")
    length = len(steps) // segments
    starts = [i * length for i in range(segments)]
    for start, end in pairwise(starts):
        input = checkpoint(_chain(steps[start:end]), input, use_reentrant=use_reentrant, **kwargs)
    return _chain(steps[starts[-1] :])(input)


def _chain(steps: Sequence[Callable[..., Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return run
