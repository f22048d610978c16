"""`torch.nn.utils.init`: a module whose own initialization leaves no trace."""

from __future__ import annotations

import inspect
from typing import Any

from minigrad.nn.module import Module
from minigrad.random import keep_states, restore_states
from minigrad.shown_values import shorten


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module of `module_cls` whose parameters await values of your own: it draws nothing from the random generators.

    What the parameters hold until then is not specified. (Here they are initialized, and the generators are put back.)
    Raises RuntimeError for what is no Module, or takes no `device`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.skip_init.html

    >>> import minigrad as torch
    >>> m = torch.nn.utils.skip_init(torch.nn.Linear, 5, 1)
    >>> torch.nn.init.ones_(m.weight).requires_grad
    True
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {shorten(module_cls, str)}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError(f"Module must support a 'device' arg to skip initialization: {module_cls.__name__} has none")
    states = keep_states()
    module = module_cls(*args, **kwargs)
    restore_states(states)
    return module
