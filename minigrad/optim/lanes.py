"""Fused updates: all parameters of a step are updated by one launch on a GPU, where a lane is registered for it.

A lane is a function that gets the rule of an optimizer and rows of arrays, and updates them at once. It returns the
rows that it cannot update, and the rule runs on these one by one. `gpu/optimizers.py` has the lane for GPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from minigrad.backend import RECORDING, Array, on_gpu_of
from minigrad.optim.optimizer import BoundRule
from minigrad.optim.state import ON_CPU, as_number

Row: TypeAlias = tuple[Array, ...]  # a parameter, its gradient, its buffers, then counters that are on the GPU
# lane(rule, rows, number of counters in a row, numbers of this step, its cache) -> rows that it did not update
Lane: TypeAlias = Callable[[Any, Sequence[Row], int, dict[str, float], dict[Any, Any]], Sequence[Row]]


def _launch_once(*arguments: Any) -> Any:
    """The lane for GPUs, imported with the first parameter on a GPU."""
    return import_module("minigrad.gpu.optimizers").update(*arguments)


LANES: list[Lane] = [_launch_once]
_FOUND: WeakKeyDictionary[Any, dict[int, tuple[BoundRule, dict[Any, Any]]]] = WeakKeyDictionary()  # for each optimizer


class Batch(NamedTuple):
    """Parameters whose rule gets the same numbers in this step."""

    first: bool  # whether their buffers are new
    numbers: dict[str, Any]
    rows: list[Row]


def update_together(optimizer: Any, group: int, rule: BoundRule, parameters: Sequence[Any]) -> None:
    """Updates those `parameters` of a group that are on a GPU and have gradients."""
    if RECORDING and rule.options.get("capturable") is False:
        raise RuntimeError(
            f"Attempting CUDA graph capture of step() for an instance of {type(optimizer).__name__} but param_groups' "
            "capturable is False. Make the optimizer with capturable=True"
        )
    batches, counted = _collect_batches(optimizer, rule, parameters)
    kept = _recall(optimizer, group, rule)
    for first, numbers, rows in batches:
        formula = partial(_compute, rule, first, counted)
        left: Sequence[Row] = rows
        if len({id(row[0]) for row in rows}) == len(rows):  # else a parameter appears twice
            for lane in LANES:
                left = lane(formula, left, len(counted), numbers, kept.setdefault(first, {}))
        for row in left:
            on_gpu_of(row[0], formula, row, **numbers)


def _collect_batches(
    optimizer: Any, rule: BoundRule, parameters: Sequence[Any]
) -> tuple[Iterable[Batch], Sequence[str]]:
    """The parameters' rows in batches, and the names of the counters on the GPU, at the end of each row."""
    memory = rule.memory
    counts_there = memory is not None and memory.counts_on_gpu
    given = {"lr": rule.options["lr"]} if "lr" in rule.kind.reads else {}
    rate = [] if type(given.get("lr", 0)) in ON_CPU else [given.pop("lr")]  # if it is on the GPU
    batches: dict[Any, Batch] = {}
    for parameter in parameters:
        buffers, numbers, counts, first = rule.buffers, given, {}, False
        if memory is not None:
            state = optimizer.state[parameter]
            counts = memory.read_counts(parameter, state)
            buffers, first = memory.read_buffers(parameter, state)
            if not counts_there:
                numbers, counts = given | memory.count_on(counts), {}
        arrays = (parameter.array, parameter.gradient.array, *[buffer for buffer in buffers if buffer is not None])
        batch = batches.setdefault((first, *numbers.values()), Batch(first, numbers, []))
        batch.rows.append((*arrays, *counts.values(), *rate))
    return batches.values(), [*(rule.kind.counters if counts_there else ()), *["lr"] * len(rate)]


def _compute(rule: BoundRule, first: bool, counted: Sequence[str], row: Row, **numbers: Any) -> None:
    """Runs the rule on one row: on arrays, or on the symbols of a lane."""
    w, g, *others = row
    counts = dict(zip(counted, others[len(others) - len(counted) :], strict=True))
    if "lr" in counts:
        numbers["lr"] = as_number(counts.pop("lr"))
    if rule.memory is not None:
        numbers |= rule.memory.count_on(counts)
    if "first" in rule.kind.reads:
        numbers["first"] = first
    buffers = iter(others)
    rule.step(w, g, *[name and next(buffers) for name in rule.buffers], **numbers)


def _recall(optimizer: Any, group: int, rule: BoundRule) -> dict[Any, Any]:
    """The cache of lanes for the rule of a group, valid until an option other than the rate changes."""
    known = _FOUND.setdefault(optimizer, {})
    last, kept = known.get(group, (None, {}))
    if last is not rule:
        kept = kept if last is not None and _agree_but_for_rates(rule.options, last.options) else {}
        known[group] = rule, kept
    return kept


def _agree_but_for_rates(options: dict[str, Any], others: dict[str, Any]) -> bool:
    rates = [some.get("lr") for some in (options, others)]
    return type(rates[0]) is type(rates[1]) and {**options, "lr": 0} == {**others, "lr": 0}
