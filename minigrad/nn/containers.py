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
    """What `Sequential` and `ModuleList` share: a list of modules, named "0", "1", ..."""

    def _name_at(self, index: Any) -> str:
        names: list[str] = list(self._modules)
        position = operator.index(index)
        if not -len(names) <= position < len(names):
            raise IndexError(
                f"index {position} is out of range: this {type(self).__name__} holds "
                f"{len(names)} modules"
            )
        return names[position]

    def _hold(self, modules: Iterable[Module]) -> None:
        """Hold these modules instead, numbered from 0."""
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._part(list(self._modules.items())[index])
        return self._modules[self._name_at(index)]

    def _part(self, items: list[tuple[str, Module]]) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: Any, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: Any) -> None:
        modules = list(self._modules.values())
        del modules[operator.index(index) if not isinstance(index, slice) else index]
        self._hold(modules)

    def pop(self, key: Any) -> Any:
        """Take the module at this position out and return it."""
        module = self[key]
        del self[key]
        return module

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Any) -> Self:
        """Add several modules at the end. Raises `TypeError` for anything not iterable."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, "
                f"but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module in before this position."""
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._hold(modules)
        return None

    def __iadd__(self, other: Any) -> Self:
        return self.extend(other)


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

    def _part(self, items: list[tuple[str, Module]]) -> Any:
        return type(self)(dict(items))

    def insert(self, index: int, module: Module) -> Self:
        """Put a module in before this position."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type {Module}, got {type(module).__name__}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}, with {len(self)} modules")
        super().insert(index, module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        self._check_addend(other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Self:  # type: ignore[misc]
        self._check_addend(other)
        return self.extend(other)

    def _check_addend(self, other: Any) -> None:
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, "
                f"but {type(other)} is given; append() takes a single module"
            )

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*self._repeated(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        self._hold(self._repeated(times))
        return self

    def _repeated(self, times: Any) -> list[Module]:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return list(self) * times


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

    def _part(self, items: list[tuple[str, Module]]) -> Any:
        return type(self)(module for _, module in items)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        groups: list[
            tuple[int, int, str]
        ] = []  # first, last, text: equal neighbours share one line
        for i, text in enumerate(map(repr, self)):
            if groups and groups[-1][2] == text:
                groups[-1] = (groups[-1][0], i, text)
            else:
                groups.append((i, i, text))
        lines = [
            (str(a), text) if a == b else (f"{a}-{b}", f"{b - a + 1} x {text}")
            for a, b, text in groups
        ]
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
        name = type(self).__name__
        if not isinstance(entries, Iterable):
            raise TypeError(
                f"{name}.update should be called with an iterable of key/value pairs, "
                f"but got {type(entries).__name__}"
            )
        pairs = entries.items() if isinstance(entries, Mapping) else entries
        for position, pair in enumerate(pairs):
            if not isinstance(pair, Iterable):
                raise TypeError(
                    f"{name} update sequence element #{position} should be Iterable; "
                    f"is {type(pair).__name__}"
                )
            pair = tuple(pair)
            if len(pair) != 2:
                raise ValueError(
                    f"{name} update sequence element #{position} has length {len(pair)}; "
                    "2 is required"
                )
            self[pair[0]] = pair[1]


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


def _trained(value: Any) -> Any:
    """A tensor as a parameter; anything else as it is."""
    plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
    return Parameter(value) if plain else value


def _listing(items: Iterable[tuple[Any, Any]], typename: Callable[[Tensor], str]) -> str:
    """What the parameter containers print: a line per entry, with its type and size."""
    lines = []
    for key, value in items:
        text = f"Object of type: {type(value).__name__}"
        if isinstance(value, Tensor):
            size = "x".join(map(str, value.shape))
            place = "" if value.device.type == "cpu" else f" ({value.device})"
            text = f"Parameter containing: [{typename(value)} of size {size}{place}]"
        lines.append(f"  ({key}): {text}")
    return "\n".join(lines)


class ParameterList(Module):
    """A list whose tensors become parameters of the module that holds it.

    >>> import minigrad as torch
    >>> len(torch.nn.ParameterList([torch.ones(2), torch.ones(3)]))
    2
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name_at(self, index: Any) -> str:
        position = operator.index(index)
        if not -self._size <= position < self._size:
            raise IndexError(
                f"index {position} is out of range: this ParameterList holds {self._size} values"
            )
        return str(position % self._size)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(self[i] for i in range(self._size)[index])
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name_at(index), _trained(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self._size))

    def append(self, value: Any) -> Self:
        """Add a value at the end; a tensor becomes a parameter."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Any) -> Self:
        """Add several values at the end. Raises `TypeError` for what is no list of them."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                "ParameterList.extend should be called with an iterable, "
                f"but got {type(values).__name__}"
            )
        for value in values:
            self.append(value)
        return self

    __iadd__ = extend

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("ParameterList should not be called: it holds parameters, no forward")

    def extra_repr(self) -> str:
        return _listing(enumerate(self), lambda value: str(value.dtype))


class ParameterDict(Named):
    """A dictionary whose tensors become parameters of the module that holds it.

    >>> import minigrad as torch
    >>> list(torch.nn.ParameterDict({"gain": torch.ones(1)}).keys())
    ['gain']
    """

    def __init__(self, parameters: Any = None) -> None:
        self.__dict__["_keys"] = {}
        super().__init__(parameters)

    def _entries(self) -> MutableMapping[str, Any]:
        return {key: getattr(self, key) for key in self._keys}

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(self._checked(key))

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, self._checked(key), _trained(value))
        self._keys[key] = None

    def _checked(self, key: Any) -> str:
        if isinstance(key, str):
            return key
        raise TypeError(
            f"Index given to ParameterDict cannot be used as a key as it is not a string "
            f"(type is '{type(key).__name__}')"
        )

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def update(self, entries: Any) -> None:  # type: ignore[override]
        """Add the entries of a mapping (a plain one in the order of its keys), or pairs."""
        if isinstance(entries, Mapping) and not isinstance(entries, (OrderedDict, ParameterDict)):
            entries = sorted(entries.items())
        super().update(entries)

    def copy(self) -> ParameterDict:
        """A dictionary of the same parameters."""
        return ParameterDict(self)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called: it holds parameters, no forward")

    def extra_repr(self) -> str:
        return _listing(
            self.items(), lambda value: f"minigrad.{_TYPENAMES[value.dtype.name]}Tensor"
        )


_TYPENAMES = {
    "float16": "Half",
    "float32": "Float",
    "float64": "Double",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "bool": "Bool",
}
