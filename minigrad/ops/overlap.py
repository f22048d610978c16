"""Memory of two arrays: whether a write would meet what is read, or one element several times. Arrays alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import is_array
from minigrad.backend import address_of


def check_memory(array: Any, name: str, source: Any = None, wholly: bool = False) -> None:
    """Refuse to write where several elements lie in one place, as in an expanded tensor, or into memory that
    `source` is read from, unless it is the very same elements: with `wholly`, these too.
    """
    if repeats(array):
        detail = "more than one element of the written-to tensor refers to a single memory location"
        where = f"({name} on an expanded tensor of shape {array.shape})"
        raise RuntimeError(f"unsupported operation: {detail} {where}. Please clone() the tensor before.")
    if is_array(source) and (overlap_in_part(array, source) or (wholly and source.size and are_same(array, source))):
        detail = "some elements of the input tensor and the written-to tensor refer to a single memory location"
        raise RuntimeError(f"unsupported operation: {detail} ({name}). Please clone() the tensor before.")


def repeats(array: Any) -> bool:
    """True when several elements of `array` lie in one place."""
    steps = zip(array.shape, array.strides, strict=True)
    return 0 in array.strides and array.size > 0 and any(n > 1 and not step for n, step in steps)


def overlap_in_part(a: Any, b: Any) -> bool:
    """True when two dense arrays share some memory, but are not the same elements in the same order.

    For arrays with gaps it is not asked: as in PyTorch, that would take too long to find out.
    """
    if not have_one_base(a, b) or not np.may_share_memory(a, b):
        return False
    return not are_same(a, b) and _is_dense(a) and _is_dense(b)


def are_same(a: Any, b: Any) -> bool:
    """True when two arrays are the same elements in the same order."""
    return a.shape == b.shape and address_of(a) == address_of(b) and _steps(a) == _steps(b)


def _steps(array: Any) -> list[int]:
    """The strides that matter: an axis of length 1 takes no step."""
    return [stride for n, stride in zip(array.shape, array.strides, strict=True) if n > 1]


def have_one_base(a: Any, b: Any) -> bool:
    """Whether two arrays lie in the memory of one: NumPy and CuPy keep bases flat."""
    return (a if a.base is None else a.base) is (b if b.base is None else b.base)


def _is_dense(array: Any) -> bool:
    """True when the elements fill their memory without gaps, in whatever order of dimensions."""
    step = array.itemsize
    for stride, n in sorted(zip(array.strides, array.shape, strict=True)):
        if n > 1 and stride != step:
            return False
        step *= n
    return True
