"""Chapter 13: shares of a batch for several workers, and one mean of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise
from minigrad.dtypes import as_python
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor

SPLITS = ((8, 2), (8, 4), (10, 4), (7, 3), (3, 5), (0, 2))  # images, workers


def judge_share(answer: Any) -> str | None:
    """Checks that the shares follow one another, hold each image once, and differ by one image at most."""
    for n, size in SPLITS:
        pairs = []
        for rank in range(size):
            pair = _read_pair(answer(n, rank, size))
            if isinstance(pair, str):
                return pair
            pairs.append(pair)
        place = f"for n = {n} images and {size} workers the shares are {pairs}"
        full = [(start, stop) for start, stop in pairs if start != stop]  # a share without images may stand anywhere
        if full and (full[0][0] != 0 or full[-1][1] != n or any(a[1] != b[0] for a, b in pairwise(full))):
            return f"{place}: {_name_mistake(n, pairs) or ORDER.format(n)}"
        counts = [stop - start for start, stop in pairs]
        if sum(counts) != n:
            return f"{place}: they hold {sum(counts)} images"
        if min(counts) < 0 or max(counts) - min(counts) > 1:
            most = f"one worker has {max(counts)} images and another {min(counts)}"
            return f"{place}: {most}; they should differ by 1 at most"
    return None


ORDER = "each should begin where the one before it stops, the first at 0, and the last stop at {}"


def _read_pair(share: Any) -> tuple[int, int] | str:
    """The start and the stop of a share, or a complaint about what is no pair of whole numbers."""
    given = share.tolist() if isinstance(share, (Tensor, np.ndarray)) else share
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        got = "None: is `return` missing?" if share is None else shorten(share)
        hint = ": write (x.start, x.stop)" if isinstance(share, (range, slice)) else ""
        return f"a pair (start, stop) is due, and it returned {got}{hint}"
    numbers = [as_python(x.item() if isinstance(x, Tensor) else x) for x in given]
    if not all(isinstance(x, (int, float)) and float(x).is_integer() for x in numbers):
        return f"start and stop are whole numbers, and it returned {shorten(share)}"
    return int(numbers[0]), int(numbers[1])


def _name_mistake(n: int, pairs: Sequence[tuple[int, int]]) -> str:
    """What is wrong with shares that do not follow one another, if it is one of these."""
    starts, stops = zip(*pairs, strict=True)
    if starts[0] == 0 and stops[-1] == n - 1 and all(a + 1 == b for a, b in zip(stops, starts[1:], strict=False)):
        return "`stop` is not taken, as in x[start:stop]: it is one more than the number of the last image"
    if starts[0] == 0 and all(a + count == b for (a, count), b in zip(pairs, (*starts[1:], n), strict=True)):
        return "the second number is where a share stops, not how many images it holds"
    if starts[0] == 0 and starts[1:] == stops[:-1] and stops[-1] > n:
        return f"there are only {n} images, and the last share goes beyond them: round down"
    if starts[0] == 0 and starts[1:] == stops[:-1] and 0 < stops[-1] < n:
        return f"the last {n - stops[-1]} images are in no share"
    if stops[0] == 0 and starts[-1] == n:
        return "start and stop are exchanged"
    if stops[0] == 0 and starts[0] < 0:
        return "ranks count from 0"
    return ""


@exercise(
    "13.share", judge=judge_share, page="chapter 13, 'Two real processes'",
    hint="where would each share start if images could be divided? Round down; a share stops where the next starts.",
)  # fmt: skip
def share(n: int, rank: int, size: int) -> tuple[int, int]:
    """The images (start, stop), of n, that worker `rank` of `size` takes: each image once, shares nearly equal."""
    return n * rank // size, n * (rank + 1) // size


@exercise(
    "13.mean", cases=[([2.0, 4.0], [1, 3]), ([image(2), image(2, seed=1), image(2, seed=2)], [4, 3, 3])],
    hidden={"equal shares": ([1.0, 2.0, 6.0], [5, 5, 5]), "a worker without images": ([3.0, 0.0], [2, 0])},
    page="chapter 13, 'Two real processes'",
    hint="a mean times its count is a sum; the sums of all workers can be added.",
    slips={
        "all workers count alike there, and one with more images should count more": lambda m, n: sum(m) / len(m),
        "it is the sum over all images: divide it by their number":
            lambda m, n: sum(x * k for x, k in zip(m, n, strict=True)),
        "a mean times its count is a sum: multiply by the count, not divide":
            lambda m, n: sum(x / max(k, 1) for x, k in zip(m, n, strict=True)),
        "it is divided by the number of workers, in place of that of images":
            lambda m, n: sum(x * k for x, k in zip(m, n, strict=True)) / len(m),
        "the means are added as they are: each should be multiplied by its count": lambda m, n: sum(m) / sum(n),
    },
)  # fmt: skip
def mean(means: Sequence[Any], counts: Sequence[int]) -> Any:
    """The mean gradient over all images, from the mean gradient of each worker and the number of its images."""
    total: Tensor | float = sum(m * n for m, n in zip(means, counts, strict=True))
    return total / sum(counts)
