"""What is called around an optimizer's step, and around the saving and loading of its state."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from minigrad.nn.hooks import Hookable, Hooks
from minigrad.tensor import RemovableHandle


def run_between_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step`, between the optimizer's hooks where it has any."""

    @wraps(step)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._stepped = True
        if self._hooks is None:
            return step(self, *args, **kwargs)
        arguments = (self, *args), kwargs  # PyTorch counts the optimizer itself among them
        for (hook,) in self._hooks.at("step_pre"):
            changed = hook(self, *arguments)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{step.__name__} pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed!r}"
                    )
                arguments = changed
        result = step(*arguments[0], **arguments[1])
        for (hook,) in self._hooks.at("step_post"):
            hook(self, *arguments)
        return result

    return call


class StepHooks(Hookable):
    """The hooks of an optimizer."""

    _hooks: Hooks | None = None

    def _run_hooks(self, place: str, *arguments: Any) -> Any:
        """Call each with the optimizer and the arguments; what one returns takes the last argument's place."""
        for (hook,) in self._hooks.at(place) if self._hooks else ():
            changed = hook(self, *arguments)
            if changed is not None and arguments:
                arguments = (changed,)
        return arguments[-1] if arguments else None

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return `(args, kwargs)` in their place."""
        return self._hang("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)])
        >>> handle = optimizer.register_step_post_hook(lambda *_: print("stepped"))
        >>> optimizer.step()
        stepped
        """
        return self._hang("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict()`."""
        return self._hang("save_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` after `state_dict()`; it may return another in its place."""
        return self._hang("save_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before `load_state_dict()`; it may return another in its place."""
        return self._hang("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after `load_state_dict()`."""
        return self._hang("load_post", hook, prepend)
