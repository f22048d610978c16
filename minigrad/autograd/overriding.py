"""`__torch_function__`: a class that takes over the functions that are called with its instances.

A function that meets an operand of no class in `core.plain_classes` asks `is_overridden`, and leaves such a call to
`call_overridden`. So a call of plain tensors pays nothing. Where a helper checks the operands, it raises `Overridden`,
and the public function, or its decorator, catches it. `overrides.py` has PyTorch's names for these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from minigrad.autograd.core import TensorBase, plain_classes
from minigrad.autograd.trees import replace_children

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_switched_off: ContextVar[bool] = ContextVar("minigrad_overriding_switched_off", default=False)


class Overridden(TypeError):  # noqa: N818 (it tells of no error)
    """Raised by a check of tensors that finds one whose class overrides functions; the public function catches it."""


class DisableTorchFunctionSubclass:
    """A context in which no class overrides a function: what is called computes.

    >>> import minigrad as torch
    >>> class Marked(torch.Tensor):
    ...     pass
    >>> with torch._C.DisableTorchFunctionSubclass():
    ...     type(torch.ones(1).as_subclass(Marked) * 2)
    <class 'minigrad.Tensor'>
    """

    def __enter__(self) -> None:
        self._token = _switched_off.set(True)

    def __exit__(self, *_: object) -> None:
        _switched_off.reset(self._token)


def disabled_torch_function(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The `__torch_function__` of classes that override nothing, such as Parameter: the function itself."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


def without_overriding(check: Callable[..., T], *args: Any) -> T:
    """``check(*args)``, a check of tensors by a function that no class overrides, such as a module's `forward`."""
    with DisableTorchFunctionSubclass():
        return check(*args)


def overrides(x: Any) -> bool:
    """Whether the class of `x` overrides functions."""
    cls = x.__class__
    found = None if cls in plain_classes else getattr(cls, "__torch_function__", None)
    return found is not None and found is not disabled_torch_function


def is_overridden(*operands: Any) -> bool:
    """Whether an operand, or an element of a list of operands, overrides the function that is called."""
    return any(map(overrides, _flatten(operands))) and not _switched_off.get()


def check_override(operands: Iterable[Any]) -> None:
    """Raises `Overridden` if the class of an operand overrides functions."""
    for x in operands:
        if x.__class__ not in plain_classes and is_overridden(x):
            raise Overridden(f"{type(x).__name__} overrides functions by its __torch_function__")


def is_no_tensor(x: Any) -> bool:
    """Whether an operand is no tensor. Raises `Overridden` if its class overrides functions."""
    check_override((x,))
    return not isinstance(x, TensorBase)


def call_overridden(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What the classes of the arguments make of ``function(*args, **kwargs)``: subclasses are asked first.

    Raises TypeError if all of them return NotImplemented.
    """
    given = {name: value for name, value in kwargs.items() if value is not None}
    asked = find_overriding((*args, *given.values()))
    types = tuple(map(type, asked))
    for x in asked:
        try:
            result = type(x).__torch_function__(function, types, args, given)
        except Exception as error:
            _leave_out_search(error)
            raise
        if result is not NotImplemented:
            return result
    kinds = "\n".join([f"  - tensor subclass {cls}" for cls in types])
    told = "all __torch_function__ handlers returned NotImplemented"
    raise TypeError(f"Multiple dispatch failed for '{function.__name__}'; {told}:\n\n{kinds}") from None


def _leave_out_search(error: BaseException) -> None:
    """Cuts `Overridden`, which is no error of the user's, off those that were handled when `error` was raised."""
    while error.__context__ is not None and not isinstance(error.__context__, Overridden):
        error = error.__context__
    error.__context__ = None


def find_overriding(operands: Iterable[Any]) -> list[Any]:
    """One operand of each class that overrides functions, in order, but subclasses before their bases."""
    found: list[Any] = []
    for x in filter(overrides, _flatten(operands)):
        if type(x) not in map(type, found):
            place = next((i for i, other in enumerate(found) if issubclass(type(x), type(other))), len(found))
            found.insert(place, x)
    return found


def _flatten(operands: Iterable[Any]) -> Iterator[Any]:
    for x in operands:
        if x.__class__ is tuple or x.__class__ is list:
            yield from x
        else:
            yield x


def overridable(function: F) -> F:
    """Decorates a function that has no other decorator: its check of tensors may find one that overrides it."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Overridden:
            return call_overridden(call, args, kwargs)

    return call  # type: ignore[return-value]


def as_instances(result: Any, cls: Any) -> Any:
    """`result` with its tensors as instances of `cls`, also within tuples and lists."""
    if isinstance(result, (tuple, list)):
        return replace_children(result, [as_instances(x, cls) for x in result])
    is_other = hasattr(result, "as_subclass") and not isinstance(result, cls)
    return result.as_subclass(cls) if is_other else result
