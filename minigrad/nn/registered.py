"""PyTorch's `_parameters`, `_buffers` and `_modules`: live views of what a module has registered."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any


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
        self._module._register(self._kind, name, value)

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
