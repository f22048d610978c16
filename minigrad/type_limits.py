"""What programs ask about dtypes: `finfo`, `iinfo`, `promote_types`, `can_cast`, under PyTorch's names."""

from __future__ import annotations

import numpy as np

from minigrad.dtypes import as_numpy, dtype, from_numpy, get_default_dtype, is_category_downgrade, promote_pair


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The dtype to which both are promoted: ``promote_types(int64, float32)`` is float32.

    >>> import minigrad as torch
    >>> torch.promote_types(torch.int64, torch.float32)
    minigrad.float32
    """
    return from_numpy(promote_pair(as_numpy(type1), as_numpy(type2)))


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether an in-place operation may cast so: the category must not go down.

    >>> import minigrad as torch
    >>> torch.can_cast(torch.float32, torch.int64)
    False
    """
    return not is_category_downgrade(as_numpy(from_), as_numpy(to))


class _Limits:
    """Two limits are equal if they are those of the same dtype."""

    dtype: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Limits) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class finfo(_Limits):
    """The limits of a floating-point type: eps, max, min, tiny, resolution, bits.

    >>> import minigrad
    >>> minigrad.finfo(minigrad.float32).eps
    1.1920928955078125e-07
    """

    __module__ = "minigrad"  # the public module, shown by type(x)

    def __init__(self, type: dtype | None = None) -> None:
        kind = get_default_dtype() if type is None else type
        if not isinstance(kind, dtype) or not kind.is_floating_point:
            from minigrad.shown_values import shorten

            raise TypeError(f"finfo() requires a floating point type, got {shorten(type)}; iinfo() is for integers")
        about = np.finfo(kind.numpy)
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
        if not isinstance(type, dtype) or type.numpy.kind not in "iu":
            from minigrad.shown_values import shorten

            raise TypeError(f"iinfo() requires an integer type, got {shorten(type)}; finfo() is for floating point")
        about = np.iinfo(type.numpy)
        self.bits, self.max, self.min, self.dtype = about.bits, int(about.max), int(about.min), str(about.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
