"""`Case`: one wrong gradient under diagnosis, with its Jacobian and the right one, and helpers for naming the mistake.

Everything here is plain NumPy in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from math import prod
from typing import Any, NamedTuple

import numpy as np

IMAGE = ("batch", "channel", "row", "column")
KERNEL = ("output channel", "input channel", "kernel row", "kernel column")
SKETCH = 16  # enough numbers to distinguish two Jacobians


class Sketch(NamedTuple):
    """The products of a Jacobian with a few random directions: equal sketches mean equal Jacobians."""

    slopes: Any


Pair = tuple[Any, str]  # an altered Jacobian (or its sketch), and the sentence for the mistake


@dataclass(frozen=True)
class Case:
    """A wrong gradient rule. Both Jacobians have the axes of the operand, then those of the output."""

    wrong: Any
    right: Any
    operands: Sequence[Any]  # the values of all arguments; None where one is no float tensor
    names: Sequence[str]
    which: int  # the operand whose gradient is wrong
    # the derivative at other operands, of one operand, along a direction
    slope_at: Callable[[Sequence[Any], int, Any], Any]

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

    @cached_property
    def directions(self) -> Any:
        """Random directions for a sketch; for a small operand all unit directions."""
        count = -(-SKETCH // max(1, prod(self.output_shape)))
        if count >= prod(self.shape):
            return np.eye(prod(self.shape)).reshape(-1, *self.shape)
        return np.random.default_rng(0).standard_normal((count, *self.shape))

    def sketch_at(self, operands: Sequence[Any], which: int | None = None) -> Sketch:
        """The sketch of the right Jacobian at other operands."""
        which = self.which if which is None else which
        return Sketch(np.array([self.slope_at(operands, which, d) for d in self.directions]))

    def find_factor(self, candidate: Any, of: Any = None) -> float | None:
        """The number c if the wrong Jacobian (or another one) is c times the candidate, else None."""
        jacobian = self.wrong if of is None else of
        if isinstance(candidate, Sketch):
            slopes = np.tensordot(self.directions, jacobian, len(self.shape))
            return find_factor_between(slopes, candidate.slopes)
        return find_factor_between(jacobian, candidate)


def agree(a: Any, b: Any) -> bool:
    """Whether two arrays are equal up to the error of central differences."""
    return bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * max(1.0, float(np.abs(b).max(initial=0.0)))))


def find_factor_between(array: Any, candidate: Any) -> float | None:
    """The number c if `array` is c times the candidate, else None."""
    if candidate.shape != array.shape:
        return None
    size = float(np.vdot(candidate, candidate))
    c = float(np.vdot(array, candidate)) / size if size else 0.0
    return c if c and agree(array, c * candidate) else None


def is_kernel(name: str) -> bool:
    """Whether an argument has the name of a kernel."""
    return name.lower()[:1] in ("w", "k")


def name_axis(axis: int, shape: Sequence[int], name: str) -> str:
    """The axis in the words of convolution where there are four: "axis 0 (batch)"."""
    if len(shape) != 4:
        return f"axis {axis}"
    return f"axis {axis} ({(KERNEL if is_kernel(name) else IMAGE)[axis]})"


def say_factor(c: float) -> str:
    """A factor in words: "negated", "times 3", "divided by 2"."""
    if abs(c + 1) < 1e-4:
        return "negated"
    n, how = (c, "times") if abs(c) > 1 else (1 / c, "divided by")
    return f"{how} {round(n)}" if abs(n - round(n)) < 1e-3 else f"times {c:.4g}"


def is_nonzero(jacobian: Any) -> Any:
    """A mask of the elements that are larger than the error of differences."""
    return np.abs(jacobian) > 1e-7


def find_indices_along(mask: Any, axis: int) -> list[int]:
    """The indices along an axis at which a mask is True anywhere."""
    others = tuple(a for a in range(mask.ndim) if a != axis)
    return [int(i) for i in np.flatnonzero(mask.any(others))]


def shift(array: Any, by: int, axis: int) -> Any:
    """`array` moved along an axis, zeros entering."""
    moved = np.roll(array, by, axis)
    if by:
        entering = [slice(None)] * array.ndim
        entering[axis] = slice(0, by) if by > 0 else slice(by, None)
        moved[tuple(entering)] = 0
    return moved


def misplace(array: Any, axes: Sequence[int], label: Callable[[int], str]) -> Iterator[Pair]:
    """Yields arrays with wrong indices: flipped, with axes exchanged, shifted, in another order."""
    yield from _flip(array, axes, label)
    yield from _exchange_axes(array, axes, label)
    yield from _shift_indices(array, axes, label)
    yield from _reorder_indices(array, axes, label)


def _flip(array: Any, axes: Sequence[int], label: Callable[[int], str]) -> Iterator[Pair]:
    for chosen in sorted(subsets(axes), key=lambda s: (tuple(s) != tuple(axes[-2:]), len(s))):
        if all(array.shape[a] > 1 for a in chosen):
            named = " and ".join(map(label, chosen))
            yield np.flip(array, chosen), f"flipped along {named}"


def _exchange_axes(array: Any, axes: Sequence[int], label: Callable[[int], str]) -> Iterator[Pair]:
    for a, b in combinations(axes, 2):
        if array.shape[a] == array.shape[b] > 1:
            yield np.swapaxes(array, a, b), f"transposed: {label(a)} and {label(b)} are exchanged"
    for order in permutations(axes):
        whole = list(range(array.ndim))
        for place, a in zip(axes, order, strict=True):
            whole[place] = a
        moved = [a for a in whole if whole[a] != a]
        if len(moved) > 2 and all(array.shape[whole[a]] == array.shape[a] > 1 for a in moved):
            yield np.transpose(array, whole), f"with its axes in the order {tuple(whole)}"


def _shift_indices(array: Any, axes: Sequence[int], label: Callable[[int], str]) -> Iterator[Pair]:
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


def _reorder_indices(array: Any, axes: Sequence[int], label: Callable[[int], str]) -> Iterator[Pair]:
    for a in axes:
        if 2 < array.shape[a] <= 4:
            for order in permutations(range(array.shape[a])):
                if list(order) != sorted(order):
                    yield np.take(array, order, a), f"with the indices of {label(a)} in the order {list(order)}"


def leave_out(array: Any, axes: Sequence[int], label: Callable[[int], str]) -> Iterator[Pair]:
    """The first or the last index of an axis left out, as by a range that is too short."""
    for a in axes:
        if array.shape[a] > 1:
            for index in (0, array.shape[a] - 1):
                rest = np.arange(array.shape[a]) != index
                kept = array * rest.reshape(-1, *[1] * (array.ndim - 1 - a))
                yield kept, f"without index {index} of {label(a)}: is a range too short?"


def subsets(axes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All choices of axes, the small ones first."""
    for count in range(1, len(axes) + 1):
        yield from combinations(axes, count)
