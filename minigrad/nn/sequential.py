"""`Sequential`, which calls layers one after the other."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Self

from minigrad.nn.lists import ListOfModules
from minigrad.nn.module import Layer
from minigrad.nn.registry import MODULE
from minigrad.shown_values import show_value


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
        if len(args) == 1 and isinstance(args[0], OrderedDict):
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
        if isinstance(index, slice):  # keeps the names
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def __add__(self, other: Any) -> Sequential:
        return Sequential(*self).__iadd__(other)

    def __iadd__(self, other: Any) -> Self:
        if not isinstance(other, Sequential):
            kind = type(other).__name__
            raise ValueError(f"add operator supports only Sequential, got {kind}; append() takes a single module")
        return self.extend(other)

    def __mul__(self, times: int) -> Sequential:
        """The same layers repeated; they share their parameters."""
        return Sequential(*self).__imul__(times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        if not isinstance(times, int):
            raise TypeError(f"a Sequential is repeated a whole number of times, got {show_value(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times}: a Sequential is repeated 1 time or more")
        return self.extend(list(self) * (times - 1))
