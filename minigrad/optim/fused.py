"""Fused updates: all parameters of a group that are on a GPU, by one launch.

`gpu/optimizers.py` makes a kernel of the optimizer's rule. The parameters that it cannot update are updated by the rule
itself, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from minigrad.backend import RECORDING, on_gpu_of
from minigrad.gpu.optimizers import Row, update
from minigrad.optim.optimizer import BoundRule
from minigrad.optim.state import ON_CPU, as_number

# For each optimizer, by group: the last rule, and what `update` knows about it.
_FOUND: WeakKeyDictionary[Any, dict[int, tuple[BoundRule, dict[Any, Any]]]] = WeakKeyDictionary()


class Batch(NamedTuple):
    """Parameters whose rule gets the same numbers in this step."""

    first: bool  # whether their buffers are new
    numbers: dict[str, Any]
    rows: list[Row]


def update_together(optimizer: Any, rule: BoundRule, parameters: Sequence[Any]) -> None:
    """Updates those parameters of a rule's group that are on a GPU and have gradients."""
    if RECORDING and rule.options.get("capturable") is False:
        raise RuntimeError(
            f"Attempting CUDA graph capture of step() for an instance of {type(optimizer).__name__} but param_groups' "
            "capturable is False. Make the optimizer with capturable=True"
        )
    batches, counted = _collect_batches(optimizer, rule, parameters)
    kept = _recall(optimizer, rule)
    for first, numbers, rows in batches:
        formula = partial(_compute, rule, first, counted)
        left: Sequence[Row] = rows
        if len({id(row[0]) for row in rows}) == len(rows):  # else a parameter appears twice
            left = update(formula, rows, len(counted), numbers, kept.setdefault(first, {}))
        for row in left:
            on_gpu_of(row[0], formula, row, **numbers)


def _collect_batches(
    optimizer: Any, rule: BoundRule, parameters: Sequence[Any]
) -> tuple[Iterable[Batch], Sequence[str]]:
    """The parameters' rows in batches, and the names of the counters on the GPU, at the end of each row."""
    keeper = rule.keeper
    counts_there = keeper is not None and keeper.counts_on_gpu
    given = {"lr": rule.options["lr"]} if "lr" in rule.reads else {}
    rate = [] if type(given.get("lr", 0)) in ON_CPU else [given.pop("lr")]  # if it is on the GPU
    batches: dict[Any, Batch] = {}
    for parameter in parameters:
        buffers, numbers, counts, first = rule.buffers, given, {}, False
        if keeper is not None:
            state = optimizer.state[parameter]
            counts = keeper.read_counts(parameter, state)
            buffers, first = keeper.read_buffers(parameter, state)
            if not counts_there:
                numbers, counts = given | keeper.count_on(counts), {}
        arrays = (parameter.array, parameter.gradient.array, *[buffer for buffer in buffers if buffer is not None])
        batch = batches.setdefault((first, *numbers.values()), Batch(first, numbers, []))
        batch.rows.append((*arrays, *counts.values(), *rate))
    return batches.values(), [*(rule.kind.counters if counts_there else ()), *["lr"] * len(rate)]


def _compute(rule: BoundRule, first: bool, counted: Sequence[str], row: Row, **numbers: Any) -> None:
    """Runs the rule on one row: on arrays, or on the symbols of which a kernel is made."""
    w, g, *others = row
    counts = dict(zip(counted, others[len(others) - len(counted) :], strict=True))
    if "lr" in counts:
        numbers["lr"] = as_number(counts.pop("lr"))
    if rule.keeper is not None:
        numbers |= rule.keeper.count_on(counts)
    if "first" in rule.reads:
        numbers["first"] = first
    buffers = iter(others)
    rule.step(w, g, *[name and next(buffers) for name in rule.buffers], **numbers)


def _recall(optimizer: Any, rule: BoundRule) -> dict[Any, Any]:
    """What `update` knows about the rule of a group, valid until an option other than the rate changes."""
    known = _FOUND.setdefault(optimizer, {})
    group = next(number for number, bound in optimizer._rules.items() if bound is rule)
    last, kept = known.get(group, (None, {}))
    if last is not rule:
        kept = kept if last is not None and _agree_but_for_rates(rule.options, last.options) else {}
        known[group] = rule, kept
    return kept


def _agree_but_for_rates(options: dict[str, Any], others: dict[str, Any]) -> bool:
    rates = [some.get("lr") for some in (options, others)]
    return type(rates[0]) is type(rates[1]) and {**options, "lr": 0} == {**others, "lr": 0}
