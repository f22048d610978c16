"""Hooks: functions that a user registers on an optimizer, called before or after a step, saving or loading."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from minigrad.advice import postponed
from minigrad.autograd.handles import Hookable, Hooks, RemovableHandle, as_pair


def run_between_hooks(optimizers: Any) -> None:
    """Makes the `step` of a class of optimizers run between hooks, from the first hook on that one of them gets."""
    step = optimizers.step
    if getattr(step, "hooked", None) is optimizers:
        return

    @wraps(step)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self) is not optimizers or self._hooks_by_place is None:  # a subclass runs its own hooks
            return step(self, *args, **kwargs)
        return step_between(self, step, args, kwargs)

    call.hooked = optimizers  # type: ignore[attr-defined]
    optimizers.step = call


class OptimizerHooks(Hookable):
    """The hooks of an optimizer."""

    _hooks_by_place: Hooks | None = None
    _held: set[int] | None

    def _give_advice(self) -> None:
        """Gives the advice that waited for the ids of all parameters."""
        while postponed:
            tell: Any = postponed.popitem()[1]
            tell(self._held)

    def _run_hooks(self, place: str, *arguments: Any) -> Any:
        """Calls each hook with the optimizer and the arguments; what a hook returns replaces the last argument."""
        for (hook,) in self._hooks_at(place):
            changed = hook(self, *arguments)
            if changed is not None and arguments:
                arguments = (changed,)
        return arguments[-1] if arguments else None

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` before each step; it may return new `(args, kwargs)`.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)])
        >>> handle = optimizer.register_step_pre_hook(lambda *_: print("before the step"))
        >>> optimizer.step()
        before the step
        """
        run_between_hooks(type(self))
        return self._hang("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` after each step.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)])
        >>> handle = optimizer.register_step_post_hook(lambda *_: print("stepped"))
        >>> optimizer.step()
        stepped
        """
        run_between_hooks(type(self))
        return self._hang("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer)` before `state_dict()`.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)])
        >>> handle = optimizer.register_state_dict_pre_hook(lambda *_: print("saving"))
        >>> _ = optimizer.state_dict()
        saving
        """
        return self._hang("save_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)` after `state_dict()`; it may return another one.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)])
        >>> handle = optimizer.register_state_dict_post_hook(lambda optimizer, state: {**state, "epoch": 3})
        >>> optimizer.state_dict()["epoch"]
        3
        """
        return self._hang("save_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)` before `load_state_dict()`; it may return another one.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)])
        >>> handle = optimizer.register_load_state_dict_pre_hook(lambda *_: print("loading"))
        >>> optimizer.load_state_dict(optimizer.state_dict())
        loading
        """
        return self._hang("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer)` after `load_state_dict()`.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)])
        >>> handle = optimizer.register_load_state_dict_post_hook(lambda *_: print("loaded"))
        >>> optimizer.load_state_dict(optimizer.state_dict())
        loaded
        """
        return self._hang("load_post", hook, prepend)


def step_between(optimizer: Any, step: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls `step` of an optimizer between its hooks."""
    arguments = (optimizer, *args), kwargs  # as in PyTorch, the optimizer is one of the arguments
    for (hook,) in optimizer._hooks_by_place.at("step_pre"):
        given = hook(optimizer, *arguments)
        arguments = arguments if given is None else as_pair(step.__name__, given)
    result = step(*arguments[0], **arguments[1])
    for (hook,) in optimizer._hooks_by_place.at("step_post"):
        hook(optimizer, *arguments)
    return result
