"""Numbers at equal distances, rounded as PyTorch rounds them: of `linspace`, and the edges of a histogram's bins."""

from __future__ import annotations

from typing import Any

import numpy as np


def space_evenly(start: float, end: float, steps: int, dtype: np.dtype[Any]) -> Any:
    """`steps` numbers from `start` to `end`, both included, as an array (steps,) of this dtype.

    As in PyTorch, the step and each number are rounded to the dtype; in float16 each product is rounded, too.
    """
    number: Any = dtype.type if dtype.kind == "f" else np.float64
    first, last = number(start), number(end)
    step = (last - first) / number(max(steps - 1, 1))
    wide = {np.float16: np.float16, np.float32: np.float64}.get(number, np.longdouble)
    return count_from_both_ends(first, last, step, steps, wide).astype(number).astype(dtype)


def count_from_both_ends(first: Any, last: Any, step: Any, steps: int, wide: Any) -> Any:
    """`first + i step` in the first half, `last - i step` in the second, computed in the type `wide`."""
    found, half = np.arange(steps, dtype=wide), min(max(steps // 2, 1), steps)
    up, down = found[:half], found[half:]
    np.subtract(steps - 1, down, down)  # counted from the end
    found *= wide(step)
    up += wide(first)
    np.subtract(wide(last), down, down)
    return found
