"""Recurrence: each step makes a state of one row of input and of the state before it, for a batch of sequences.

A call of an operation here runs through all steps, so no graph of single steps is recorded. Its operands are the input,
already multiplied by its weight, with a row for each step of each sequence, (rows, sums), and the states to start from,
(sequences, width); its result holds the state after each row, (rows, width). `recurrent_steps.py` has the steps.

Rows lie step by step: first those of step 0, one for each sequence. Later steps may have fewer rows, as of a packed
batch, whose longer sequences come first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from minigrad.backend import Array

Piece = tuple[bool, slice]  # rows of the start, if True, or rows of the states


class Path:
    """The way through the rows of a batch: forward in time, or in `reverse`. `sizes` are the rows of each step."""

    def __init__(self, sizes: Sequence[int], reverse: bool) -> None:
        ends = [0, *accumulate(sizes)]
        times = [slice(start, end) for start, end in pairwise(ends)]  # the rows of each step, as they lie
        self.count, self.sequences = ends[-1], max(sizes)
        self.steps = times[::-1] if reverse else times  # as they are run
        self._before = _find_before(times, reverse)
        self.last = [rows for _, rows in _find_ends(times, reverse)]  # after which each sequence ends, in their order

    def shift(self, start: Any, states: Any) -> Any:
        """The state before each row: one of `start` where a sequence begins, else that after another row."""
        parts = [(start if begins else states)[rows] for begins, rows in self._before]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def run(self, step: Callable[[slice, Array, Array], None], start: Array) -> Array:
        """The state after each row: ``step(rows, before, after)`` writes those `after` the rows of one step."""
        states = np.empty_like(start, shape=(self.count, start.shape[1]))
        state = start
        for rows in self.steps:
            count = rows.stop - rows.start
            step(rows, state[:count], states[rows])
            rest = state[count:]  # of sequences that have ended, or have not begun
            state = np.concatenate([states[rows], rest]) if len(rest) else states[rows]
        return states

    def walk_back(self, pull: Callable[[slice, Any], tuple[Any, Any]], g: Any) -> tuple[Any, Any]:
        """Backpropagation through time: the gradients of the sums of all rows, and of the states to start from.

        `g` is the gradient of the states. ``pull(rows, gradient)`` takes the whole gradient of the states after one
        step, and returns those of the step's sums and of the states before it.
        Source: Werbos, "Backpropagation through time: what it does and how to do it", 1990.
        """
        slopes, begun = [], []
        later: Any = None  # the gradient that the step after this one sends
        for rows in reversed(self.steps):
            count, gradient = rows.stop - rows.start, g[rows]
            if later is not None and count < later.shape[0]:  # the others begin at the step after this one
                begun.append(later[count:])
                later = later[:count]
            if later is not None and count > later.shape[0]:  # the others end at this step
                ended = gradient[later.shape[0] :]
                gradient = np.concatenate([gradient[: later.shape[0]] + later, ended])
            elif later is not None:
                gradient = gradient + later
            slope, later = pull(rows, gradient)
            slopes.append(slope)
        if self.steps[0].start == 0:  # they lie as they were run
            slopes.reverse()
        begun.append(later)
        return np.concatenate(slopes), np.concatenate(begun[::-1]) if len(begun) > 1 else later


@lru_cache(maxsize=64)
def find_path(sizes: tuple[int, ...], reverse: bool) -> Path:
    """The path through steps of these numbers of rows, kept from call to call."""
    return Path(sizes, reverse)


def _find_before(times: Sequence[slice], reverse: bool) -> list[Piece]:
    """Where the state before each row lies, in the order of the rows."""
    none = slice(0, 0)
    run_before = [*times[1:], none] if reverse else [none, *times[:-1]]
    found: list[Piece] = []
    for rows, other in zip(times, run_before, strict=True):
        count = rows.stop - rows.start
        going = min(count, other.stop - other.start)
        found += [(False, slice(other.start, other.start + going)), (True, slice(going, count))]
    return _join(found)


def _find_ends(times: Sequence[slice], reverse: bool) -> list[Piece]:
    """The rows after which the sequences end, in the order of the sequences."""
    if reverse:
        return [(False, times[0])]
    found: list[Piece] = []
    longer = 0  # sequences that end later
    for rows in reversed(times):
        found.append((False, slice(rows.start + longer, rows.stop)))
        longer = rows.stop - rows.start
    return _join(found)


def _join(pieces: list[Piece]) -> list[Piece]:
    """The pieces without empty ones, and with neighbours as one; one piece at least."""
    joined: list[Piece] = []
    for begins, rows in pieces:
        if joined and joined[-1][0] == begins and joined[-1][1].stop == rows.start:
            joined[-1] = (begins, slice(joined[-1][1].start, rows.stop))
        elif rows.stop > rows.start:
            joined.append((begins, rows))
    return joined or pieces[:1]
