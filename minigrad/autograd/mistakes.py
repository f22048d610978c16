"""Names the mistake in a wrong gradient: the right Jacobian is altered as known mistakes alter it, and compared.

Each suspicion is a function that yields pairs (altered Jacobian, sentence). The first altered Jacobian that equals
the wrong one of the `Case` names the mistake. Those of windows that stand in wrong places: `window_mistakes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.case import (
    Case,
    Pair,
    agree,
    find_indices_along,
    is_nonzero,
    leave_out,
    misplace,
    name_axis,
    say_factor,
    subsets,
)
from minigrad.autograd.window_mistakes import (
    suspect_dilation,
    suspect_padding,
    suspect_steps,
    suspect_steps_of_operands,
)


def name_the_mistake(case: Case) -> str | None:
    """The sentence for the likely mistake; None for a right gradient or an unknown mistake."""
    if not case.wrong.size or agree(case.wrong, case.right):
        return None
    if not np.any(case.wrong):
        return "the gradient is zero: the graph is cut, or the gradient is never added up"
    if not is_nonzero(case.right).any():
        return (
            f"the result does not change with {case.name} here, as one that is rounded does not, and the gradient is "
            "not 0. If it is an estimate, passed straight through, no check can agree with it"
        )
    suspicions = (
        suspect_a_factor, suspect_another_argument, suspect_ways, suspect_a_mask, suspect_a_part, suspect_places,
        suspect_reading, suspect_sums, suspect_operands, suspect_uneven_factors, suspect_steps,
        suspect_steps_of_operands, suspect_dilation, suspect_padding, suspect_lost_terms, suspect_order,
    )  # fmt: skip
    near_miss = None
    for suspicion in suspicions:
        for candidate, sentence in suspicion(case):
            c = case.find_factor(candidate)
            if c is not None and abs(c - 1) < 1e-4:
                return sentence
            if c is not None and near_miss is None and case.find_factor(candidate, of=case.right) is None:
                near_miss = f"{sentence}, and {say_factor(c)}"
    return near_miss or _say_where_it_differs(case)


# ---- common mistakes, the simplest first


def suspect_a_factor(case: Case) -> Iterator[Pair]:
    """A number times the right gradient: the sign, a mean for a sum, the 2 of a square."""
    c = case.find_factor(case.right)
    if c is None:
        return
    n = max(abs(c), 1 / abs(c))
    causes = _find_causes(case, round(n), times=abs(c) > 1) if abs(n - round(n)) < 1e-3 else []
    cause = f" ({round(n)} is {', or '.join(causes)})" if causes else ""
    yield c * case.right, f"this is the right gradient {say_factor(c)}{cause}"


def _find_causes(case: Case, n: int, times: bool) -> list[str]:
    """The possible causes of a factor n, or of a division by n."""
    swapped = "a sum where a mean is due" if times else "a mean where a sum is due"
    shape = case.output_shape
    counts = [
        (prod(shape), f"the number of outputs: {swapped}"),
        (prod(case.shape), f"the number of elements of {case.name}"),
        (2, "the 2 of a square's derivative" + (", or it was added up twice" if times else "")),
    ]
    if len(shape) == 4:
        counts = [
            (shape[0], f"the batch size: {swapped}"),
            (shape[2] * shape[3], f"the number of output positions: {swapped}"),
            (shape[0] * shape[2] * shape[3], f"batch times output positions: {swapped}"),
            (shape[1], "the number of output channels"),
            *counts,
        ]
    elif shape:
        counts.insert(0, (shape[0], f"the length of the output's first axis: {swapped}"))
    return list(dict.fromkeys(phrase for count, phrase in counts if count == n > 1))


def suspect_another_argument(case: Case) -> Iterator[Pair]:
    """The gradients returned in the wrong order."""
    for j, operand in enumerate(case.operands):
        if j != case.which and operand is not None and operand.shape == case.shape:
            yield (
                case.sketch_at(case.operands, j),
                f"this is the gradient of {case.names[j]}, not of {case.name}: mind the order of the arguments",
            )


def suspect_places(case: Case) -> Iterator[Pair]:
    """The right numbers at wrong indices of the gradient."""
    for changed, how in misplace(case.right, case.input_axes, case.axis_name):
        yield changed, f"this is the right gradient {how}"
    if len(case.shape) > 5:  # too many orders
        return
    for axes in permutations(case.input_axes):
        if list(axes) != sorted(axes):
            rest = tuple(case.output_axes)
            yield (
                case.right.transpose(*axes, *rest).reshape(case.right.shape),
                f"the gradient has its axes in the order {axes} and was reshaped: transpose it to {case.shape}",
            )


def suspect_reading(case: Case) -> Iterator[Pair]:
    """The arriving gradient read at wrong indices."""
    for changed, how in misplace(case.right, case.output_axes, case.axis_name):
        yield changed, f"the gradient that arrives was read {how}"


def suspect_sums(case: Case) -> Iterator[Pair]:
    """A sum over an axis that should not be summed."""
    for axes in subsets(case.input_axes):
        summed = case.right.sum(axes, keepdims=True)
        yield (
            np.broadcast_to(summed, case.right.shape),
            f"it was summed over {case.list_axes(axes)} of {case.name} and spread again: each index needs its own sum",
        )
    for axes in subsets(case.output_axes):
        summed = case.right.sum(axes, keepdims=True)
        yield (
            np.broadcast_to(summed, case.right.shape),
            f"the gradient that arrives was summed over {case.list_axes(axes)} before it was used",
        )


def suspect_operands(case: Case) -> Iterator[Pair]:
    """The rule with changed operands: a flipped kernel, a shifted image."""
    for j, operand in enumerate(case.operands):
        if operand is None or not operand.size:
            continue
        name, label = case.names[j], lambda axis, j=j: name_axis(axis, case.operands[j].shape, case.names[j])
        for changed, how in [
            (-operand, "negated"),
            (np.ones_like(operand), "left out (ones in its place)"),
            (operand**2, "squared"),
            *misplace(operand, range(operand.ndim), label),
            *leave_out(operand, range(operand.ndim), label),
        ]:
            if not np.array_equal(changed, operand):
                others = [changed if i == j else x for i, x in enumerate(case.operands)]
                yield case.sketch_at(others), f"the gradient of {case.name} is computed with {name} {how}"


def suspect_ways(case: Case) -> Iterator[Pair]:
    """One of two ways is missing: to the element's own output, or to others by way of a mean, a sum or a maximum."""
    if case.shape != case.output_shape or case.right.size < 2:
        return
    own = np.eye(prod(case.shape)).reshape(case.right.shape)
    sentence = (
        "the result is the operand plus something, so the gradient that arrives is a part of it too: it is missing"
    )
    yield case.right - own, sentence
    kept, there = is_nonzero(case.wrong), is_nonzero(case.right)
    if np.array_equal(kept, own > 0) and np.any(there & ~kept):
        sentence = (
            "each element gets the gradient of its own place in the result alone, but it changes other places too: by "
            "way of what was computed from several elements (a mean, a sum, a maximum)"
        )
        yield case.wrong, sentence


def suspect_a_mask(case: Case) -> Iterator[Pair]:
    """Right, but where a maximum or a threshold hides an element, or lets it through."""
    there, kept = is_nonzero(case.right), is_nonzero(case.wrong)
    idle = ~there.any(tuple(case.output_axes), keepdims=True)
    if idle.any() and not idle.all():
        sentence = (
            "right, but for elements that do not change the result, and should get 0: a mask is missing (which ones "
            "did a maximum take, or a threshold let through?)"
        )
        yield np.where(idle, case.wrong, case.right), sentence
    if case.shape == case.output_shape and _is_diagonal(there):
        sentence = "right, but 0 for elements that do change the result: a mask hides too many of them"
        yield np.where(kept, case.right, 0), sentence


def suspect_a_part(case: Case) -> Iterator[Pair]:
    """Right at some indices and zero elsewhere: a sum with missing terms."""
    kept, there = is_nonzero(case.wrong), is_nonzero(case.right)
    if np.any(kept & ~there) or np.array_equal(kept, there):
        return
    indices = {axis: find_indices_along(kept, axis) for axis in [*case.output_axes, *case.input_axes]}
    lost = [axis for axis, there_too in indices.items() if there_too != find_indices_along(there, axis)]
    box = np.zeros_like(kept)
    box[np.ix_(*[indices[axis] for axis in range(kept.ndim)])] = True
    if lost and np.array_equal(kept, there & box):
        sentence = _say_what_counts(case, {axis: indices[axis] for axis in lost})
        if lost[0] in case.output_axes and all(indices[axis] == [case.right.shape[axis] - 1] for axis in lost):
            sentence += "; inside a loop, `=` where `+=` is due keeps the last term alone"
        yield np.where(kept, case.right, 0), sentence
    elif _is_overwritten(case, kept, there):
        yield np.where(kept, case.right, 0), "where windows overlap only one of them counts: `=` where `+=` is due"


def suspect_lost_terms(case: Case) -> Iterator[Pair]:
    """Right where it is not zero, without a known pattern."""
    kept, there = is_nonzero(case.wrong), is_nonzero(case.right)
    share = f"{int(kept.sum())} of {int(there.sum())}"
    yield np.where(kept, case.right, 0), f"part of the sum is missing: {share} products of the chain rule are there"


def suspect_uneven_factors(case: Case) -> Iterator[Pair]:
    """Scaled by a factor that depends on the index: the number of windows over a pixel, a term counted twice."""
    there = is_nonzero(case.right)
    ratio = np.divide(case.wrong, case.right, out=np.ones_like(case.wrong), where=there)
    if np.any(is_nonzero(case.wrong) & ~there):
        return
    if len(case.shape) == len(case.output_shape) and _is_diagonal(there):
        yield case.wrong, "each number is in its place, but scaled wrongly: look at the formula of the rule"
    windows = np.count_nonzero(there, tuple(case.output_axes)).reshape(*case.shape, *[1] * len(case.output_shape))
    yield (
        case.right / np.maximum(windows, 1),
        "each element is divided by the number of outputs that it has a part in: a mean where a sum is due",
    )
    for axis in [*case.input_axes, *case.output_axes]:
        others = tuple(a for a in range(ratio.ndim) if a != axis)
        scale = np.divide((ratio * there).sum(others), there.sum(others).clip(1))
        shape = [-1 if a == axis else 1 for a in range(ratio.ndim)]
        numbers = ", ".join(f"{s:.4g}" for s in scale[:6])
        whose = case.name if axis in case.input_axes else "the gradient that arrives"
        yield (
            case.right * scale.reshape(shape),
            f"along {case.axis_name(axis)} of {whose} it is scaled by {numbers}{', ...' if scale.size > 6 else ''}",
        )


def _is_diagonal(there: Any) -> bool:
    """Whether outputs and elements of the operand depend on each other one to one, at most."""
    half = there.ndim // 2
    matrix = there.reshape(prod(there.shape[:half]), -1)
    return bool(matrix.sum(0).max(initial=0) <= 1 and matrix.sum(1).max(initial=0) <= 1 and min(matrix.shape) > 1)


def suspect_order(case: Case) -> Iterator[Pair]:
    """The same numbers in another order."""
    if np.allclose(np.sort(case.wrong, axis=None), np.sort(case.right, axis=None), rtol=1e-4, atol=1e-6):
        yield case.wrong, "these are the right numbers in the wrong places: look at an index, an axis order or a stride"


def _say_what_counts(case: Case, indices: Mapping[int, Sequence[int]]) -> str:
    """The text for the axes of which only some indices contribute to the gradient."""
    outputs = {axis: found for axis, found in indices.items() if axis in case.output_axes}
    inputs = {axis: found for axis, found in indices.items() if axis in case.input_axes}
    parts = []
    if outputs:
        verb = "contributes" if [len(found) for found in outputs.values()] == [1] else "contribute"
        parts.append(f"only {_list_indices(case, outputs)} of the output {verb}")
    if inputs:
        verb = "gets" if [len(found) for found in inputs.values()] == [1] else "get"
        parts.append(f"only {_list_indices(case, inputs)} of {case.name} {verb} a gradient")
    return ", and ".join(parts)


def _list_indices(case: Case, indices: Mapping[int, Sequence[int]]) -> str:
    """Indices by axis in words: "index [0] of axis 2 (row) and index [0] of axis 3 (column)"."""
    *first, last = [
        f"{'index' if len(found) == 1 else 'indices'} {list(found)} of {case.axis_name(axis)}"
        for axis, found in indices.items()
    ]
    return f"{', '.join(first)} and {last}" if first else last


def _is_overwritten(case: Case, kept: Any, there: Any) -> bool:
    """Whether each element has the gradient of only one window: overwritten instead of added."""
    for axes in subsets(case.output_axes):
        rest = tuple(a for a in case.output_axes if a not in axes)
        windows, all_windows = kept.any(rest), there.any(rest)
        count = windows.sum(tuple(range(len(case.shape), windows.ndim)))
        full = np.array_equal(kept, there & np.expand_dims(windows, rest))
        reached = all_windows.any(tuple(range(len(case.shape), windows.ndim)))
        if full and count.max() == 1 and np.array_equal(count > 0, reached):
            return True
    return False


def _say_where_it_differs(case: Case) -> str | None:
    """The first axis along which only some indices are wrong, in words; None if there is none."""
    differs = ~np.isclose(case.wrong, case.right, rtol=1e-3, atol=1e-6)
    for axis in [*case.input_axes, *case.output_axes]:
        indices = find_indices_along(differs, axis)
        if 0 < len(indices) < case.right.shape[axis]:
            whose = case.name if axis in case.input_axes else "the output"
            return f"it is wrong at {indices} of {case.axis_name(axis)} of {whose} alone; look at what is special there"
    return None
