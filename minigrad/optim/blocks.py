"""Large parameters in blocks, on all threads: a rule's temporaries are a block long, never a parameter long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minigrad.backend import Array
from minigrad.optim.optimizer import BLOCK
from minigrad.parallel import share


def run_in_blocks(rule: Callable[..., None], look: Callable[[Array], None], *arrays: Any) -> None:
    """``rule(*arrays)``, and `look` at the first of them, for each block of their rows."""

    def run(block: tuple[Any, ...]) -> None:
        rule(*block)
        look(block[0])

    buffers = sum(array is not None for array in arrays[2:])
    share(run, [*cut(*arrays)], arrays[0].nbytes * (1 + 2 * buffers) // 3)  # with each there is more to compute


def cut(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """The same rows of all arrays (of one shape, or None), about as many at a time, and no more than fill a block."""
    length, size = len(arrays[0]), arrays[0].size
    rows = -(-length // -(-size // BLOCK))
    for start in range(0, length, rows):
        yield tuple([None if array is None else array[start : start + rows] for array in arrays])
