"""Mistakes of convolution and pooling: windows, taps or padding in wrong places.

As in `mistakes.py`, each suspicion is a function that yields pairs (altered Jacobian, sentence).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from minigrad.autograd.case import Case, Pair, Sketch, is_kernel, shift

ALTERNATIVES = 12  # factors of stride and shift that are tried
PADDING = 3  # pixels of padding that are tried


def suspect_steps(case: Case) -> Iterator[Pair]:
    """Windows at wrong multiples of the output position: a forgotten stride."""
    spatial = min(2, len(case.shape), len(case.output_shape))
    for steps in _list_steps(spatial):
        candidate = np.zeros_like(case.right)
        for place in np.ndindex(*case.output_shape[len(case.output_shape) - spatial :]):
            moved = case.right[(..., *place)]
            for k in range(spatial):
                axis = len(case.shape) - spatial + k
                moved = shift(moved, steps[k] * place[k], axis)
            candidate[(..., *place)] = moved
        sentence = f"the gradient of {case.name} is computed as if {_say_offset(steps)}: is the stride right?"
        yield candidate, sentence


def suspect_steps_of_operands(case: Case) -> Iterator[Pair]:
    """Another operand read at a wrong multiple of the output position."""
    if len(case.output_shape) < 2:
        return
    places = list(np.ndindex(*case.output_shape[-2:]))
    for j, operand in enumerate(case.operands):
        if j == case.which or operand is None or operand.ndim < 2:
            continue
        for steps in _list_steps(2):
            at: dict[tuple[int, ...], Any] = {}
            for p, q in places:
                offset = -steps[0] * p, -steps[1] * q
                if offset not in at:
                    others = [_move(x, offset) if i == j else x for i, x in enumerate(case.operands)]
                    at[offset] = case.sketch_at(others).slopes
            parts = [at[-steps[0] * p, -steps[1] * q][..., p, q] for p, q in places]
            slopes = np.moveaxis(np.array(parts), 0, -1).reshape(at[0, 0].shape)
            yield (Sketch(slopes), f"{case.names[j]} is read as if {_say_offset(steps)}: is the stride right?")


def suspect_dilation(case: Case) -> Iterator[Pair]:
    """Taps at wrong multiples of their position in the kernel: a forgotten dilation."""
    for j, operand in enumerate(case.operands):
        if operand is None or operand.ndim != 4 or not is_kernel(case.names[j]) or len(case.shape) != 4:
            continue
        taps = list(np.ndindex(*operand.shape[2:]))
        for steps in _list_steps(2):
            parts = [_slopes_of_tap(case, j, tap, (steps[0] * tap[0], steps[1] * tap[1])) for tap in taps]
            taken = f"what the kernel's number (i, j) meets is taken {_say_distance(steps)} from its place"
            yield Sketch(sum(parts)), f"{taken}: is the dilation right, and are i and j both used?"


def _slopes_of_tap(case: Case, kernel: int, tap: tuple[int, ...], offset: tuple[int, ...]) -> Any:
    """The part of one tap in a sketch, with the image shifted by an offset."""
    only = np.zeros(case.operands[kernel].shape)
    only[..., tap[0], tap[1]] = 1
    if case.which == kernel:  # the rule reads the image elsewhere
        others = [_move(x, offset, -1) if i != kernel and np.ndim(x) == 4 else x for i, x in enumerate(case.operands)]
        directions = case.directions * only
    else:  # the rule writes elsewhere
        others = [x * only if i == kernel else x for i, x in enumerate(case.operands)]
        directions = [_move(d, offset, -1) for d in case.directions]
    return np.array([case.slope_at(others, case.which, d) for d in directions])


def suspect_padding(case: Case) -> Iterator[Pair]:
    """Shifted, with nonzero numbers at the edge, which come from the padding."""
    for axes, whose in ((case.input_axes[-2:], case.name), (case.output_axes[-2:], "the gradient that arrives")):
        for by in product(range(-PADDING, PADDING + 1), repeat=len(axes)):
            moved, known = case.right, np.ones_like(case.right)
            for b, axis in zip(by, axes, strict=True):
                moved, known = shift(moved, b, axis), shift(known, b, axis)
            chosen = [axis for b, axis in zip(by, axes, strict=True) if b]
            if chosen and 2 * known.sum() >= known.size and np.any(moved):
                moves = " and ".join(f"{b:+d} along {case.axis_name(a)}" for b, a in zip(by, axes, strict=True) if b)
                sentence = (
                    f"{whose} is shifted by {moves}, and numbers of the padding enter: where does the padding end?"
                )
                yield np.where(known, moved, case.wrong), sentence


def _list_steps(count: int) -> list[tuple[int, ...]]:
    """Small factors of the output position, the most even first."""
    factors = [s for s in product(range(-2, 3), repeat=count) if any(s)]
    return sorted(factors, key=lambda s: (len(set(s)), max(map(abs, s))))[:ALTERNATIVES]


def _say_offset(steps: Sequence[int]) -> str:
    """How far the window of an output position is from its place, in words."""
    return f"window ({', '.join('ij'[-len(steps) :])}) stood {_say_distance(steps)} pixels from its place"


def _say_distance(steps: Sequence[int]) -> str:
    """Multiples of a position, in words: "(+i, -2j)"."""
    words = {0: "0", 1: "+{}", -1: "-{}"}
    parts = [words.get(s, f"{s:+d}{{}}").format(letter) for s, letter in zip(steps, "ij"[-len(steps) :], strict=True)]
    return f"({', '.join(parts)})"


def _move(array: Any, offset: Sequence[int], sign: int = 1) -> Any:
    """`array` moved along its last two axes."""
    return shift(shift(array, sign * offset[0], -2), sign * offset[1], -1)
