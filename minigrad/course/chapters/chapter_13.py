"""Chapter 13: shares of a batch for several workers, and one mean of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise
from minigrad.tensor import Tensor

SPLITS = ((8, 2), (8, 4), (10, 4), (7, 3), (3, 5), (0, 2))  # images, workers


def judge_share(answer: Any) -> str | None:
    """Checks that the shares follow one another, hold each image once, and differ by one image at most."""
    for n, size in SPLITS:
        shares = [answer(n, rank, size) for rank in range(size)]
        if wrong := [x for x in shares if not isinstance(x, (tuple, list)) or len(x) != 2]:
            got = "None: is `return` missing?" if wrong[0] is None else repr(wrong[0])
            return f"a pair (start, stop) is due, and it returned {got}"
        place = f"for n = {n} images and {size} workers the shares are {[tuple(map(int, share)) for share in shares]}"
        counts = [stop - start for start, stop in shares]
        if shares[0][0] != 0 or shares[-1][1] != n or any(a[1] != b[0] for a, b in pairwise(shares)):
            return f"{place}: each should begin where the one before it stops, the first at 0, and the last stop at {n}"
        if min(counts) < 0 or max(counts) - min(counts) > 1:
            most = f"one worker has {max(counts)} images and another {min(counts)}"
            return f"{place}: {most}; they should differ by 1 at most"
    return None


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
)  # fmt: skip
def mean(means: Sequence[Any], counts: Sequence[int]) -> Any:
    """The mean gradient over all images, from the mean gradient of each worker and the number of its images."""
    total: Tensor | float = sum(m * n for m, n in zip(means, counts, strict=True))
    return total / sum(counts)
