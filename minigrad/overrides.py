"""`torch.overrides`: what a class with `__torch_function__`, and a function that asks for it, need.

    class Logged(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            print(func.__name__)
            return super().__torch_function__(func, types, args, kwargs)

Any class may have the method, also one that does not derive from Tensor. Source: PyTorch's notes on extending it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from types import FunctionType, MethodWrapperType
from typing import Any, TypeVar

import minigrad
from minigrad.autograd.overriding import ask, enter_mode, is_overridden, leave_mode
from minigrad.missing import explain_missing
from minigrad.tensor import Tensor

__all__ = [
    "BaseTorchFunctionMode", "TorchFunctionMode", "get_overridable_functions", "handle_torch_function",
    "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like",
    "is_tensor_method_or_property", "resolve_name", "wrap_torch_function",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound="TorchFunctionMode")


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether the class of one of the arguments overrides functions.

    >>> import minigrad as torch
    >>> class Marked(torch.Tensor):
    ...     pass
    >>> torch.overrides.has_torch_function((torch.ones(1).as_subclass(Marked),))
    True
    """
    return is_overridden(*relevant_args)


def has_torch_function_unary(argument: Any) -> bool:
    """`has_torch_function` of one argument.

    >>> import minigrad as torch
    >>> torch.overrides.has_torch_function_unary(torch.ones(1))
    False
    """
    return is_overridden(argument)


def has_torch_function_variadic(*arguments: Any) -> bool:
    """`has_torch_function` of several arguments.

    >>> import minigrad as torch
    >>> torch.overrides.has_torch_function_variadic(torch.ones(1), 2)
    False
    """
    return is_overridden(*arguments)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the classes of the arguments make of ``public_api(*args, **kwargs)``.

    Without such a class it is called. Raises TypeError if all classes return NotImplemented.

    >>> import minigrad as torch
    >>> torch.overrides.handle_torch_function(torch.sum, (), torch.ones(2))
    tensor(2.)
    """
    answer = ask(public_api, args, kwargs) if is_overridden(*relevant_args) else NotImplemented
    return public_api(*args, **kwargs) if answer is NotImplemented else answer


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[F], F]:
    """Decorates a function, so that classes may override it: `dispatcher` returns those of its arguments that count.

    >>> import minigrad as torch
    >>> @torch.overrides.wrap_torch_function(lambda x: (x,))
    ... def double(x):
    ...     return x * 2
    >>> double(torch.ones(1))
    tensor([2.])
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = ask(call, args, kwargs) if is_overridden(*dispatcher(*args, **kwargs)) else NotImplemented
            return function(*args, **kwargs) if answer is NotImplemented else answer

        return call  # type: ignore[return-value]

    return decorate


class TorchFunctionMode:
    """A context whose method `__torch_function__` takes over all functions of tensors, and those that make tensors.

    Within it the mode is off, so that it may call the function itself. Of several the innermost is asked first.

    >>> import minigrad as torch
    >>> class Doubled(torch.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         return func(*args, **(kwargs or {})) * 2
    >>> with Doubled():
    ...     torch.ones(1)
    tensor([2.])
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError

    def __enter__(self: M) -> M:
        enter_mode(self)
        return self

    def __exit__(self, *_: object) -> None:
        leave_mode()


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a tensor, or has `__torch_function__`.

    >>> import minigrad as torch
    >>> torch.overrides.is_tensor_like(torch.ones(1)), torch.overrides.is_tensor_like(1)
    (True, False)
    """
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function that `__torch_function__` was told is a method or an attribute of Tensor.

    >>> import minigrad as torch
    >>> torch.overrides.is_tensor_method_or_property(torch.Tensor.shape.__get__)
    True
    """
    return isinstance(func, MethodWrapperType) or getattr(Tensor, getattr(func, "__name__", ""), None) is func


def resolve_name(f: Any) -> str | None:
    """The name of a function that `__torch_function__` was told, as "torch.Tensor.add"; None for an unknown one.

    >>> import minigrad as torch
    >>> torch.overrides.resolve_name(torch.nn.functional.linear)
    'torch.nn.functional.linear'
    """
    if isinstance(f, MethodWrapperType):
        owner = f.__self__
        for cls in Tensor.__mro__:
            for name, value in vars(cls).items():
                if value is owner:
                    return f"torch.Tensor.{name}.{f.__name__}"
        return None
    for namespace, functions in get_overridable_functions().items():
        if f in functions:
            where = "torch.Tensor" if namespace is Tensor else namespace.__name__.replace("minigrad", "torch", 1)
            return f"{where}.{f.__name__}"
    return None


def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """The functions that `__torch_function__` may be told, by the namespace where they stand.

    >>> import minigrad as torch
    >>> torch.add in torch.overrides.get_overridable_functions()[torch]
    True
    """
    places = [minigrad, minigrad.nn.functional, minigrad.linalg, minigrad.special, Tensor]
    return {place: [f for f in _read_all(place) if isinstance(f, FunctionType)] for place in places}


def _read_all(place: Any) -> list[Any]:
    names = [name for name in dir(place) if not name.startswith("_") or place is Tensor]
    return [getattr(place, name, None) for name in names]


explain_missing("torch.overrides", globals())
