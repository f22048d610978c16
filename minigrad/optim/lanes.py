"""Parameters on a GPU are updated together: by a lane, which a wing adds, in one launch for all of them.

A lane is given the formula of an optimizer and rows of arrays; what it cannot do it gives back, and the formula
runs on those arrays one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from minigrad.backend import RECORDING, Array, on_gpu_of
from minigrad.optim.rules import Plan

Row: TypeAlias = tuple[Array, ...]  # a parameter, its gradient, its buffers, then what is counted on the GPU
# lane(formula, rows, how many of a row are counted, numbers of this step, what it keeps) -> rows that it did not update
Lane: TypeAlias = Callable[[Any, Sequence[Row], int, dict[str, float], dict[Any, Any]], Sequence[Row]]
LANES: list[Lane] = []
ON_CPU = frozenset([np.ndarray, np.float32, np.float64, float, int])


def update_together(optimizer: Any, plan: Plan, parameters: Sequence[Any]) -> None:
    """Take the step of `optimizer` for `parameters`, which are not on the CPU and have gradients."""
    if RECORDING and plan.options.get("capturable") is False:
        raise RuntimeError(
            f"Attempting CUDA graph capture of step() for an instance of {type(optimizer).__name__} but param_groups' "
            "capturable is False. Make the optimizer with capturable=True"
        )
    batches: dict[Any, tuple[bool, dict[str, Any], list[Row]]] = {}
    rate = plan.options.get("lr")
    there = {} if rate is None or type(rate) in ON_CPU else {"lr": rate}  # a rate that the GPU holds
    for parameter in parameters:
        buffers, counts, first = optimizer._read_state(plan, parameter)
        row = (parameter.array, parameter.gradient.array, *[buffer for buffer in buffers if buffer is not None])
        given = {} if rate is None or there else {"lr": rate}
        if plan.counts_on_gpu:
            row = (*row, *counts.values(), *there.values())
        elif counts:
            given.update(optimizer._count_on(plan, counts))
        key = (first, *given.values())
        batches.setdefault(key, (first, given, []))[2].append(row)
    counted = [*optimizer.counters, *there] if plan.counts_on_gpu else []
    for first, given, rows in batches.values():
        formula = partial(_compute, optimizer, plan, first, counted)
        left: Sequence[Row] = rows
        if len({id(row[0]) for row in rows}) == len(rows):  # else one has to wait for the other
            for lane in LANES:
                left = lane(formula, left, len(counted), given, plan.kept.setdefault(first, {}))
        for row in left:
            on_gpu_of(row[0], formula, row, **given)


def _compute(optimizer: Any, plan: Plan, first: bool, counted: Sequence[str], row: Row, **given: Any) -> None:
    """One row's update: on arrays, or on whatever a lane puts in their places."""
    w, g, *others = row
    counts = dict(zip(counted, others[len(others) - len(counted) :], strict=True))
    if "lr" in counts:
        given["lr"] = as_number(counts.pop("lr"))
    if counts:
        given.update(optimizer._count_on(plan, counts))
    buffers = iter(others)
    numbers = {**plan.numbers, **{name: x for name, x in given.items() if name in plan.numbers or name in plan.given}}
    if first and "first" in plan.given:
        numbers["first"] = True
    direction = plan.descent_direction(w, g, given.get("lr"))
    optimizer.rule(w, direction, *[name and next(buffers) for name in plan.buffers], **numbers)


def as_number(count: Any) -> Any:
    """What a rule computes with: a Python float, which widens no array; on a GPU, which nobody waits for, a double."""
    return float(count) if type(count) in ON_CPU else count.astype(np.float64)
