"""PyTorch's layers that are not here, by name: programs ask for their kind by `isinstance`, which is False.

They are classes to compare with. Making a layer of one raises NotImplementedError.
"""

from __future__ import annotations

from typing import Any

from minigrad.missing import PAGE
from minigrad.nn.module import Module


class AbsentLayer(Module):
    """The base of PyTorch's layers that have a name only.

    >>> import minigrad as torch
    >>> isinstance(torch.nn.Conv2d(1, 1, 3), torch.nn.AdaptiveLogSoftmaxWithLoss)
    False
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        kind: Any = next(c for c in type(self).__mro__ if AbsentLayer in c.__bases__)
        raise NotImplementedError(
            f"PyTorch has torch.nn.{kind.__name__}, minigrad does not: its name is there to compare with, as in "
            f"isinstance(layer, nn.{kind.__name__}); {PAGE} lists what is here"
        )


def _make_absent(name: str) -> type[AbsentLayer]:
    about = f"PyTorch's `{name}`, which minigrad does not have: a name to compare with. See `AbsentLayer`."
    return type(name, (AbsentLayer,), {"__module__": "minigrad.nn", "__doc__": about})


_LAYERS = ("AdaptiveLogSoftmaxWithLoss",)
NAMES = {name: _make_absent(name) for name in _LAYERS}
