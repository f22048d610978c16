"""The dtypes by PyTorch's names, and PyTorch's rules of type promotion.

Promotion goes by category first (bool < integer < float) and by width second. A Python number, or a
0-d tensor, never widens a tensor of its own category: ``float32_image * 0.5`` stays float32.
Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from minigrad.backend import quiet
from minigrad.layout import Named


class dtype(Named):
    """The type of a tensor's elements, such as ``minigrad.float32``.

    >>> import minigrad
    >>> minigrad.float32, minigrad.float32.itemsize
    (minigrad.float32, 4)
    """

    __module__ = Named.__module__
    __slots__ = ("is_floating_point", "itemsize", "numpy")

    is_complex = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind == "f"

    @property
    def is_signed(self) -> bool:
        """True if the dtype has negative numbers."""
        return self.numpy.kind in "fi"


float16 = half = dtype("float16")
float32 = float_ = dtype("float32")
float64 = double = dtype("float64")
uint8 = dtype("uint8")
int8 = dtype("int8")
int16 = short = dtype("int16")
int32 = int_ = dtype("int32")
int64 = long = dtype("int64")
bool_ = dtype("bool")

NOT_COMPLEX = "there are no complex numbers here, give .real, .imag or abs() of it"
SCALAR_TYPES = {  # PyTorch's other names of the dtypes, as in FloatTensor
    "float16": "Half", "float32": "Float", "float64": "Double", "uint8": "Byte", "int8": "Char",
    "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool",
}  # fmt: skip
_BY_NUMPY: dict[Any, dtype] = {d.numpy: d for d in (float16, float32, float64, uint8, int8, int16, int32, int64, bool_)}
_BY_PYTHON: dict[Any, dtype] = {bool: bool_, int: int64, float: float64}

_default: dtype = float32


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats: float32 unless ``set_default_dtype`` changed it.

    >>> import minigrad as torch
    >>> torch.get_default_dtype()
    minigrad.float32
    """
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Sets the dtype of tensors made from Python floats. Raises TypeError unless `d` is a floating-point dtype.

    >>> import minigrad as torch
    >>> torch.set_default_dtype(torch.float32)
    """
    global _default
    if not isinstance(d, dtype) or d.numpy.kind != "f":
        hint = "pass minigrad.float16, minigrad.float32 or minigrad.float64"
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}; {hint}")
    _default = d


def from_numpy(numpy_dtype: Any) -> dtype:
    """The minigrad dtype of a NumPy dtype. Raises TypeError for types that tensors cannot hold."""
    try:
        return _BY_NUMPY[numpy_dtype]
    except KeyError:
        known = ", ".join(d.name for d in _BY_NUMPY.values())
        detail = f"The only supported types are: {known}. Convert it first, for example with array.astype(np.float32)"
        raise TypeError(f"can't convert np.ndarray of type {numpy_dtype}. {detail}") from None


def as_numpy(d: Any) -> Any:
    """The NumPy dtype of `d`: a minigrad dtype, or Python's float, int or bool."""
    if isinstance(d, dtype):
        return d.numpy
    if isinstance(d, type) and d in _BY_PYTHON:
        return _BY_PYTHON[d].numpy
    from minigrad.shown_values import show_value

    raise TypeError(f"argument 'dtype' must be minigrad.dtype, such as minigrad.float32, not {show_value(d)}")


_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


@cache
def promote_pair(a: Any, b: Any) -> Any:
    """The common NumPy dtype of two tensors with axes: a float beats every integer."""
    if (a.kind == "f") == (b.kind == "f"):
        return np.promote_types(a, b)
    return a if a.kind == "f" else b


def _combine(stronger: Any, weaker: Any) -> Any:
    """The result of promotion where `weaker` counts only if its category is higher than that of `stronger`."""
    if stronger is None or weaker is None:
        return stronger if weaker is None else weaker
    if _CATEGORY[weaker.kind] > _CATEGORY[stronger.kind]:
        return promote_pair(stronger, weaker)
    return stronger


def result_type(operands: Iterable[Any]) -> Any:
    """The NumPy dtype of an operation over `operands`: arrays and Python numbers."""
    with_axes = without_axes = numbers = None
    for x in operands:
        if hasattr(x, "ndim") and hasattr(x, "dtype") and not isinstance(x, np.generic):
            if x.ndim:
                with_axes = x.dtype if with_axes is None else promote_pair(with_axes, x.dtype)
            else:
                without_axes = x.dtype if without_axes is None else promote_pair(without_axes, x.dtype)
        else:
            kind = bool_ if isinstance(x, (bool, np.bool_)) else int64 if isinstance(x, (int, np.integer)) else _default
            numbers = kind.numpy if numbers is None else promote_pair(numbers, kind.numpy)
    return _combine(with_axes, _combine(without_axes, numbers))


def is_category_downgrade(source: Any, target: Any) -> bool:
    """Whether casting from `source` to `target` would lower the category, such as float to int."""
    return _CATEGORY[source.kind] > _CATEGORY[target.kind]


# ---- numbers as elements of a type ----------------------------------------------------------------
def as_python(x: Any) -> Any:
    """A number of NumPy's as one of Python's, a long double too, whose `item` is none; anything else as it is."""
    return float(x) if isinstance(x, np.floating) else x.item() if isinstance(x, np.generic) else x


@cache
def limits(numpy_dtype: Any) -> tuple[float, float]:
    """The smallest and the largest finite number of a NumPy dtype, as Python numbers."""
    if numpy_dtype.kind == "b":
        return 0, 1
    about: Any = np.finfo(numpy_dtype) if numpy_dtype.kind == "f" else np.iinfo(numpy_dtype)
    number = float if numpy_dtype.kind == "f" else int
    return number(about.min), number(about.max)


def check_fits(least: Any, greatest: Any, numpy_dtype: Any) -> None:
    """Raises if numbers from `least` to `greatest` do not fit in `numpy_dtype`, by PyTorch's rules.

    Negative integers wrap around in an unsigned dtype (-1 is 255 in uint8), floats lose their fractional
    part. Raises OverflowError for integers beyond 64 bits, RuntimeError for the rest.
    """
    low, high = (-math.inf, math.inf) if numpy_dtype.kind == "b" else limits(numpy_dtype)
    for value in (least, greatest):
        if isinstance(value, int):
            check_64_bits(value)
            fits = (-high if numpy_dtype.kind == "u" else low) <= value <= high
        else:
            fits = low <= value <= high or (numpy_dtype.kind in "bf" and not math.isfinite(value))
        if not fits:
            hint = f"{numpy_dtype.name} holds {low} to {high}, got {value}; choose a wider dtype"
            raise RuntimeError(f"value cannot be converted to type {numpy_dtype.name} without overflow: {hint}")


def every_float_holds(value: float) -> bool:
    """Whether a number is finite even in float16."""
    return -65504 <= value <= 65504


def check_64_bits(value: int) -> None:
    """Raises OverflowError for an integer that fits in neither int64 nor uint64."""
    if not -(2**63) <= value < 2**64:
        raise OverflowError(f"an integer of {value.bit_length()} bits is too large: int64 holds 63 and a sign")


_WIDE = "fdilq"  # NumPy's letters of the floats and signed integers of 32 and 64 bits


def scalar(value: Any, numpy_dtype: Any, *, round_to_infinity: bool = False) -> Any:
    """A number, Python's or NumPy's, as a NumPy scalar of `numpy_dtype`; `check_fits` raises for what does not fit.

    With `round_to_infinity` a float16 may become infinite, as in PyTorch when a single number is written.
    """
    if (value.__class__ is float or value.__class__ is int) and numpy_dtype.char in _WIDE and every_float_holds(value):
        return numpy_dtype.type(value)  # nearly always
    value = as_python(value)
    if not (round_to_infinity and numpy_dtype == np.float16):
        check_fits(value, value, numpy_dtype)
    return wrap_around(value, numpy_dtype)


def wrap_around(value: float, numpy_dtype: Any) -> Any:
    """A Python number of at most 64 bits as a NumPy scalar; integers that do not fit wrap around."""
    wide = np.float64 if isinstance(value, float) else np.uint64 if value >= 2**63 else np.int64
    return convert(np.asarray(value, None if numpy_dtype.kind == "b" else wide), numpy_dtype)[()]


def check_numbers(operands: Iterable[Any]) -> None:
    """Raises for numbers among `operands`, Python's or NumPy's, that do not fit in the common dtype."""
    given = [*map(as_python, operands)]
    common = result_type(given)
    for x in given:
        if isinstance(x, (int, float)):
            check_fits(x, x, common)


def convert(array: Any, numpy_dtype: Any) -> Any:
    """`array` cast to another dtype, without NumPy's warnings."""
    return array if array.dtype == numpy_dtype else quiet(cast_array, array, numpy_dtype)


def cast_array(array: Any, numpy_dtype: Any, order: str = "K") -> Any:
    """`array` cast to another dtype; float64 becomes float16 via float32, as in PyTorch."""
    if array.dtype.char == "d" and numpy_dtype == np.float16:  # in this order: it is the faster question
        array = array.astype(np.float32)
    return array.astype(numpy_dtype, order)
