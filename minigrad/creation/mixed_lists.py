"""Nested lists that hold NumPy's scalars, arrays or tensors, which keep their dtypes; and the errors for others.

The shape comes from the first elements, the dtype from all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import backend, devices, dtypes
from minigrad.autograd.core import TensorBase
from minigrad.autograd.failed_calls import leave_out_inner_calls
from minigrad.creation.complaints import no_list, no_number, ragged, ragged_arrays, several_elements, too_deep
from minigrad.creation.nested import DEEPEST, as_elements

TYPES = {bool: np.dtype(np.bool_), int: np.dtype(np.int64), float: None}  # None: the default type


def read_mixed(data: Any, numpy_dtype: Any) -> Any:
    """The array of nested lists, as `read_numbers` tells."""
    reader = _Reader(_shape_of(data), numpy_dtype)
    try:
        reader.read(data, 0)
    except (TypeError, ValueError, RuntimeError) as refused:
        leave_out_inner_calls(refused)
        raise
    return as_elements(reader.numbers, numpy_dtype or reader.common_dtype()).reshape(reader.shape)


def _shape_of(data: Any) -> tuple[int, ...]:
    """The shape, from the first element at each level; a tensor counts as a number."""
    shape: list[int] = []
    while _is_list(data):
        if isinstance(data, np.ndarray):
            return (*shape, *data.shape)
        if len(shape) == DEEPEST:
            raise too_deep(DEEPEST)
        shape.append(len(data))
        if not data:
            break
        data = data[0]
    return tuple(shape)


def _is_list(x: Any) -> bool:
    """Whether `x` is a sequence of numbers; a tensor counts as a number."""
    if isinstance(x, (list, tuple)):
        return True
    if isinstance(x, (TensorBase, np.generic)):
        return False
    if isinstance(x, np.ndarray):
        return x.ndim > 0
    return isinstance(x, Sequence) and not isinstance(x, (str, bytes))


class _Reader:
    """Collects the numbers of nested lists in order, and their types."""

    def __init__(self, shape: tuple[int, ...], numpy_dtype: Any) -> None:
        self.shape, self.wanted = shape, numpy_dtype
        self.numbers: list[Any] = []
        self.types: dict[Any, None] = {}  # NumPy dtypes in order of appearance

    def read(self, data: Any, depth: int) -> None:
        """Collects the numbers of `data`, which is nested in `depth` lists."""
        if depth == len(self.shape):
            self.numbers.append(self.read_number(data))
        elif isinstance(data, np.ndarray) and data.ndim:
            self.read_array(np.asarray(data), depth)
        elif isinstance(data, TensorBase) and data.array.ndim:
            self.read_array(backend.to_device(data.array, devices.CPU), depth)
        elif _is_list(data):
            self.read_list(data, depth)
        else:
            raise no_list(data, self.shape[depth], depth)

    def read_list(self, data: Sequence[Any], depth: int) -> None:
        if len(data) != self.shape[depth]:
            raise ragged(self.shape[depth], depth, len(data))
        if depth == len(self.shape) - 1 and (kinds := set(map(type, data))) <= TYPES.keys():  # the usual case
            for kind in kinds:
                self.types[TYPES[kind]] = None
            self.numbers.extend(data)
            return
        for part in data:
            self.read(part, depth + 1)

    def read_array(self, array: Any, depth: int) -> None:
        if array.shape != self.shape[depth:]:
            raise ragged_arrays(self.shape, depth, array.shape)
        dtypes.from_numpy(array.dtype if self.wanted is None or array.dtype.kind != "u" else self.wanted)
        self.types[array.dtype] = None
        self.numbers.extend(array.reshape(-1).tolist())

    def read_number(self, x: Any) -> Any:
        """One element as a Python number; records its type."""
        if type(x) in TYPES:
            self.types[TYPES[type(x)]] = None
            return x
        if isinstance(x, TensorBase):
            return self.read_tensor(x)
        if isinstance(x, (np.generic, np.ndarray)) and x.dtype.kind in "fiub" and not x.ndim:
            if self.wanted is None:
                dtypes.from_numpy(x.dtype)
            elif self.would_lose_its_fraction(x.dtype) and not isinstance(x, float):
                raise TypeError(f"{x!r} cannot be interpreted as an element of {self.wanted}: write int(...) around it")
            self.types[x.dtype] = None
            return x.item()
        if isinstance(x, (bool, int, float)):  # of a subclass
            return self.read_number(int(x) if isinstance(x, int) else float(x))
        raise no_number(x, bool(self.shape) and not self.numbers, self.wanted)

    def read_tensor(self, x: TensorBase) -> Any:
        array = x.array
        if array.size != 1:
            raise several_elements(array, self.wanted)
        if self.would_lose_its_fraction(array.dtype):
            hint = "convert it with .long() first"
            raise TypeError(f"a tensor of {array.dtype} cannot be interpreted as an integer of {self.wanted}: {hint}")
        self.types[array.dtype] = None
        return backend.to_device(array, devices.CPU).item()

    def would_lose_its_fraction(self, numpy_dtype: Any) -> bool:
        """Whether floats are to be converted to a dtype that is not float."""
        return self.wanted is not None and numpy_dtype.kind == "f" and self.wanted.kind != "f"

    def common_dtype(self) -> Any:
        """The dtype that holds all collected types; the default dtype if there are none."""
        default = dtypes.get_default_dtype().numpy
        found = [default if met is None else met for met in self.types] or [default]
        common = found[0]
        for other in found[1:]:
            common = dtypes.promote_pair(common, other)
        return common
