"""What happens when a class of modules is made: Python's own errors will name it, and functions stay functions.

Also what is said of a class whose `forward` is not there, or gives nothing.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from minigrad.advice import is_wanted


def own_method(cls: type, name: str) -> None:
    """Gives `cls` a copy of an inherited method, so that Python's errors name `cls`.

    "Conv2d.__init__() missing 1 required positional argument: 'kernel_size'", not "Convolution.__init__() missing ...".
    """
    inherited = getattr(cls, name)
    if hasattr(inherited, "names_class"):
        inherited = inherited.__wrapped__
    if isinstance(inherited, FunctionType) and name not in vars(cls):
        own = FunctionType(inherited.__code__, inherited.__globals__, name, closure=inherited.__closure__)
        own.__defaults__, own.__kwdefaults__ = inherited.__defaults__, inherited.__kwdefaults__
        own.__annotations__, own.__module__ = inherited.__annotations__, inherited.__module__
        own.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, own)


def keep_functions_unbound(cls: type) -> None:
    """Allows a function of this library as an attribute of a user's class: ``act = torch.relu``, called `self.act(x)`.

    PyTorch's functions are builtins, which Python never binds to an instance; a plain function becomes a method.
    """
    if cls.__module__.startswith("minigrad."):
        return
    for name, value in list(vars(cls).items()):
        if isinstance(value, FunctionType) and str(value.__module__).split(".")[0] == "minigrad":  # None in a bare exec
            is_method = "." in value.__qualname__ or name.startswith("__")  # of another class, or of Python's own
            if not is_method:
                setattr(cls, name, staticmethod(value))


def forward_unimplemented(self: Any, *_: Any, **__: Any) -> Any:
    """Raises NotImplementedError: the class of this module defines no `forward`."""
    from minigrad.nn.complaints import missing_forward

    raise missing_forward(type(self))


def notice_no_result(module: Any) -> Any:
    """None, as `forward` returned it; advises, once, if that has no return statement with a value."""
    if is_wanted("forward gave None"):
        from minigrad.nn.complaints import advise_of_no_result

        advise_of_no_result(module)
    return None
