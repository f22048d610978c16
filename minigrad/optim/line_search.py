"""Line search: finds a step length that satisfies the strong Wolfe conditions.

With `f(t)` the loss along a direction, the loss must decrease enough, `f(t) <= f(0) + c1 t f'(0)`, and
so must its slope, `|f'(t)| <= c2 |f'(0)|`. First an interval that contains such a length is found,
then it is narrowed; both use cubic interpolation.

Sources: Nocedal and Wright, Numerical optimization, 2006, algorithms 3.5 and 3.6; Schmidt, minFunc, 2005.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from minigrad.backend import Array

LOW_ENOUGH, FLAT_ENOUGH = 1e-4, 0.9  # c1 and c2 of the Wolfe conditions
SHORT = 1e-9  # an interval in which no parameter changes by more than this is not narrowed


class Trial(NamedTuple):
    """A point on the line."""

    t: Any
    loss: float
    gradient: Array
    slope: Any


def search_line(evaluate: Callable[[Any], Trial], start: Trial, t: Any, largest: Any, most: int) -> tuple[Trial, int]:
    """The best point found, and the number of calls of `evaluate`; `t` is tried first.

    `largest` is the greatest number in the direction, `most` the number of trials after the first.
    """
    ends, tries, found = _bracket(evaluate, start, t, most)
    if not found:
        ends, tries = _narrow(evaluate, start, ends, largest, tries, most)
    return (ends[0] if ends[0].loss <= ends[-1].loss else ends[-1]), tries + 1


def _bracket(evaluate: Callable[[Any], Trial], start: Trial, t: Any, most: int) -> tuple[list[Trial], int, bool]:
    """Two points with an acceptable one between them and False; or an acceptable point, or the last trial, and True."""
    last, new, tries = start, evaluate(t), 0
    while tries < most:
        if _is_high(new, start) or (tries > 1 and new.loss >= last.loss):
            return [last, new], tries, False
        if _is_flat(new, start):
            return [new], tries, True
        if new.slope >= 0:
            return [last, new], tries, False
        t = find_cubic_minimum(last, new, new.t + 0.01 * (new.t - last.t), new.t * 10)
        last, new = new, evaluate(t)
        tries += 1
    return [start, new], tries, True


def _narrow(
    evaluate: Callable[[Any], Trial], start: Trial, ends: list[Trial], largest: Any, tries: int, most: int
) -> tuple[list[Trial], int]:
    """The interval between `ends`, narrowed until one of them is acceptable or the interval is short."""
    low, stalled = int(ends[0].loss > ends[1].loss), False
    while tries < most and not abs(ends[1].t - ends[0].t) * largest < SHORT:
        left, right = min(e.t for e in ends), max(e.t for e in ends)
        t, stalled = keep_inside(find_cubic_minimum(ends[0], ends[1], left, right), left, right, stalled)
        new = evaluate(t)
        tries += 1
        if _is_high(new, start) or new.loss >= ends[low].loss:
            ends[1 - low] = new
            low = int(ends[0].loss > ends[1].loss)
            continue
        if _is_flat(new, start):
            return [new], tries
        if new.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = new
    return [ends[low]], tries


def _is_high(new: Trial, start: Trial) -> bool:
    return bool(new.loss > start.loss + LOW_ENOUGH * new.t * start.slope)


def _is_flat(new: Trial, start: Trial) -> bool:
    return bool(abs(new.slope) <= -FLAT_ENOUGH * start.slope)


def find_cubic_minimum(a: Trial, b: Trial, low: Any, high: Any) -> Any:
    """The minimum in [low, high] of the cubic through both points with their slopes; or the middle."""
    bend = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = bend**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    if a.t > b.t:
        a, b = b, a
    root = square**0.5
    t = b.t - (b.t - a.t) * ((b.slope + root - bend) / (b.slope - a.slope + 2 * root))
    return min(max(t, low), high)


def keep_inside(t: Any, left: Any, right: Any, stalled: bool) -> tuple[Any, bool]:
    """`t`, moved inside by a tenth if it is near an end for the second time; and whether it is near one."""
    margin = 0.1 * (right - left)
    if not min(right - t, t - left) < margin:
        return t, False
    if not stalled and left < t < right:
        return t, True
    return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
