"""What a check of gradients cannot show at the chosen inputs: mistakes that give the right numbers there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from minigrad.course.comparing import as_array


def find_blind_spots(operands: Mapping[str, Any], output: Any) -> list[str]:
    """The mistakes that a check at these inputs cannot show."""
    found = []
    for name, x in operands.items():
        found += [*_list_for_maps(name, x), *_list_for_numbers(name, x)]
    for (a, x), (b, y) in combinations(operands.items(), 2):
        if x.size > 1 and x.shape == y.shape and np.array_equal(x, y):
            found.append(f"{a} and {b} are equal: one in place of the other does not show")
    maps = [(name, x) for name, x in operands.items() if x.ndim == 4]
    kernels, images = [[x for name, x in maps if _names_kernel(name) is wanted] for wanted in (True, False)]
    shape = as_array(output).shape
    if len(shape) == 4 and len(images) == len(kernels) == 1 and not _windows_overlap(images[0], kernels[0], shape):
        found.append("windows do not overlap: `=` in place of `+=` does not show")
    return found


def _list_for_maps(name: str, x: Any) -> Iterator[str]:
    """What the shape of images (N, C, H, W) or of kernels (O, C, h, w) hides."""
    if x.ndim == 4:
        kernel = _names_kernel(name)
        if kernel and x.shape[2:] == (1, 1):
            yield f"{name} is a 1x1 kernel: a flip, a shift and a wrong overlap do not show"
        if not kernel and x.shape[0] == 1:
            yield f"{name} holds one image: a forgotten sum over the batch does not show"
        if x.shape[1] == 1:
            yield f"{name} has one channel: swapped or forgotten channels do not show"


def _list_for_numbers(name: str, x: Any) -> Iterator[str]:
    """What the numbers hide."""
    if x.size and not np.any(x):
        yield f"{name} is zero: wrong rules give the right zeros there"
    elif x.size > 1 and np.all(x == x.flat[0]):
        yield f"all values of {name} are equal: an index gone wrong does not show"
    elif x.ndim >= 2 and x.size > 1 and np.array_equal(x, x[..., ::-1, ::-1]):
        yield f"{name} looks the same flipped: a flip does not show"


def _names_kernel(name: str) -> bool:
    return name.lower().startswith(("w", "k"))


def _windows_overlap(x: Any, w: Any, output: tuple[int, ...]) -> bool:
    """Whether windows overlap along an axis."""
    return any(output[a] > 1 and output[a] * w.shape[a] > x.shape[a] for a in (2, 3))
