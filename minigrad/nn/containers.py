"""Modules that hold modules or parameters: by position, or by name."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from minigrad.nn.module import Module, described
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import MODULE
from minigrad.tensor import Tensor


class Numbered(Module):
    """What the lists share: they hold modules, or other values, under the names "0", "1", ..."""

    def _entries(self) -> Mapping[str, Any]:
        entries: Mapping[str, Any] = self._modules
        return entries

    def _put(self, name: str, value: Any) -> None:
        self.add_module(name, value)

    def _name_at(self, index: Any) -> str:
        names = list(self._entries())
        position = operator.index(index)
        if not -len(names) <= position < len(names):
            raise IndexError(f"index {position} is out of range: this {type(self).__name__} holds {len(names)}")
        return names[position]

    def __len__(self) -> int:
        return len(self._entries())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries().values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])  # type: ignore[call-arg]
        return self._entries()[self._name_at(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._put(self._name_at(index), value)

    def __delitem__(self, index: Any) -> None:
        values = list(self)
        del values[index]
        self._hold(values)

    def _hold(self, values: list[Any]) -> None:
        """Hold these values instead, numbered from 0."""
        for name in list(self._entries()):
            delattr(self, name)
        self.extend(values)

    def pop(self, key: Any) -> Any:
        """Take out what is at this position and return it."""
        value = self[key]
        del self[key]
        return value

    def append(self, value: Any) -> Self:
        """Add one at the end."""
        self._put(str(len(self)), value)
        return self

    def extend(self, values: Any) -> Self:
        """Add several at the end. Raises `TypeError` for anything that is no list of them."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend

    def insert(self, index: int, value: Any) -> Self:
        """Put one in before this position."""
        values = list(self)
        values.insert(index, value)
        self._hold(values)
        return self


class Sequential(Numbered):
    """Layers applied one after the other: ``Sequential(a, b)(x) == b(a(x))``.

    Takes the layers, or one `OrderedDict` of names and layers. Can be indexed, sliced, iterated,
    appended to, added and repeated. As `torch.nn.Sequential`.

    >>> from minigrad import nn
    >>> nn.Sequential(nn.Linear(4, 2), nn.ReLU())
    Sequential(
      (0): Linear(in_features=4, out_features=2, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def forward(self, input: Any) -> Any:
        attributes = self.__dict__
        for name, kind in self._kinds.items():
            if kind == MODULE:
                input = attributes[name](input)
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):  # the names are kept
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def insert(self, index: int, module: Module) -> Self:
        """Put a layer in before this position."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type {Module}, got {type(module).__name__}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}, with {len(self)} modules")
        return super().insert(index, module)

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, "
                f"but {type(other)} is given; append() takes a single module"
            )
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return Sequential(*list(self) * times)

    __rmul__ = __mul__


class ModuleList(Numbered):
    """A list whose modules are found by `parameters()` and the rest. It has no forward.

    >>> from minigrad import nn
    >>> layers = nn.ModuleList(nn.Linear(10, 10) for _ in range(3))
    >>> layers
    ModuleList(
      (0-2): 3 x Linear(in_features=10, out_features=10, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        groups: list[tuple[int, int, str]] = []  # first, last, text: equal neighbours share one line
        for i, text in enumerate(map(repr, self)):
            first = groups.pop()[0] if groups and groups[-1][2] == text else i
            groups.append((first, i, text))
        lines = [(str(a), text) if a == b else (f"{a}-{b}", f"{b - a + 1} x {text}") for a, b, text in groups]
        return described(self._get_name(), "", lines)


class Named(Module, MutableMapping[str, Any]):
    """What `ModuleDict` and `ParameterDict` share: the methods of a dictionary."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, entries: Any = None) -> None:
        super().__init__()
        if entries is not None:
            self.update(entries)

    def _entries(self) -> MutableMapping[str, Any]:
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        return self._entries()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries()

    def __delitem__(self, key: str) -> None:
        del self._entries()[key]

    def __len__(self) -> int:
        return len(self._entries())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def update(self, entries: Any) -> None:  # type: ignore[override]
        """Add the entries of a mapping, or of an iterable of pairs; equal names are replaced.

        Raises `TypeError` or `ValueError` for anything else.
        """
        pairs = entries.items() if isinstance(entries, Mapping) else entries
        if not isinstance(pairs, Iterable):
            raise TypeError(
                f"{type(self).__name__}.update should be called with an iterable of key/value "
                f"pairs, but got {type(entries).__name__}"
            )
        for position, pair in enumerate(pairs):
            try:
                key, value = pair
            except (TypeError, ValueError) as fault:
                raise type(fault)(
                    f"{type(self).__name__}.update: element #{position} should be a name and a value, got {pair!r}"
                ) from None
            self[key] = value


class ModuleDict(Named):
    """A dictionary whose modules are found by `parameters()` and the rest. It has no forward.

    >>> from minigrad import nn
    >>> nn.ModuleDict({"act": nn.ReLU()})["act"]
    ReLU()
    """

    def _entries(self) -> MutableMapping[str, Any]:
        entries: MutableMapping[str, Any] = self._modules
        return entries

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def keys(self) -> Any:
        """The names, as a dictionary's."""
        return dict(self._modules).keys()

    def values(self) -> Any:
        """The modules, as a dictionary's."""
        return dict(self._modules).values()

    def items(self) -> Any:
        """Pairs of name and module, as a dictionary's."""
        return dict(self._modules).items()


def _trained(value: Any) -> Any:
    """A tensor as a parameter; anything else as it is."""
    plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
    return Parameter(value) if plain else value


def _listing(entries: Mapping[str, Any], typename: Callable[[Tensor], Any]) -> str:
    """What the parameter containers print: a line per entry, with its type and size."""
    lines = []
    for key, value in entries.items():
        text = f"Object of type: {type(value).__name__}"
        if isinstance(value, Tensor):
            size = "x".join(map(str, value.shape))
            place = "" if value.device.type == "cpu" else f" ({value.device})"
            text = f"Parameter containing: [{typename(value)} of size {size}{place}]"
        lines.append(f"  ({key}): {text}")
    return "\n".join(lines)


def _uncallable(self: Module, *_: Any, **__: Any) -> Any:
    name = type(self).__name__
    raise RuntimeError(f"{name} should not be called: it holds parameters and has no forward")


class ParameterList(Numbered):
    """A list whose tensors become parameters of the module that holds it.

    >>> import minigrad as torch
    >>> len(torch.nn.ParameterList([torch.ones(2), torch.ones(3)]))
    2
    """

    __call__ = _uncallable

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend([] if values is None else values)

    def _entries(self) -> Mapping[str, Any]:
        return {n: vars(self)[n] for n in sorted(filter(str.isdigit, vars(self)), key=int)}

    def _put(self, name: str, value: Any) -> None:
        setattr(self, name, _trained(value))

    def extra_repr(self) -> str:
        return _listing(self._entries(), lambda value: value.dtype)


class ParameterDict(Named):
    """A dictionary whose tensors become parameters of the module that holds it.

    >>> import minigrad as torch
    >>> list(torch.nn.ParameterDict({"gain": torch.ones(1)}).keys())
    ['gain']
    """

    __call__ = _uncallable

    def __init__(self, parameters: Any = None) -> None:
        self._keys: dict[str, None] = {}
        super().__init__(parameters)

    def _entries(self) -> MutableMapping[str, Any]:
        return {key: getattr(self, key) for key in self._keys}

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(self._checked(key))

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, self._checked(key), _trained(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def _checked(self, key: Any) -> str:
        if isinstance(key, str):
            return key
        raise TypeError(f"a ParameterDict is indexed by a string, got {type(key).__name__}")

    def update(self, entries: Any) -> None:  # type: ignore[override]
        """Add the entries of a mapping (a plain one in the order of its keys), or pairs."""
        if isinstance(entries, Mapping) and not isinstance(entries, (OrderedDict, ParameterDict)):
            entries = sorted(entries.items())
        super().update(entries)

    def copy(self) -> ParameterDict:
        """A dictionary of the same parameters."""
        return ParameterDict(self)

    def extra_repr(self) -> str:
        return _listing(self._entries(), Tensor.type)
