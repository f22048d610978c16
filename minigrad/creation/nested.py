"""Nested lists of numbers as one NumPy array, for `tensor([[1, 2], [3, 4]])`.

The shape comes from the first elements, the dtype from all of them: Python's floats have the default dtype, its ints
int64; NumPy's scalars, arrays and tensors in the list keep theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import backend, devices, dtypes
from minigrad.autograd.core import TensorBase
from minigrad.creation.complaints import no_list, no_number, ragged, several_elements

_PLAIN = {bool: np.dtype(np.bool_), int: np.dtype(np.int64), float: None}  # None: the default type


def read_numbers(data: Any, numpy_dtype: Any = None) -> Any:
    """The array of a number, or of nested lists of numbers, arrays and tensors of one element.

    `numpy_dtype` is the type to have; where it is None, the one that holds all. Raises ValueError for
    ragged lists and tensors of several elements, TypeError for a list beside a number, RuntimeError
    for what is no number or does not fit into the type.
    """
    if type(data) is list and len(kinds := set(map(type, data))) == 1 and kinds <= _PLAIN.keys():
        common = numpy_dtype or _PLAIN[kinds.pop()] or dtypes.get_default_dtype().numpy
        return _as_elements(data, common)  # the usual case: a flat list of numbers of one type
    reader = _Reader(_shape_of(data), numpy_dtype)
    reader.read(data, 0)
    common = numpy_dtype or reader.common_dtype()
    return _as_elements(reader.numbers, common).reshape(reader.shape)


def _shape_of(data: Any) -> tuple[int, ...]:
    """The shape, from the first element at each level; a tensor counts as a number."""
    shape: list[int] = []
    while _is_list(data):
        if isinstance(data, np.ndarray):
            return (*shape, *data.shape)
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
        if depth == len(self.shape) - 1 and (kinds := set(map(type, data))) <= _PLAIN.keys():  # the usual case
            for kind in kinds:
                self.types[_PLAIN[kind]] = None
            self.numbers.extend(data)
            return
        for part in data:
            self.read(part, depth + 1)

    def read_array(self, array: Any, depth: int) -> None:
        if array.shape != self.shape[depth:]:
            detail = f"expected an array of shape {self.shape[depth:]}, got {array.shape}"
            raise ValueError(f"expected sequences of equal length at dim {depth}: {detail}")
        dtypes.from_numpy(array.dtype if self.wanted is None or array.dtype.kind != "u" else self.wanted)
        self.types[array.dtype] = None
        self.numbers.extend(array.reshape(-1).tolist())

    def read_number(self, x: Any) -> Any:
        """One element as a Python number; records its type."""
        if type(x) in _PLAIN:
            self.types[_PLAIN[type(x)]] = None
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


def _as_elements(numbers: list[Any], numpy_dtype: Any) -> Any:
    """Python numbers as a flat array of `numpy_dtype`, which must hold them."""
    if numpy_dtype.kind in "fb":
        try:
            values = np.array(numbers, np.float64 if numpy_dtype.kind == "f" else np.bool_)
        except OverflowError:
            raise OverflowError("int too large to convert to float") from None
        return dtypes.convert(values, numpy_dtype)
    exact = [x if isinstance(x, int) else _truncate(x, numpy_dtype) for x in numbers]
    try:
        values = np.array(exact, np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long: an integer does not fit into int64") from None
    if values.size and numpy_dtype != np.int64:
        dtypes.check_fits(int(values.min()), int(values.max()), numpy_dtype)
    return values.astype(numpy_dtype, copy=False)


def _truncate(value: float, numpy_dtype: Any) -> int:
    """A float without its fractional part."""
    dtypes.check_fits(value, value, numpy_dtype)
    return int(value)
