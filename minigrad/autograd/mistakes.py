"""Which mistake is it? The right Jacobian is changed as students change it, until it is the wrong one.

A `Case` holds the Jacobian of a gradient rule and the right one, taken from differences of the forward.
A suspicion is a function that yields (candidate Jacobian, sentence) pairs; the first candidate that is
the wrong Jacobian names the mistake. Everything here is plain NumPy in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from math import prod
from typing import Any

import numpy as np

Pair = tuple[Any, str]  # a candidate Jacobian, and what the student did if it is the one
IMAGE = ("batch", "channel", "row", "column")
KERNEL = ("output channel", "input channel", "kernel row", "kernel column")
ALTERNATIVES = 12  # factors of stride and shift that are tried


@dataclass(frozen=True)
class Case:
    """A gradient rule caught out. Both Jacobians have the axes of the operand, then those of the output."""

    wrong: Any
    right: Any
    operands: Sequence[Any]  # the values of all arguments; None where one is no float tensor
    names: Sequence[str]
    which: int  # the operand whose gradient is wrong
    slope_at: Callable[[Sequence[Any], int, Any], Any]  # at other operands, of one of them, along a direction

    @property
    def shape(self) -> tuple[int, ...]:
        return self.operands[self.which].shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.right.shape[len(self.shape) :]

    @property
    def input_axes(self) -> range:
        return range(len(self.shape))

    @property
    def output_axes(self) -> range:
        return range(len(self.shape), self.right.ndim)

    @property
    def name(self) -> str:
        return self.names[self.which]

    def axis_name(self, axis: int) -> str:
        """An axis of either Jacobian in words: "axis 1 (channel)"."""
        if axis < len(self.shape):
            return name_axis(axis, self.shape, self.name)
        return name_axis(axis - len(self.shape), self.output_shape, "output")

    def list_axes(self, axes: Sequence[int]) -> str:
        return " and ".join(map(self.axis_name, axes))

    def factor(self, candidate: Any) -> float | None:
        """The number c where the wrong Jacobian is c times the candidate."""
        return _factor(self.wrong, candidate)

    def right_at(self, operands: Sequence[Any], which: int) -> Any:
        """The right Jacobian at other operands."""
        shape = operands[which].shape
        units = np.eye(prod(shape)).reshape(-1, *shape)
        return np.array([self.slope_at(operands, which, unit) for unit in units]).reshape(self.wrong.shape)

    def may_be_right_at(self, operands: Sequence[Any]) -> bool:
        """Along one random direction, at two evaluations, the wrong Jacobian is the right one at `operands`."""
        direction = np.random.default_rng(0).standard_normal(self.shape)
        slope = np.tensordot(direction, self.wrong, len(self.shape))
        return _factor(slope, self.slope_at(operands, self.which, direction)) is not None


def name_the_mistake(case: Case) -> str | None:
    """A sentence for the likely mistake; None for a right gradient and for an unknown mistake."""
    if not case.wrong.size or agree(case.wrong, case.right):
        return None
    if not np.any(case.wrong):
        return "the gradient is zero: the graph is cut, or the gradient is never added up"
    suspicions = (
        suspect_a_factor, suspect_another_argument, suspect_a_part, suspect_places, suspect_reading, suspect_sums,
        suspect_operands, suspect_uneven_factors, suspect_steps, suspect_steps_of_operands, suspect_lost_terms,
        suspect_order,
    )  # fmt: skip
    near_miss = None
    for suspicion in suspicions:
        for candidate, sentence in suspicion(case):
            c = case.factor(candidate)
            if c is not None and abs(c - 1) < 1e-4:
                return sentence
            if c is not None and near_miss is None and not agree(candidate, case.right):
                near_miss = f"{sentence}, and {_times(c)}"
    return near_miss or _where_it_differs(case)


def agree(a: Any, b: Any) -> bool:
    """Equal up to the error of central differences."""
    return bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * max(1.0, float(np.abs(b).max(initial=0.0)))))


def _factor(array: Any, candidate: Any) -> float | None:
    if candidate.shape != array.shape:
        return None
    size = float(np.vdot(candidate, candidate))
    c = float(np.vdot(array, candidate)) / size if size else 0.0
    return c if c and agree(array, c * candidate) else None


def name_axis(axis: int, shape: Sequence[int], name: str) -> str:
    """The axis in the words of convolution where there are four: "axis 0 (batch)"."""
    if len(shape) != 4:
        return f"axis {axis}"
    return f"axis {axis} ({(KERNEL if name.lower()[:1] in ('w', 'k') else IMAGE)[axis]})"


# ---- what students do, the plainest first


def suspect_a_factor(case: Case) -> Iterator[Pair]:
    """A number times the right gradient: the sign, a mean for a sum, the 2 of a square."""
    c = case.factor(case.right)
    if c is None:
        return
    n = round(max(abs(c), 1 / abs(c)))
    causes = _counts_of(case).get(n, []) if n > 1 else []
    cause = f" ({n} is {', or '.join(causes)})" if causes and "sum" not in _times(c) else ""
    yield c * case.right, f"this is the right gradient {_times(c)}{cause}"


def _counts_of(case: Case) -> dict[int, list[str]]:
    """What a factor of n may come from: by n, phrases."""
    found: dict[int, list[str]] = {}

    def add(n: int, phrase: str) -> None:
        if n > 1:
            found.setdefault(n, []).append(phrase)

    shape = case.output_shape
    if len(shape) == 4:
        add(shape[0], "the batch size: a mean where a sum is due, or the other way round")
        add(shape[2] * shape[3], "the number of output positions: a mean where a sum is due")
        add(shape[0] * shape[2] * shape[3], "batch times output positions: a mean where a sum is due")
        add(shape[1], "the number of output channels")
    elif shape:
        add(shape[0], "the length of the output's first axis: a mean where a sum is due")
    add(prod(shape), "the number of outputs: a mean where a sum is due")
    add(prod(case.shape), f"the number of elements of {case.name}")
    add(2, "the 2 of a square's derivative")
    return {n: list(dict.fromkeys(phrases)) for n, phrases in found.items()}


def suspect_another_argument(case: Case) -> Iterator[Pair]:
    """The gradients returned in the wrong order."""
    for j, operand in enumerate(case.operands):
        if j != case.which and operand is not None and operand.shape == case.shape:
            yield (
                case.right_at(case.operands, j),
                f"this is the gradient of {case.names[j]}: return the gradients in the order of the arguments",
            )


def suspect_places(case: Case) -> Iterator[Pair]:
    """The right numbers written to other places of the gradient."""
    for changed, how in misplace(case.right, case.input_axes, case.axis_name):
        yield changed, f"this is the right gradient {how}"
    for axes in permutations(case.input_axes) if len(case.shape) < 6 else ():
        if list(axes) != sorted(axes):
            rest = tuple(case.output_axes)
            yield (
                case.right.transpose(*axes, *rest).reshape(case.right.shape),
                f"the gradient has its axes in the order {axes} and was reshaped: transpose it to {case.shape}",
            )


def suspect_reading(case: Case) -> Iterator[Pair]:
    """The gradient that arrives read at other places."""
    for changed, how in misplace(case.right, case.output_axes, case.axis_name):
        yield changed, f"the gradient that arrives was read {how}"


def suspect_sums(case: Case) -> Iterator[Pair]:
    """A sum over an axis where each index needs its own."""
    for axes in _subsets(case.input_axes):
        summed = case.right.sum(axes, keepdims=True)
        yield (
            np.broadcast_to(summed, case.right.shape),
            f"it was summed over {case.list_axes(axes)} of {case.name} and spread again: each index needs its own sum",
        )
    for axes in _subsets(case.output_axes):
        summed = case.right.sum(axes, keepdims=True)
        yield (
            np.broadcast_to(summed, case.right.shape),
            f"the gradient that arrives was summed over {case.list_axes(axes)} before it was used",
        )


def suspect_operands(case: Case) -> Iterator[Pair]:
    """The rule of other operands: a kernel flipped, an image shifted."""
    for j, operand in enumerate(case.operands):
        if operand is None or not operand.size:
            continue
        name, label = case.names[j], lambda axis, j=j: name_axis(axis, case.operands[j].shape, case.names[j])
        for changed, how in [
            (-operand, "negated"),
            (np.ones_like(operand), "left out (ones in its place)"),
            (operand**2, "squared"),
            *misplace(operand, range(operand.ndim), label),
        ]:
            others = [changed if i == j else x for i, x in enumerate(case.operands)]
            if not np.array_equal(changed, operand) and case.may_be_right_at(others):
                yield (case.right_at(others, case.which), f"the gradient of {case.name} is computed with {name} {how}")


def suspect_a_part(case: Case) -> Iterator[Pair]:
    """Right at some indices and zero elsewhere: a sum that lost terms."""
    kept, there = _nonzero(case.wrong), _nonzero(case.right)
    if np.any(kept & ~there) or np.array_equal(kept, there):
        return
    indices = {axis: _indices_along(kept, axis) for axis in [*case.output_axes, *case.input_axes]}
    lost = [axis for axis, there_too in indices.items() if there_too != _indices_along(there, axis)]
    box = np.zeros_like(kept)
    box[np.ix_(*[indices[axis] for axis in range(kept.ndim)])] = True
    if lost and np.array_equal(kept, there & box):
        sentence = ", ".join(_only(case, axis, indices[axis]) for axis in lost)
        if lost[0] in case.output_axes and all(indices[axis] == [case.right.shape[axis] - 1] for axis in lost):
            sentence += "; inside a loop, `=` where `+=` is due keeps the last term alone"
        yield np.where(kept, case.right, 0), sentence
    elif _overwrites(case, kept, there):
        yield np.where(kept, case.right, 0), "where windows overlap only one of them counts: `=` where `+=` is due"


def suspect_lost_terms(case: Case) -> Iterator[Pair]:
    """Right where it is not zero, in no pattern known."""
    kept, there = _nonzero(case.wrong), _nonzero(case.right)
    share = f"{int(kept.sum())} of {int(there.sum())}"
    yield np.where(kept, case.right, 0), f"part of the sum is missing: {share} products of the chain rule are there"


def suspect_uneven_factors(case: Case) -> Iterator[Pair]:
    """Scaled by a number that depends on the index: the number of windows over a pixel, a term counted twice."""
    there = _nonzero(case.right)
    ratio = np.divide(case.wrong, case.right, out=np.ones_like(case.wrong), where=there)
    if np.any(_nonzero(case.wrong) & ~there):
        return
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


def suspect_steps(case: Case) -> Iterator[Pair]:
    """The window of each output position put at a wrong multiple of it: a stride forgotten."""
    spatial = min(2, len(case.shape), len(case.output_shape))
    for steps in _steps(spatial):
        candidate = np.zeros_like(case.right)
        for place in np.ndindex(*case.output_shape[len(case.output_shape) - spatial :]):
            moved = case.right[(..., *place)]
            for k in range(spatial):
                axis = len(case.shape) - spatial + k
                moved = shift(moved, steps[k] * place[k], axis)
            candidate[(..., *place)] = moved
        yield candidate, f"the window of {_offset(steps)}: is the stride right?"


def suspect_steps_of_operands(case: Case) -> Iterator[Pair]:
    """Another operand read at a wrong multiple of the output position."""
    for j, operand in enumerate(case.operands):
        if j == case.which or operand is None or operand.ndim < 2 or len(case.output_shape) < 2:
            continue
        for steps in _steps(2):
            at: dict[tuple[int, ...], Any] = {}
            candidate = np.zeros_like(case.right)
            for place in np.ndindex(*case.output_shape[-2:]):
                offset = steps[0] * place[0], steps[1] * place[1]
                if offset not in at:
                    moved = shift(shift(operand, -offset[0], -2), -offset[1], -1)
                    at[offset] = case.right_at(
                        [moved if i == j else x for i, x in enumerate(case.operands)], case.which
                    )
                candidate[(..., *place)] = at[offset][(..., *place)]
            yield candidate, f"{case.names[j]} is read where the window of {_offset(steps)}: is the stride right?"


def suspect_order(case: Case) -> Iterator[Pair]:
    """The same numbers, somewhere else."""
    if np.allclose(np.sort(case.wrong, axis=None), np.sort(case.right, axis=None), rtol=1e-4, atol=1e-6):
        yield case.wrong, "these are the right numbers in the wrong places: look at an index, an axis order or a stride"


# ---- the words and moves that the suspicions share


def shift(array: Any, by: int, axis: int) -> Any:
    """`array` moved along an axis, zeros entering."""
    moved = np.roll(array, by, axis)
    entering = [slice(None)] * array.ndim
    entering[axis] = slice(0, by) if by > 0 else slice(by, None) if by < 0 else slice(0, 0)
    moved[tuple(entering)] = 0
    return moved


def misplace(array: Any, axes: Sequence[int], label: Callable[[int], str]) -> Iterator[Pair]:
    """The ways in which an index goes wrong: reversed, swapped, shifted."""
    for chosen in sorted(_subsets(axes), key=lambda s: (tuple(s) != tuple(axes[-2:]), len(s))):
        if all(array.shape[a] > 1 for a in chosen):
            named = " and ".join(map(label, chosen))
            word = "flipped" if len(chosen) > 1 else "reversed" if array.shape[chosen[0]] > 2 else "swapped"
            yield np.flip(array, chosen), f"{word} along {named}"
    for a, b in combinations(axes, 2):
        if array.shape[a] == array.shape[b] > 1:
            yield np.swapaxes(array, a, b), f"transposed: {label(a)} and {label(b)} are exchanged"
    for chosen in [(a,) for a in axes] + list(combinations(axes[-2:], 2)):
        if any(array.shape[a] < 2 for a in chosen):
            continue
        for by in (1, -1):
            rolled = np.roll(array, [by] * len(chosen), chosen)
            shifted = array
            for a in chosen:
                shifted = shift(shifted, by, a)
            how = f"shifted by {by:+d} along {' and '.join(map(label, chosen))}"
            yield shifted, f"{how}: an index is off by one"
            yield rolled, f"{how}, around the edge: an index is off by one"
    for a in axes:  # the indices of one axis in another order
        if 2 < array.shape[a] <= 4:
            for order in permutations(range(array.shape[a])):
                if list(order) != sorted(order):
                    yield np.take(array, order, a), f"with the indices of {label(a)} in the order {list(order)}"


def _subsets(axes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for count in range(1, len(axes) + 1):
        yield from combinations(axes, count)


def _steps(count: int) -> list[tuple[int, ...]]:
    """Small factors of the output position, the most even first."""
    factors = [s for s in product(range(-2, 3), repeat=count) if any(s)]
    return sorted(factors, key=lambda s: (len(set(s)), max(map(abs, s))))[:ALTERNATIVES]


def _offset(steps: Sequence[int]) -> str:
    letters = "ij"[-len(steps) :]
    place = ", ".join(f"{s:+d}{letter}" for s, letter in zip(steps, letters, strict=True))
    return f"output position ({', '.join(letters)}) stands ({place}) away from its place"


def _nonzero(jacobian: Any) -> Any:
    return np.abs(jacobian) > 1e-7


def _indices_along(mask: Any, axis: int) -> list[int]:
    others = tuple(a for a in range(mask.ndim) if a != axis)
    return [int(i) for i in np.flatnonzero(mask.any(others))]


def _only(case: Case, axis: int, indices: Sequence[int]) -> str:
    what = f"{'index' if len(indices) == 1 else 'indices'} {list(indices)}"
    if axis in case.input_axes:
        return f"only {what} of {case.axis_name(axis)} of {case.name} get a gradient"
    plural = "s" if len(indices) == 1 else ""
    return f"only {what} of {case.axis_name(axis)} of the output contribute{plural}"


def _overwrites(case: Case, kept: Any, there: Any) -> bool:
    """Does each element keep exactly one window, the others lost?"""
    for axes in _subsets(case.output_axes):
        rest = tuple(a for a in case.output_axes if a not in axes)
        windows, all_windows = kept.any(rest), there.any(rest)
        count = windows.sum(tuple(range(len(case.shape), windows.ndim)))
        full = np.array_equal(kept, there & np.expand_dims(windows, rest))
        reached = all_windows.any(tuple(range(len(case.shape), windows.ndim)))
        if full and count.max() == 1 and np.array_equal(count > 0, reached):
            return True
    return False


def _times(c: float) -> str:
    """A factor in words: "negated", "times 3", "divided by 2"."""
    if abs(c + 1) < 1e-4:
        return "negated"
    n, how = (c, "times") if abs(c) > 1 else (1 / c, "divided by")
    return f"{how} {round(n)}" if abs(n - round(n)) < 1e-3 else f"times {c:.4g}"


def _where_it_differs(case: Case) -> str | None:
    """No known mistake, but only some indices are wrong."""
    differs = ~np.isclose(case.wrong, case.right, rtol=1e-3, atol=1e-6)
    for axis in [*case.input_axes, *case.output_axes]:
        indices = _indices_along(differs, axis)
        if 0 < len(indices) < case.right.shape[axis]:
            whose = case.name if axis in case.input_axes else "the output"
            return f"it is wrong at {indices} of {case.axis_name(axis)} of {whose} alone; look at what is special there"
    return None
