"""Containers: `ModuleList`, `ModuleDict`, `ParameterList`, `ParameterDict`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Self

from minigrad.nn.lists import ListContainer, ListOfModules
from minigrad.nn.module import Module, describe_module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor


class ModuleList(ListOfModules):
    """A list of modules, which are registered as submodules. It has no forward.

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
        groups: list[tuple[int, int, str]] = []  # (first, last, text); equal neighbours share one line
        for i, text in enumerate(map(repr, self)):
            first = groups.pop()[0] if groups and groups[-1][2] == text else i
            groups.append((first, i, text))
        lines = [(str(a), text) if a == b else (f"{a}-{b}", f"{b - a + 1} x {text}") for a, b, text in groups]
        return describe_module(self._get_name(), "", lines)


class ModuleDict(Module, MutableMapping[str, Any]):
    """A dictionary of modules, which are registered as submodules. It has no forward.

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

    def update(self, modules: Any = (), **named: Any) -> None:  # type: ignore[override]
        """Stores all values of a mapping, or of pairs, and those given by name. Raises TypeError or ValueError else.

        >>> import minigrad as torch
        >>> net = torch.nn.ModuleDict()
        >>> net.update({"act": torch.nn.ReLU()})
        >>> net["act"]
        ReLU()
        """
        _require_pairs("ModuleDict", modules)
        super().update(modules, **named)

    def keys(self) -> Any:
        """The names, as a dictionary's.

        >>> import minigrad as torch
        >>> list(torch.nn.ModuleDict({"act": torch.nn.ReLU()}).keys())
        ['act']
        """
        return self._modules.keys()

    def values(self) -> Any:
        """The modules, as a dictionary's.

        >>> import minigrad as torch
        >>> list(torch.nn.ModuleDict({"act": torch.nn.ReLU()}).values())
        [ReLU()]
        """
        return self._modules.values()

    def items(self) -> Any:
        """Pairs of name and module, as a dictionary's.

        >>> import minigrad as torch
        >>> list(torch.nn.ModuleDict({"act": torch.nn.ReLU()}).items())
        [('act', ReLU())]
        """
        return self._modules.items()

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)


class ParameterList(ListContainer):
    """A list of parameters: tensors become parameters when they are added. It has no forward.

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
        if int(name) == len(self._order):  # a new element at the end
            self._order.append(name)

    def extra_repr(self) -> str:
        return "\n".join([f"  ({key}): {_describe_value(self.__dict__[key])}" for key in self._order])


class ParameterDict(Module, MutableMapping[str, Any]):
    """A dictionary of parameters: tensors become parameters when they are added. It has no forward.

    Takes a mapping, or pairs of name and value; values that are not tensors are stored unchanged. As
    `torch.nn.ParameterDict`.

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

    def __reversed__(self) -> Iterator[str]:
        return reversed([*self._keys])

    def __or__(self, other: Any) -> ParameterDict:
        return ParameterDict([*self.items(), *other.items()])

    def __ror__(self, other: Any) -> Any:
        return {**other, **self} if isinstance(other, dict) else NotImplemented

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def update(self, parameters: Any) -> None:  # type: ignore[override]
        """Stores all values of a mapping, or of pairs. A plain dict's come in the order of the keys, as in PyTorch.

        >>> import minigrad as torch
        >>> list(torch.nn.ParameterDict({"w": torch.zeros(2), "b": torch.zeros(1)}).keys())
        ['b', 'w']
        """
        _require_pairs("ParameterDict", parameters)
        if isinstance(parameters, Mapping) and not isinstance(parameters, (OrderedDict, ParameterDict)):
            parameters = sorted(parameters.items())
        super().update(parameters)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value under `key`; where there is none, `default` is stored, as a parameter if it is a tensor.

        >>> import minigrad as torch
        >>> torch.nn.ParameterDict().setdefault("w", torch.zeros(2)).requires_grad
        True
        """
        if key not in self:
            self[key] = default
        return self[key]

    def popitem(self) -> tuple[str, Any]:
        """Removes the last pair and returns it. Raises `KeyError` if there is none.

        >>> import minigrad as torch
        >>> torch.nn.ParameterDict({"b": torch.zeros(1), "w": torch.zeros(2)}).popitem()[0]
        'w'
        """
        name = next(reversed(self), None)
        if name is None:
            raise KeyError("popitem(): this ParameterDict is empty")
        return name, self.pop(name)

    def copy(self) -> ParameterDict:
        """A dictionary of the same parameters.

        >>> import minigrad as torch
        >>> list(torch.nn.ParameterDict({"w": torch.zeros(2)}).copy().keys())
        ['w']
        """
        return ParameterDict(self)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dictionary with `default` under every one of `keys`.

        >>> import minigrad as torch
        >>> list(torch.nn.ParameterDict().fromkeys(["w", "b"], torch.zeros(2)).keys())
        ['w', 'b']
        """
        return ParameterDict((key, default) for key in keys)

    def extra_repr(self) -> str:
        return "\n".join([f"  ({key}): {_describe_value(value, lettered=True)}" for key, value in self.items()])


def _require_pairs(kind: str, given: Any) -> None:
    """Raises TypeError or ValueError unless `given` is a mapping, or a list of pairs of a name and a value."""
    example = f"{kind}({{'name': value}})"
    if not isinstance(given, Iterable) or isinstance(given, Tensor):
        got = f"but got {type(given).__name__}; write {example}"
        raise TypeError(f"{kind}.update should be called with an iterable of key/value pairs, {got}")
    if isinstance(given, Mapping) or not isinstance(given, (list, tuple)):
        return
    for i, pair in enumerate(given):
        if not isinstance(pair, Sequence):
            raise TypeError(f"{kind} update sequence element #{i} is {type(pair).__name__}, no pair; write {example}")
        if len(pair) != 2:
            raise ValueError(f"{kind} update sequence element #{i} has length {len(pair)}; 2 is required")


def _as_parameter(value: Any) -> Any:
    """A tensor as a parameter; other values unchanged."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _describe_value(value: Any, lettered: bool = False) -> str:
    """The text for one value of a list or dictionary of parameters."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    place = "" if value.device.type == "cpu" else f" ({value.device})"
    kind = value.type() if lettered else value.dtype
    return f"Parameter containing: [{kind} of size {'x'.join(map(str, value.shape))}{place}]"
