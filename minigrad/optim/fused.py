"""Fused updates: all parameters of a group that are on a GPU, by one launch.

`gpu/optimizers.py` makes a kernel of the optimizer's rule. The parameters that it cannot update are updated by the rule
itself, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from minigrad.backend import RECORDING, on_gpu_of
from minigrad.gpu.optimizers import Row, update
from minigrad.optim.rules import BoundRule
from minigrad.optim.state import ON_CPU, as_number


class Batch(NamedTuple):
    """Parameters whose rule gets the same numbers in this step."""

    first: bool  # whether their buffers are new
    numbers: dict[str, Any]
    rows: list[Row]


def update_together(rule: BoundRule, parameters: Sequence[Any], states: dict[Any, Any]) -> None:
    """Updates those parameters of a rule's group that are on a GPU and have gradients."""
    if RECORDING and rule.options.get("capturable") is False:
        raise RuntimeError(
            f"Attempting CUDA graph capture of step() for an instance of {rule.kind.__name__} but param_groups' "
            "capturable is False. Make the optimizer with capturable=True"
        )
    batches, counted = _collect_batches(rule, parameters, states)
    for first, numbers, rows in batches:
        formula = partial(_compute, rule, first, counted)
        left: Sequence[Row] = rows
        if len({id(row[0]) for row in rows}) == len(rows):  # else a parameter appears twice
            left = update(formula, rows, len(counted), numbers, rule.kernels.setdefault(first, {}))
        for row in left:
            on_gpu_of(row[0], formula, row, **numbers)


def _collect_batches(
    rule: BoundRule, parameters: Sequence[Any], states: dict[Any, Any]
) -> tuple[Iterable[Batch], Sequence[str]]:
    """The parameters' rows in batches, and the names of the counters on the GPU, at the end of each row."""
    counts_there = rule.counts_on_gpu and bool(rule.kind.counters)
    given, rate = {}, []
    if "lr" in rule.reads:
        lr = rule.options["lr"]
        if type(lr) in ON_CPU:
            given["lr"] = lr
        else:  # an array on the GPU
            rate.append(lr)
    batches: dict[Any, Batch] = {}
    for parameter in parameters:
        (counts, buffers, first), numbers = rule.read_state(parameter, states), given
        if not counts_there:
            numbers, counts = given | rule.count_step(counts), {}
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
    numbers |= rule.count_step(counts)
    if "first" in rule.reads:
        numbers["first"] = first
    buffers = iter(others)
    rule.step(w, g, *[None if name is None else next(buffers) for name in rule.buffers], **numbers)
