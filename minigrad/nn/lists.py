"""The base classes of all lists of modules: how they are indexed, extended and changed."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any, Self

from minigrad.nn.module import Module
from minigrad.nn.registry import MODULE, TAKES
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor


class ListContainer(Module):
    """The base class of lists, which hold modules or other values under the names "0", "1", ..."""

    _order: list[str]  # the names, so that an index is found without a search

    def __init__(self) -> None:
        super().__init__()
        self._order = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_order": [*self._order]}

    def _put(self, name: str, value: Any) -> None:
        self.add_module(name, value)

    def _name_at(self, index: Any) -> str:
        if not hasattr(index, "__index__"):
            raise TypeError(
                f"{type(self).__name__} is indexed by a whole number or a slice, not by {show_value(index)}"
            )
        position = operator.index(index)
        if not -len(self._order) <= position < len(self._order):
            raise IndexError(f"index {position} is out of range: this {type(self).__name__} holds {len(self._order)}")
        return self._order[position]

    def _hold(self, values: list[Any], start: int) -> None:
        """Replaces the values from `start` on, numbered from there; from 0 on if those before it have other names."""
        if self._order[:start] != [*map(str, range(start))]:
            start = 0
        for name in reversed(self._order[start:]):
            delattr(self, name)
        del self._order[start:]
        self.extend(values[start:])

    def _forget(self, name: str) -> None:
        """Takes a name out of the order, the last one without a search."""
        if self._order[-1] == name:
            self._order.pop()
        else:
            self._order.remove(name)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Any]:
        return iter([*map(self.__dict__.__getitem__, self._order)])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])  # type: ignore[call-arg]
        return self.__dict__[self._name_at(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._put(self._name_at(index), value)

    def __delitem__(self, index: Any) -> None:
        values = list(self)
        if not isinstance(index, slice):
            self._name_at(index)
        places = range(len(values))[index]  # one, or those of a slice
        del values[index]
        self._hold(values, min(places, default=len(values)) if isinstance(places, range) else places)

    def append(self, value: Any) -> Self:
        """Adds a value at the end, and returns the list.

        >>> from minigrad import nn
        >>> len(nn.ModuleList([nn.ReLU()]).append(nn.Tanh()))
        2
        """
        self._put(str(len(self)), value)
        return self

    def extend(self, values: Any) -> Self:
        """Adds several values at the end, and returns the list. Raises `TypeError` unless they are iterable.

        >>> from minigrad import nn
        >>> len(nn.ModuleList([nn.ReLU()]).extend([nn.Tanh(), nn.ReLU()]))
        3
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            name, got = type(self).__name__, type(values).__name__
            detail = "a single one is put into a list: [x]"
            raise TypeError(f"{name}.extend should be called with an iterable, but got {got}; {detail}")
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend

    def insert(self, index: int, value: Any) -> Self:
        """Inserts a value before this position; those behind it move on. Raises `IndexError` beyond the end.

        >>> from minigrad import nn
        >>> nn.Sequential(nn.ReLU()).insert(0, nn.Tanh())
        Sequential(
          (0): Tanh()
          (1): ReLU()
        )
        """
        values = list(self)
        if not -len(values) <= index <= len(values):
            raise IndexError(f"index {index} is out of range: this {type(self).__name__} holds {len(values)}")
        self.append(value)  # which refuses what cannot be held, before anything is moved
        values.insert(index, value)
        self._hold(values, index if index >= 0 else index + len(values) - 1)
        return self

    def pop(self, key: Any) -> Any:
        """Removes the value at this position and returns it.

        >>> from minigrad import nn
        >>> nn.Sequential(nn.ReLU(), nn.Tanh()).pop(0)
        ReLU()
        """
        value = self[key]
        del self[key]
        return value


class ListOfModules(ListContainer):
    """The base class of lists of modules: every registered module is an element."""

    def insert(self, index: int, value: Any) -> Self:
        """Inserts a module before this position. Raises TypeError for anything else.

        >>> from minigrad import nn
        >>> nn.ModuleList([nn.ReLU()]).insert(0, nn.Tanh())[0]
        Tanh()
        """
        if not isinstance(value, TAKES[MODULE]):
            from minigrad.nn.complaints import not_registered

            raise not_registered(MODULE, str(index), value)  # names the place asked for; append would name the end
        return super().insert(index, value)

    def _register(self, kind: str, name: str, value: Any) -> None:
        if kind == MODULE and self._kinds.get(name) != MODULE:
            self._order.append(name)
        super()._register(kind, name, value)

    def _unregister(self, name: str) -> None:
        if self._kinds.get(name) == MODULE:
            self._forget(name)
        super()._unregister(name)
