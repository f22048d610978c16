"""`__torch_function__`: a class, or a mode, that takes over the functions that are called with its instances.

A public function whose arguments are not all of the classes in `core.plain_classes` calls `ask`, and returns the answer
if there is one. So a call of plain tensors pays for one test. While a mode is on, no class is plain, and every call
asks. `overrides.py` has PyTorch's names for these functions.
"""

from __future__ import annotations

from _thread import allocate_lock  # `threading` itself takes a millisecond to import
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from inspect import unwrap
from types import MappingProxyType
from typing import Any

from minigrad.autograd.core import plain_classes
from minigrad.autograd.trees import replace_children

_OF_PYTHON = frozenset({int, float, bool, str, type(None)})
_plain: set[Any] = set()  # of tensors that override nothing, whether a mode is on or not
never_overriding: set[Any] = {*_OF_PYTHON}  # and, while no mode is on, the plain ones
_modes_on = 0  # in all threads
_lock = allocate_lock()  # guards these four
_NONE: Mapping[str, Any] = MappingProxyType({})
_switched_off: ContextVar[bool] = ContextVar("minigrad_overriding_switched_off", default=False)
_modes: ContextVar[tuple[Any, ...]] = ContextVar("minigrad_torch_function_modes", default=())
_called_plainly: ContextVar[Any] = ContextVar("minigrad_function_called_plainly", default=None)


# ---- asking --------------------------------------------------------------------------------------
def ask(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any] = _NONE) -> Any:
    """What the mode that is on, or the classes of the arguments, make of ``function(*args, **kwargs)``.

    NotImplemented if nothing overrides the function. Raises TypeError if all that are asked return NotImplemented.
    """
    for x in (*args, *kwargs.values()) if kwargs else args:
        if x.__class__ not in never_overriding and not _is_plain_list(x):
            break
    else:  # nearly always
        if never_overriding:  # which is empty in a mode
            return NotImplemented
    return _ask_all(function, args, kwargs) if is_overridden(*args, *kwargs.values()) else NotImplemented


def _ask_all(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The first answer: of the innermost mode, then of the classes, subclasses before their bases."""
    modes = _modes.get()
    given = {name: value for name, value in kwargs.items() if value is not None}
    asked = [] if _switched_off.get() else _find_overriding((*args, *given.values()))
    types = tuple(map(type, asked))
    if modes:
        before = _modes.set(modes[:-1])  # what the mode calls is for those around it
        try:
            result = modes[-1].__torch_function__(function, types, args, given)
        finally:
            _modes.reset(before)
        if result is not NotImplemented:
            return result
    for x in asked:
        result = type(x).__torch_function__(function, types, args, given)
        if result is not NotImplemented:
            return result
    refusing = [f"  - mode object {mode}" for mode in modes[-1:]] + [f"  - tensor subclass {cls}" for cls in types]
    told = "all __torch_function__ handlers returned NotImplemented"
    raise TypeError(f"Multiple dispatch failed for '{function.__name__}'; {told}:\n\n" + "\n".join(refusing)) from None


def overrides(x: Any) -> bool:
    """Whether the class of `x` overrides functions."""
    cls = x.__class__
    found = None if cls in _plain else getattr(cls, "__torch_function__", None)
    return found is not None and found is not disabled_torch_function and not _is_pytorchs(cls)


def _is_pytorchs(cls: Any) -> bool:
    """Whether a class is PyTorch's own Tensor, or one of its: asked, it would call our function again, for ever."""
    return any(base.__module__ == "torch" and base.__name__ == "Tensor" for base in cls.__mro__)


def is_overridden(*operands: Any) -> bool:
    """Whether a mode overrides the function that is called, or an operand, or an element of a list of operands."""
    return bool(_modes.get()) or (any(map(overrides, _flatten(operands))) and not _switched_off.get())


def _is_plain_list(x: Any) -> bool:
    if x.__class__ is not tuple and x.__class__ is not list:
        return False
    for element in x:  # noqa: SIM110 (quicker than all())
        if element.__class__ not in never_overriding:
            return False
    return True


def find_operands(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments of `function` that may be tensors, as its annotations say."""
    innermost = unwrap(function)
    code, types = innermost.__code__, innermost.__annotations__ | {"self": "Tensor"}
    names = code.co_varnames[: code.co_argcount]
    kinds = {name: str(types.get(name)) for name in names}
    return [name for name, kind in kinds.items() if "Tensor" in kind or "Operand" in kind]


def _find_overriding(operands: Iterable[Any]) -> list[Any]:
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


# ---- answering -----------------------------------------------------------------------------------
class DisableTorchFunctionSubclass:
    """A context in which no class overrides a function: what is called computes, unless a mode is on.

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


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """A context in which neither classes nor modes override a function.

    >>> import minigrad as torch
    >>> with torch._C.DisableTorchFunction():
    ...     torch.overrides.has_torch_function((torch.ones(1),))
    False
    """

    def __enter__(self) -> None:
        super().__enter__()
        self._modes = _modes.set(())

    def __exit__(self, *_: object) -> None:
        _modes.reset(self._modes)
        super().__exit__()


def disabled_torch_function(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The `__torch_function__` of classes that override nothing, such as Parameter: the function itself.

    Raises TypeError if the function asks here again: so does PyTorch's own, which does not know our tensors.
    """
    if _called_plainly.get() is func:
        name = getattr(func, "__name__", repr(func))
        raise TypeError(
            f"{name}() of another library got a minigrad.Tensor; minigrad has a function of this name, or the tensor "
            "goes through NumPy: torch.from_numpy(x.detach().numpy())"
        )
    called = _called_plainly.set(func)
    try:
        with DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))
    finally:
        _called_plainly.reset(called)


def as_instances(result: Any, cls: Any) -> Any:
    """`result` with its tensors as instances of `cls`, also within tuples and lists."""
    if isinstance(result, (tuple, list)):
        return replace_children(result, [as_instances(x, cls) for x in result])
    is_other = hasattr(result, "as_subclass") and not isinstance(result, cls)
    return result.as_subclass(cls) if is_other else result


def declare_plain(cls: Any) -> None:
    """Says that `cls`, of tensors, overrides no function."""
    with _lock:
        _plain.add(cls)
        _list_classes()


# ---- modes ---------------------------------------------------------------------------------------
def enter_mode(mode: Any) -> None:
    """Puts `mode` on top of those that are on."""
    _modes.set((*_modes.get(), mode))
    _count_modes(1)


def leave_mode() -> None:
    """Takes off the mode on top."""
    _modes.set(_modes.get()[:-1])
    _count_modes(-1)


def _count_modes(change: int) -> None:
    global _modes_on
    with _lock:
        _modes_on += change
        _list_classes()


def _list_classes() -> None:
    """Lists the classes with which a call asks nobody: none while a mode is on in any thread."""
    for listed, classes in ((plain_classes, _plain), (never_overriding, _plain | _OF_PYTHON)):
        if _modes_on:
            listed.clear()
        else:
            listed.update(classes)
