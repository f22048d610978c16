"""In-place operations on tensors of which several elements share memory: expanded ones, and overlapping windows."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import Any

import numpy as np

from minigrad.autograd.core import GRAD, mode, wrap
from minigrad.autograd.views import is_in_graph
from minigrad.backend import quiet, store
from minigrad.ops.index import read_at
from minigrad.ops.inplace import check_result, check_writable, is_root_tracked, keep_old_value, move_on
from minigrad.ops.masks import where
from minigrad.ops.shape import reshape
from minigrad.ops.writes import repeats
from minigrad.placement import constant_beside


def write_by_element(target: Any, function: Any, args: tuple[Any, ...], options: dict[str, Any], in_part: bool) -> bool:
    """Writes ``function(target, *args, **options)`` into `target` as PyTorch does, element by element.

    False, and nothing is written, if no elements share memory, or for an expanded tensor without `in_part`, which says
    that the function changes some elements only.
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
    changed = quiet(np.not_equal, new.view(bits), target.array.view(bits))
    store(target.array, changed, quiet(getitem, new, changed))
    target.writes[0] += 1
    if recorded:
        move_on(target, value)
    return True


def _write_in_turn(target: Any, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Writes one element after the other: later elements read what earlier ones wrote.

    False if nothing overlaps, and for a result of another dtype, which as in PyTorch is computed before it is written.
    """
    places = _number_places(target.array)
    recorded, name, turns = _is_recorded(target, args), f"{function.__name__}_", _count_turns(places)
    last = int(turns.max(initial=0))
    if not last:
        return False
    check_writable(target, name)
    for turn in range(last + 1):
        old = keep_old_value(target, (*args, *options.values()))
        result = function(old, *args, **options)
        check_result(name, result.array, target.array)
        if result.array.dtype != target.array.dtype:
            return False
        now = constant_beside(target.array, (turns == turn).reshape(target.array.shape))
        store(target.array, now, quiet(getitem, result.array, now))
        if recorded or not turn:  # without a record all turns are one write
            target.writes[0] += 1
        if recorded:
            move_on(target, _show_at_all_places(result, old, places, turns == turn))
    return True


def _number_places(array: Any) -> Any:
    """For each element, in row-major order, the number of its place in memory; elements that share one have one."""
    steps = [np.arange(n) * stride for n, stride in zip(array.shape, array.strides, strict=True)]
    addresses = reduce(np.add.outer, steps, np.zeros((), np.int64)).ravel()
    return np.unique(addresses, return_inverse=True)[1].reshape(-1)


def _count_turns(places: Any) -> Any:
    """For each element 0 if it is the first at its place, 1 for the second, and so on."""
    order, counted = np.argsort(places, kind="stable"), np.arange(len(places))
    new = np.diff(places[order], prepend=-1) != 0
    turns = np.empty_like(order)
    turns[order] = counted - np.maximum.accumulate(np.where(new, counted, 0))
    return turns


def _show_at_all_places(result: Any, old: Any, places: Any, now: Any) -> Any:
    """`old` with the elements of `result` that are written `now`, at every element of the same place."""
    writers = np.full(places.max() + 1, -1)
    writers[places[now]] = np.flatnonzero(now)
    source = writers[places]
    array, written = old.array, (source >= 0).reshape(old.array.shape)
    spread = reshape(read_at(reshape(result, -1), key=(constant_beside(array, np.maximum(source, 0)),)), array.shape)
    return where(wrap(constant_beside(array, written)), spread, old)
