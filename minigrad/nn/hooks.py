"""Hooks of a module: functions that a user registers on it, called before or after it runs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from minigrad.advice import warn
from minigrad.autograd.failed_calls import call_hook
from minigrad.autograd.handles import Hooks, RemovableHandle, as_pair
from minigrad.autograd.trees import as_tuple
from minigrad.nn.state_hooks import StateHooks

if TYPE_CHECKING:
    from minigrad.nn.module import Module


class ModuleHooks(StateHooks):
    """The hooks of a module: around its state, its call, and the gradients of its call."""

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Runs ``hook(module, args)`` before `forward`; what it returns replaces the arguments.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> handle = layer.register_forward_pre_hook(lambda module, args: print(args[0].shape))
        >>> _ = layer(torch.ones(3, 2))
        minigrad.Size([3, 2])
        """
        return self._hang("forward_pre", hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Runs ``hook(module, args, output)`` after `forward`; its result replaces the output.

        With `always_call` also when `forward` raises: the output is None then.

        >>> import minigrad as torch
        >>> layer = torch.nn.ReLU()
        >>> handle = layer.register_forward_hook(lambda module, args, output: output * 2)
        >>> layer(torch.ones(1, 2))
        tensor([[2., 2.]])
        """
        return self._hang("forward", hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Runs ``hook(module, grad_output)`` when the output's gradient arrives.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> handle = layer.register_full_backward_pre_hook(lambda module, grad_output: print(grad_output))
        >>> layer(torch.ones(1, 2, requires_grad=True)).sum().backward()
        (tensor([[1.]]),)
        """
        return self._hang("backward_pre", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Runs ``hook(module, grad_input, grad_output)``; what it returns replaces `grad_input`.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> handle = layer.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_output))
        >>> layer(torch.ones(1, 2, requires_grad=True)).sum().backward()
        (tensor([[1.]]),)
        """
        return self._hang("backward", hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`register_full_backward_hook` under its older name.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> handle = layer.register_backward_hook(lambda module, grad_input, grad_output: print(grad_output))
        >>> layer(torch.ones(1, 2, requires_grad=True)).sum().backward()
        (tensor([[1.]]),)
        """
        return self._hang("backward", hook)

    _forward_hooks = property(lambda self: self._find_hooks("forward"))
    _forward_pre_hooks = property(lambda self: self._find_hooks("forward_pre"))
    _backward_hooks = property(lambda self: self._find_hooks("backward"))
    _backward_pre_hooks = property(lambda self: self._find_hooks("backward_pre"))

    def _find_hooks(self, place: str) -> Any:
        return OrderedDict() if self._hooks_by_place is None else self._hooks_by_place.functions(place)


def call_between(hooks: Hooks, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls `module.forward` between its hooks."""
    result, watch, waiting = None, None, None
    try:
        for hook, with_kwargs in hooks.at("forward_pre"):
            shown, names = ((args, kwargs), "module, args, kwargs") if with_kwargs else ((args,), "module, args")
            given = call_hook(names, hook, module, *shown)
            if given is not None:
                args, kwargs = as_pair("forward", given) if with_kwargs else (as_tuple(given), kwargs)
        if hooks.at("backward") or hooks.at("backward_pre"):
            from minigrad.nn.backward_hooks import BackwardWatch  # imported with the first backward hook

            watch = BackwardWatch(module, hooks)
            args = watch.watch_inputs(args)
        result = module.forward(*args, **kwargs)
        waiting = hooks.at("forward")
        while waiting:
            hook, with_kwargs, _ = waiting.pop(0)
            result = _call_after(hook, with_kwargs, module, args, kwargs, result)
        return watch.watch_outputs(result) if watch else result
    except Exception:
        for hook, with_kwargs, always in hooks.at("forward") if waiting is None else waiting:
            if always:
                with _silence():
                    result = _call_after(hook, with_kwargs, module, args, kwargs, result)
        raise


def _call_after(hook: Any, with_kwargs: bool, module: Module, args: Any, kwargs: Any, result: Any) -> Any:
    """The result of a forward, or what its `hook` returns instead."""
    shown, names = ((args, kwargs), "args, kwargs") if with_kwargs else ((args,), "args")
    given = call_hook(f"module, {names}, output", hook, module, *shown, result)
    return result if given is None else given


@contextmanager
def _silence() -> Iterator[None]:
    """Turns an exception into a warning, because another exception is being raised already."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (whatever a hook raises)
        hint = f"as another error was raised in forward: {error}"
        warn(f"module forward hook with ``always_call=True`` raised an exception that was silenced, {hint}")
