"""Hooks on all modules: `torch.nn.modules.module.register_module_forward_hook` and its kin.

They run before the hooks of the module itself. The first one replaces `Module.__call__`, and a first hook on
registration `Module._register`, so that modules without such hooks do not look for them.
Source: https://docs.pytorch.org/docs/stable/nn.html#global-hooks-for-module
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.autograd.handles import Hooks, RemovableHandle
from minigrad.nn.hooks import call_between
from minigrad.nn.module import Module
from minigrad.nn.registry import BUFFER, MODULE, PARAMETER

_ON_ALL = Hooks()
_call_one: Any = Module.__call__
_register_one: Any = Module._register


class _Joined(Hooks):
    """The hooks on all modules, and after them those of one."""

    def __init__(self, own: Hooks | None) -> None:
        self._own = own

    def at(self, place: str) -> list[tuple[Any, ...]]:
        return _ON_ALL.at(place) + ([] if self._own is None else self._own.at(place))


def _call(module: Module, *args: Any, **kwargs: Any) -> Any:
    """`Module.__call__` from the first hook on all modules on."""
    places = ("forward_pre", "forward", "backward_pre", "backward")
    if not any(_ON_ALL.at(place) for place in places):
        _put_in_place("__call__", _call_one)  # the last one is gone
        return _call_one(module, *args, **kwargs)
    return call_between(_Joined(module._hooks_by_place), module, args, kwargs)


def _register(module: Module, kind: str, name: str, value: Any) -> None:
    """`Module._register` from the first hook on registration on."""
    if not any(_ON_ALL.at(place) for place in (PARAMETER, BUFFER, MODULE)):
        _put_in_place("_register", _register_one)  # the last one is gone
    for (hook,) in _ON_ALL.at(kind) if value is not None else ():
        given = hook(module, name, value)
        value = value if given is None else given
    _register_one(module, kind, name, value)


def _hang(place: str, hook: Any, *options: bool) -> RemovableHandle:
    handle = _ON_ALL.add(place, hook, False, options)
    name, replacing = ("_register", _register) if place in (PARAMETER, BUFFER, MODULE) else ("__call__", _call)
    _put_in_place(name, replacing)
    return handle


def _put_in_place(name: str, method: Any) -> None:
    setattr(Module, name, method)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Runs ``hook(module, args)`` before the `forward` of every module; what it returns replaces the arguments.

    >>> import minigrad as torch
    >>> from minigrad.nn.modules.module import register_module_forward_pre_hook
    >>> with register_module_forward_pre_hook(lambda module, args: (args[0] + 1,)):
    ...     torch.nn.ReLU()(torch.zeros(2))
    tensor([1., 1.])
    """
    return _hang("forward_pre", hook, False)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Runs ``hook(module, args, output)`` after the `forward` of every module; its result replaces the output.

    >>> import minigrad as torch
    >>> from minigrad.nn.modules.module import register_module_forward_hook
    >>> with register_module_forward_hook(lambda module, args, output: print(module)):
    ...     _ = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Tanh())(torch.zeros(1))
    ReLU()
    Tanh()
    Sequential(
      (0): ReLU()
      (1): Tanh()
    )
    """
    return _hang("forward", hook, with_kwargs, always_call)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Runs ``hook(module, grad_output)`` when the gradient of a module's output arrives.

    >>> import minigrad as torch
    >>> from minigrad.nn.modules.module import register_module_full_backward_pre_hook
    >>> with register_module_full_backward_pre_hook(lambda module, grad_output: print(grad_output)):
    ...     torch.nn.ReLU()(torch.ones(2, requires_grad=True)).sum().backward()
    (tensor([1., 1.]),)
    """
    return _hang("backward_pre", hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Runs ``hook(module, grad_input, grad_output)`` in backward; what it returns replaces `grad_input`.

    >>> import minigrad as torch
    >>> from minigrad.nn.modules.module import register_module_full_backward_hook
    >>> x = torch.ones(2, requires_grad=True)
    >>> with register_module_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 3,)):
    ...     torch.nn.ReLU()(x).sum().backward()
    >>> x.grad
    tensor([3., 3.])
    """
    return _hang("backward", hook)


register_module_backward_hook = register_module_full_backward_hook


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Runs ``hook(module, name, parameter)`` when a module gets a parameter; its result replaces the parameter.

    >>> import minigrad as torch
    >>> from minigrad.nn.modules.module import register_module_parameter_registration_hook
    >>> with register_module_parameter_registration_hook(lambda module, name, parameter: print(name)):
    ...     _ = torch.nn.Linear(2, 3)
    weight
    bias
    """
    return _hang(PARAMETER, hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Runs ``hook(module, name, buffer)`` when a module gets a buffer; its result replaces the buffer.

    >>> import minigrad as torch
    >>> from minigrad.nn.modules.module import register_module_buffer_registration_hook
    >>> with register_module_buffer_registration_hook(lambda module, name, buffer: print(name)):
    ...     _ = torch.nn.BatchNorm2d(2)
    running_mean
    running_var
    num_batches_tracked
    """
    return _hang(BUFFER, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Runs ``hook(module, name, submodule)`` when a module gets a submodule; its result replaces it.

    >>> import minigrad as torch
    >>> from minigrad.nn.modules.module import register_module_module_registration_hook
    >>> with register_module_module_registration_hook(lambda module, name, submodule: print(name, submodule)):
    ...     _ = torch.nn.Sequential(torch.nn.ReLU())
    0 ReLU()
    """
    return _hang(MODULE, hook)
