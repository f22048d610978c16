"""In-place operations on tensors of which several elements share memory: expanded ones, and overlapping windows."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from minigrad.autograd.core import GRAD, mode
from minigrad.autograd.views import is_in_graph
from minigrad.backend import constant_beside
from minigrad.ops.inplace import check_result, check_writable, is_root_tracked, keep_old_value, move_on
from minigrad.ops.memory_layout import repeats
from minigrad.ops.writes import store


def write_by_element(target: Any, function: Any, args: tuple[Any, ...], options: dict[str, Any], in_part: bool) -> bool:
    """Writes ``function(target, *args, **options)`` into `target` as PyTorch does, element by element.

    False, and nothing is written, if no elements share memory, if a write to windows has to be recorded, or for an
    expanded tensor without `in_part`, which says that the function changes some elements only.
    """
    if not repeats(target.array):
        return _write_in_turn(target, function, args, options)
    return in_part and _write_changes(target, function, args, options)


def _is_recorded(target: Any, args: tuple[Any, ...]) -> bool:
    """Whether writing a result of `args` into `target` has to be recorded."""
    tracked = is_root_tracked(target) or any(is_in_graph(x) for x in (target, *args))
    return bool(mode.get() & GRAD) and tracked


def _write_changes(target: Any, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Writes only the elements that the function changes: of elements that share memory, any change counts.

    As in PyTorch the write may be recorded, but backward to the elements' memory is refused.
    """
    recorded, name = _is_recorded(target, args), f"{function.__name__}_"
    check_writable(target, name)
    value = function(keep_old_value(target, (*args, *options.values())), *args, **options)
    check_writable(target, name, value)
    new, bits = value.array, f"u{target.array.itemsize}"  # not the numbers: NaN differs from itself, 0.0 equals -0.0
    changed = new.view(bits) != target.array.view(bits)
    store(target.array, changed, new[changed])
    target.writes[0] += 1
    if recorded:
        move_on(target, value)
    return True


def _write_in_turn(target: Any, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Writes one element after the other: later elements read what earlier ones wrote. False if nothing overlaps."""
    array = target.array
    steps = [np.arange(n) * stride for n, stride in zip(array.shape, array.strides, strict=True)]
    addresses = reduce(np.add.outer, steps, np.zeros((), np.int64)).ravel()  # of each element, in bytes
    order = np.argsort(addresses, kind="stable")
    new = np.diff(addresses[order], prepend=-1) != 0
    if new.all() or _is_recorded(target, args):
        return False
    turns = np.empty_like(addresses)  # 0 for the first element at an address, 1 for the second
    counted = np.arange(len(addresses))
    turns[order] = counted - np.maximum.accumulate(np.where(new, counted, 0))
    for turn in range(int(turns.max()) + 1):
        now = constant_beside(array, (turns == turn).reshape(array.shape))
        result = function(target, *args, **options).array
        check_result(f"{function.__name__}_", result, array)
        store(array, now, result[now])
    target.writes[0] += 1
    return True
