"""`torch.nn.modules.utils`: helpers such as `_pair`, which repeat one number for every axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """Makes a function that repeats a number `n` times, and returns iterables as tuples."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: Any, n: int) -> tuple[Any, ...]:
    """The paddings of a convolution, (H, W), as `pad` reads them: (W, W, H, H) for ``n=2``."""
    return tuple(x for x in reversed(t) for _ in range(n))


def add_indent(text: str, spaces: int) -> str:
    """The text with all lines but the first moved right, as a module prints its children: `_addindent` in PyTorch.

    >>> from minigrad.nn.modules.module import _addindent
    >>> print(_addindent(str.join(chr(10), ["layers:", "ReLU()"]), 2))
    layers:
      ReLU()
    """
    return text.replace("\n", "\n" + " " * spaces)


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Removes `prefix` from the keys of `state_dict`, in place, as for a state saved from `DataParallel`.

    >>> from minigrad.nn.modules.utils import consume_prefix_in_state_dict_if_present
    >>> state = {"module.weight": 1, "bias": 2}
    >>> consume_prefix_in_state_dict_if_present(state, "module.")
    >>> sorted(state)
    ['bias', 'weight']
    """
    for name in list(state_dict):
        if name.startswith(prefix):
            state_dict[name.removeprefix(prefix)] = state_dict.pop(name)
    facts: Any = getattr(state_dict, "_metadata", None)
    for name in list(facts or ()):
        if name and f"{name}.".startswith(prefix):  # "module" itself becomes ""
            facts[name.removeprefix(prefix.rstrip(".")).removeprefix(".")] = facts.pop(name)
