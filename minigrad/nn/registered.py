"""What a module has registered: live views, PyTorch's `_parameters`, `_buffers`, `_modules`; and its replacement."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any

from minigrad.nn.complaints import check_begun, wrong_kind
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.registry import BUFFER, MODULE, PARAMETER, Registry
from minigrad.tensor import Tensor

_NOT_REPLACED_BY = {PARAMETER: (BUFFER, MODULE), MODULE: (BUFFER,)}  # a parameter replaces anything


class Registered(MutableMapping[str, Any]):
    """A live view of a module's attributes of one kind, in the order of their registration."""

    __slots__ = ("_kind", "_module")

    def __init__(self, module: Any, kind: str) -> None:
        self._module, self._kind = module, kind

    def _list_names(self) -> list[str]:
        return [name for name, kind in self._module._kinds.items() if kind == self._kind]

    def _as_dict(self) -> dict[str, Any]:
        return {name: self._module.__dict__[name] for name in self._list_names()}

    def __getitem__(self, name: str) -> Any:
        if self._module._kinds.get(name) != self._kind:
            raise KeyError(name)
        return self._module.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        _put(self._module, self._kind, name, value)

    def __delitem__(self, name: str) -> None:
        self[name]  # raises KeyError for a missing name
        self._module._unregister(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._list_names())

    def __len__(self) -> int:
        return len(self._list_names())

    def keys(self) -> KeysView[str]:
        return self._as_dict().keys()

    def values(self) -> ValuesView[Any]:
        return self._as_dict().values()

    def items(self) -> ItemsView[str, Any]:
        return self._as_dict().items()

    def __repr__(self) -> str:
        return repr(self._as_dict())


def assign(module: Any, name: str, value: Any) -> None:
    """Assigns to an attribute of a module, and replaces what is there where PyTorch allows it.

    Raises AttributeError before `Module.__init__`, TypeError for a value of another kind.
    """
    kind = PARAMETER if isinstance(value, Parameter) else BUFFER if isinstance(value, Buffer) else MODULE
    check_begun(module, kind)
    old = module._kinds.get(name, "")
    if value is None or (old == BUFFER and isinstance(value, Tensor) and not isinstance(value, (Parameter, Buffer))):
        module.__dict__[name] = value
    elif kind in _NOT_REPLACED_BY.get(old, ()) or not isinstance(value, (Parameter, Buffer, Registry)):
        raise wrong_kind(old, name, value)
    elif kind == PARAMETER:
        if name in module.__dict__ and old != kind:
            module._unregister(name)  # removes the old attribute
        module.register_parameter(name, value)
    elif isinstance(value, Buffer):
        module.register_buffer(name, value, value.persistent)
    else:
        _put(module, kind, name, value)


def _put(module: Any, kind: str, name: str, value: Any) -> None:
    """Registers `value`: in the place of what has the name, if that is of the same kind, else behind all others."""
    if module._kinds.get(name, kind) != kind:
        module._unregister(name)
    module._register(kind, name, value)
