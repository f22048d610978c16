"""What programs ask about dtypes: `finfo`, `iinfo`, `promote_types`, `can_cast`, under PyTorch's names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from minigrad.absent_dtypes import FLOATS, AbsentDtype, find_category, promote
from minigrad.dtypes import as_numpy, dtype, from_numpy, get_default_dtype, promote_pair

# The upper 16 bits of a float32: its exponent of 8 bits, and 7 digits after the first. NumPy has no such type.
_BFLOAT16 = SimpleNamespace(
    bits=16, eps=2.0**-7, max=(2 - 2.0**-7) * 2.0**127, min=(2.0**-7 - 2) * 2.0**127, tiny=2.0**-126, precision=2,
    dtype="bfloat16",
)  # fmt: skip


def _as_dtype(d: Any) -> dtype:
    """A dtype, also one that only has a name here, as it is; Python's float, int or bool as a dtype."""
    return d if isinstance(d, dtype) else from_numpy(as_numpy(d))


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The dtype to which both are promoted: ``promote_types(int64, float32)`` is float32.

    Raises RuntimeError for an unsigned type of 16 bits or more beside another integer type, as PyTorch does.

    >>> import minigrad as torch
    >>> torch.promote_types(torch.int64, torch.float32)
    minigrad.float32
    """
    kinds = [_as_dtype(type1), _as_dtype(type2)]
    if any(isinstance(kind, AbsentDtype) for kind in kinds):
        return promote(*kinds)
    return from_numpy(promote_pair(as_numpy(type1), as_numpy(type2)))


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether an in-place operation may cast so: the category must not go down.

    >>> import minigrad as torch
    >>> torch.can_cast(torch.float32, torch.int64)
    False
    """
    return find_category(_as_dtype(from_)) <= find_category(_as_dtype(to))


class _Limits:
    """Two limits are equal if they are those of the same dtype."""

    dtype: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Limits) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class finfo(_Limits):
    """The limits of a floating-point type: eps, max, min, tiny, resolution, bits; those of a complex type's real part.

    bfloat16 has the range of float32 with 8 significant bits, float16 has 11 bits and ends at 65504:

    >>> import minigrad as torch
    >>> [torch.finfo(kind).max for kind in (torch.float16, torch.bfloat16)]
    [65504.0, 3.3895313892515355e+38]
    >>> [torch.finfo(kind).eps for kind in (torch.float16, torch.bfloat16)]
    [0.0009765625, 0.0078125]
    """

    __module__ = "minigrad"  # the public module, shown by type(x)

    def __init__(self, type: dtype | None = None) -> None:
        kind = get_default_dtype() if type is None else type
        if not isinstance(kind, dtype) or not (kind.is_floating_point or kind.is_complex):
            from minigrad.shown_values import shorten

            raise TypeError(f"finfo() requires a floating point type, got {shorten(type)}; iinfo() is for integers")
        real = FLOATS[kind.itemsize // 2] if kind.is_complex else kind
        about: Any = _BFLOAT16 if isinstance(real, AbsentDtype) else np.finfo(real.numpy)
        self.bits, self.eps, self.max, self.min = about.bits, float(about.eps), float(about.max), float(about.min)
        self.tiny = self.smallest_normal = float(about.tiny)
        self.resolution, self.dtype = 10.0**-about.precision, str(about.dtype)

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join([f'{n}={getattr(self, n):g}' for n in names])}, dtype={self.dtype})"


class iinfo(_Limits):
    """The limits of an integer type: bits, max, min.

    >>> import minigrad as torch
    >>> torch.iinfo(torch.int8).max
    127
    """

    __module__ = "minigrad"  # the public module, shown by type(x)

    def __init__(self, type: dtype) -> None:
        integers = isinstance(type, dtype) and not (type.is_floating_point or type.is_complex)
        if not integers or np.dtype(type.name).kind == "b":
            from minigrad.shown_values import shorten

            raise TypeError(f"iinfo() requires an integer type, got {shorten(type)}; finfo() is for floating point")
        about = np.iinfo(np.dtype(type.name))
        self.bits, self.max, self.min, self.dtype = about.bits, int(about.max), int(about.min), str(about.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
