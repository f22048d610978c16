"""Errors for wrong arguments of a layer's constructor: they name the layer's class and the argument that was meant."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any, Self

from minigrad.tensor import Tensor


class NamesOptions:
    """A class whose constructor raises TypeError for an option that it does not take, with the one that was meant."""

    def __new__(cls, *_: Any, **options: Any) -> Self:
        if options:
            known = _read_names(cls)
            if known is not None and not options.keys() <= set(known):
                raise unknown_option(cls, options, known)
        return object.__new__(cls)


def _read_names(cls: Any) -> tuple[str, ...] | None:
    """The names of the options that the constructor of a class takes; None where it takes any."""
    code = getattr(cls.__init__, "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARKEYWORDS:
        return None
    return code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]


def unknown_option(cls: type, options: dict[str, Any], known: tuple[str, ...]) -> TypeError:
    """The error for the first of `options` that is not `known`, with the one that was meant."""
    from difflib import get_close_matches

    option = next(name for name in options if name not in known)
    meant = [name for name in known if name.startswith(option)] or get_close_matches(option, known, 1)
    hint = f"; did you mean {meant[0]!r}?" if meant else f"; it takes {', '.join(known) or 'none'}"
    return TypeError(f"{cls.__name__}() got an unexpected keyword argument {option!r}{hint}")


def refuse_input(cls: type, given: tuple[Any, ...]) -> None:
    """Raises TypeError for a tensor among a layer's options: the user probably meant it as the layer's input."""
    init: Any = cls.__init__  # type: ignore[misc]
    if str(init.__module__).startswith("minigrad."):
        places = init.__code__.co_varnames[1 : init.__code__.co_argcount]
        for name, value in zip(places, given, strict=False):
            if isinstance(value, Tensor) and value.ndim and "Tensor" not in init.__annotations__[name]:
                raise TypeError(made_with_input(cls, name, value))


def made_with_input(cls: type, option: str, given: Tensor) -> str:
    """The message for a layer whose constructor was called with its input."""
    name = cls.__name__
    return (
        f"{name}() got a tensor of shape {tuple(given.shape)} as its argument {option!r}: a layer is made first and "
        f"called then, nn.{name}({'...' if _has_required(cls) else ''})(x)"
    )


def _has_required(cls: type) -> bool:
    parameters = inspect.signature(cls).parameters.values()
    return any(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


def own_method(cls: type, name: str) -> None:
    """Gives `cls` a copy of an inherited method, so that Python's errors name `cls`.

    "Conv2d.__init__() missing 1 required positional argument: 'kernel_size'", not "Convolution.__init__() missing ...".
    """
    inherited = getattr(cls, name)
    if isinstance(inherited, FunctionType) and name not in vars(cls):
        own = FunctionType(inherited.__code__, inherited.__globals__, name, closure=inherited.__closure__)
        own.__defaults__, own.__kwdefaults__ = inherited.__defaults__, inherited.__kwdefaults__
        own.__annotations__, own.__module__ = inherited.__annotations__, inherited.__module__
        own.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, own)


def keep_functions_unbound(cls: type) -> None:
    """Allows a function of this library as a class attribute: ``act = torch.relu``, called as ``self.act(x)``.

    PyTorch's functions are builtins, which Python never binds to an instance; a plain function becomes a method.
    """
    for name, value in list(vars(cls).items()):
        if isinstance(value, FunctionType) and str(value.__module__).split(".")[0] == "minigrad":  # None in a bare exec
            is_method = "." in value.__qualname__  # a method of another class
            if not is_method:
                setattr(cls, name, staticmethod(value))
