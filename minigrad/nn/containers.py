"""Modules that hold modules or parameters: by position, or by name."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from minigrad.nn.module import Layer, Module, describe_module
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import MODULE
from minigrad.tensor import Tensor


class ListContainer(Module):
    """What the lists share: they hold modules, or other values, under the names "0", "1", ..."""

    _order: list[str]  # the names, so that an index is looked up and not searched for

    def __init__(self) -> None:
        super().__init__()
        self._order = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_order": [*self._order]}

    def _put(self, name: str, value: Any) -> None:
        self.add_module(name, value)

    def _name_at(self, index: Any) -> str:
        position = operator.index(index)
        if not -len(self._order) <= position < len(self._order):
            raise IndexError(f"index {position} is out of range: this {type(self).__name__} holds {len(self._order)}")
        return self._order[position]

    def _hold(self, values: list[Any]) -> None:
        """Hold these values instead, numbered from 0."""
        for name in reversed([*self._order]):
            delattr(self, name)
        self.extend(values)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Any]:
        return iter([self.__dict__[name] for name in self._order])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])  # type: ignore[call-arg]
        return self.__dict__[self._name_at(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._put(self._name_at(index), value)

    def __delitem__(self, index: Any) -> None:
        values = list(self)
        del values[index]
        self._hold(values)

    def append(self, value: Any) -> Self:
        """Add one at the end."""
        self._put(str(len(self)), value)
        return self

    def extend(self, values: Any) -> Self:
        """Add several at the end. Raises `TypeError` for anything that is no list of them."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            name, got = type(self).__name__, type(values).__name__
            raise TypeError(f"{name}.extend should be called with an iterable, but got {got}")
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend

    def insert(self, index: int, value: Any) -> Self:
        """Put one in before this position."""
        values = list(self)
        if not -len(values) <= index <= len(values):
            raise IndexError(f"index {index} is out of range: this {type(self).__name__} holds {len(values)}")
        values.insert(index, value)
        self._hold(values)
        return self

    def pop(self, key: Any) -> Any:
        """Take out what is at this position and return it."""
        value = self[key]
        del self[key]
        return value


class ListOfModules(ListContainer):
    """What the lists of modules share: every module that is registered is one of theirs."""

    def _register(self, kind: str, name: str, value: Any) -> None:
        if kind == MODULE and self._kinds.get(name) != MODULE:
            self._order.append(name)
        super()._register(kind, name, value)

    def _unregister(self, name: str) -> None:
        if self._kinds.get(name) == MODULE:
            self._order.remove(name)
        super()._unregister(name)


class Sequential(ListOfModules, Layer):
    """Layers applied one after the other: ``Sequential(a, b)(x) == b(a(x))``.

    Takes the layers, or one `OrderedDict` of names and layers. Can be indexed, sliced, iterated,
    appended to and added. As `torch.nn.Sequential`.

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

    def __add__(self, other: Any) -> Sequential:
        if not isinstance(other, Sequential):
            kind = type(other).__name__
            raise ValueError(f"add operator supports only Sequential, got {kind}; append() takes a single module")
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        """The same layers several times over: they share their parameters."""
        return Sequential(*self).__imul__(times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        if not isinstance(times, int):
            raise TypeError(f"a Sequential is repeated a whole number of times, got {type(times).__name__} {times!r}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times}: a Sequential is repeated 1 time or more")
        return self.extend(list(self) * (times - 1))


class ModuleList(ListOfModules):
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
        self.extend([] if modules is None else modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        groups: list[tuple[int, int, str]] = []  # first, last, text: equal neighbours share one line
        for i, text in enumerate(map(repr, self)):
            first = groups.pop()[0] if groups and groups[-1][2] == text else i
            groups.append((first, i, text))
        lines = [(str(a), text) if a == b else (f"{a}-{b}", f"{b - a + 1} x {text}") for a, b, text in groups]
        return describe_module(self._get_name(), "", lines)


class ModuleDict(Module, MutableMapping[str, Any]):
    """A dictionary whose modules are found by `parameters()` and the rest. It has no forward.

    >>> from minigrad import nn
    >>> nn.ModuleDict({"act": nn.ReLU()})["act"]
    ReLU()
    """

    __eq__ = object.__eq__
    __hash__ = object.__hash__
    __setitem__ = Module.add_module

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update({} if modules is None else modules)

    def keys(self) -> Any:
        """The names, as a dictionary's.

        >>> import minigrad as torch
        >>> list(torch.nn.ModuleDict({"act": torch.nn.ReLU()}).keys())
        ['act']
        """
        return dict(self._modules).keys()

    def values(self) -> Any:
        """The modules, as a dictionary's.

        >>> import minigrad as torch
        >>> list(torch.nn.ModuleDict({"act": torch.nn.ReLU()}).values())
        [ReLU()]
        """
        return dict(self._modules).values()

    def items(self) -> Any:
        """Pairs of name and module, as a dictionary's.

        >>> import minigrad as torch
        >>> list(torch.nn.ModuleDict({"act": torch.nn.ReLU()}).items())
        [('act', ReLU())]
        """
        return dict(self._modules).items()

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)


class ParameterList(ListContainer):
    """A list whose tensors become parameters of the module that holds it. It has no forward.

    >>> import minigrad as torch
    >>> len(torch.nn.ParameterList([torch.ones(2), torch.ones(3)]))
    2
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend([] if values is None else values)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("ParameterList should not be called: it holds parameters and has no forward")

    def _put(self, name: str, value: Any) -> None:
        setattr(self, name, _as_parameter(value))
        if int(name) == len(self._order):  # a new one, at the end
            self._order.append(name)

    def _hold(self, values: list[Any]) -> None:
        for name in self._order:
            delattr(self, name)
        self._order = []
        self.extend(values)

    def extra_repr(self) -> str:
        return "\n".join([f"  ({key}): {_describe_value(self.__dict__[key])}" for key in self._order])


class ParameterDict(Module, MutableMapping[str, Any]):
    """A dictionary whose tensors become parameters of the module that holds it. It has no forward.

    Takes a mapping, or pairs of name and value; other values are held as they are. As `torch.nn.ParameterDict`.

    >>> import minigrad as torch
    >>> weights = torch.nn.ParameterDict({"scale": torch.ones(2)})
    >>> weights["scale"].requires_grad, list(weights)
    (True, ['scale'])
    """

    _keys: dict[str, None]

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys = {}
        self.update({} if parameters is None else parameters)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called: it holds parameters and has no forward")

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_keys": {**self._keys}}

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"Index given to ParameterDict cannot be used as a key as it is not a string: {key!r}")
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return self.__dict__[key]

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._keys])

    def __or__(self, other: Any) -> ParameterDict:
        return ParameterDict({**self, **other})

    def copy(self) -> ParameterDict:
        """A dictionary of the same parameters.

        >>> import minigrad as torch
        >>> list(torch.nn.ParameterDict({"w": torch.zeros(2)}).copy().keys())
        ['w']
        """
        return ParameterDict(dict(self))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dictionary with `default` under every one of `keys`.

        >>> import minigrad as torch
        >>> list(torch.nn.ParameterDict().fromkeys(["w", "b"], torch.zeros(2)).keys())
        ['w', 'b']
        """
        return ParameterDict((key, default) for key in keys)

    def extra_repr(self) -> str:
        return "\n".join([f"  ({key}): {_describe_value(value, lettered=True)}" for key, value in self.items()])


def _as_parameter(value: Any) -> Any:
    """A tensor as a parameter; other values as they are."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _describe_value(value: Any, lettered: bool = False) -> str:
    """How a list or dictionary of parameters prints one of its values."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    place = "" if value.device.type == "cpu" else f" ({value.device})"
    kind = value.type() if lettered else value.dtype
    return f"Parameter containing: [{kind} of size {'x'.join(map(str, value.shape))}{place}]"
