"""`torch.jit`: accepted, but nothing is compiled; scripted and traced functions run as ordinary Python.

TorchScript files hold code, so they are neither written nor read.
"""

from typing import Any, NoReturn, TypeVar

from minigrad.compiler import as_it_is
from minigrad.jit import annotations
from minigrad.missing import explain_missing
from minigrad.nn import Module

__all__ = [
    "ScriptFunction", "ScriptModule", "annotate", "export", "ignore", "is_scripting", "is_tracing", "load", "save",
    "script", "script_if_tracing", "script_method", "trace", "unused",
]  # fmt: skip

T = TypeVar("T")


class ScriptModule(Module):
    """The class of scripted modules in PyTorch; nothing is an instance of it here."""


class ScriptFunction:
    """The class of scripted functions in PyTorch; nothing is an instance of it here."""


def script(obj: T, **options: Any) -> T:
    """Returns `obj`, a function, a class or a module, which runs as Python.

    >>> import minigrad as torch
    >>> torch.jit.script(torch.nn.ReLU())(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return obj


def trace(func: T, example_inputs: Any = None, **options: Any) -> T:
    """Returns `func`; each call runs its Python code, also branches, which a trace would fix.

    >>> import minigrad as torch
    >>> torch.jit.trace(torch.sin, torch.ones(1))(torch.zeros(1))
    tensor([0.])
    """
    return func


def annotate(the_type: Any, the_value: T) -> T:
    """Returns `the_value`; the type is ignored.

    >>> import minigrad as torch
    >>> torch.jit.annotate(list[int], [1])
    [1]
    """
    return the_value


export = script_method = script_if_tracing = _script_if_tracing = as_it_is
_overload = _overload_method = as_it_is  # mark declarations for other types, as in torchvision's DenseNet


def ignore(drop: Any = False, **options: Any) -> Any:
    """Marks a function that a compiler should not compile, and returns it; with an argument a decorator.

    >>> import minigrad as torch
    >>> torch.jit.ignore(abs) is abs
    True
    """
    return as_it_is(drop if callable(drop) else None)


unused = ignore


def is_scripting() -> bool:
    """False: nothing is ever compiled.

    >>> import minigrad as torch
    >>> torch.jit.is_scripting()
    False
    """
    return False


def is_tracing() -> bool:
    """False: nothing is ever traced.

    >>> import minigrad as torch
    >>> torch.jit.is_tracing()
    False
    """
    return False


def save(m: Any, f: Any, *args: Any, **options: Any) -> NoReturn:
    """Raises NotImplementedError: save the state_dict instead.

    >>> import minigrad as torch
    >>> torch.jit.save(torch.nn.ReLU(), "net.pt")
    Traceback (most recent call last):
    NotImplementedError: TorchScript files hold code, which minigrad neither writes nor runs: use minigrad.save(model.state_dict(), file), and load it into a model made by the same code
    """  # noqa: E501 (an error's text is one line)
    raise NotImplementedError(_REFUSAL)


def load(f: Any, *args: Any, **options: Any) -> NoReturn:
    """Raises NotImplementedError: save and load the state_dict instead.

    >>> import minigrad as torch
    >>> torch.jit.load("net.pt")
    Traceback (most recent call last):
    NotImplementedError: TorchScript files hold code, which minigrad neither writes nor runs: use minigrad.save(model.state_dict(), file), and load it into a model made by the same code
    """  # noqa: E501 (an error's text is one line)
    raise NotImplementedError(_REFUSAL)


_REFUSAL = (
    "TorchScript files hold code, which minigrad neither writes nor runs: use minigrad.save(model.state_dict(), file), "
    "and load it into a model made by the same code"
)
explain_missing("torch.jit", globals())
