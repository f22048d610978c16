"""PyTorch's dtypes that no tensor has here, by name: programs ask ``x.dtype == torch.bfloat16``, which is False.

They are dtypes to compare with, and have limits and a place in promotion. What would make a tensor of one raises
TypeError.
"""

from __future__ import annotations

from typing import NoReturn

from minigrad.dtypes import bool_, dtype, float16, float32, float64


class AbsentDtype(dtype):
    """A dtype that no tensor has.

    >>> import minigrad as torch
    >>> torch.ones(2).dtype in (torch.float16, torch.bfloat16), torch.bfloat16.itemsize
    (False, 2)
    """

    __module__ = "minigrad"
    __slots__ = ("is_complex", "is_signed")

    def __init__(self, name: str, itemsize: int, kind: str) -> None:
        self.name = name
        self.itemsize = itemsize
        self.is_floating_point = kind == "float"
        self.is_complex = kind == "complex"
        self.is_signed = kind != "unsigned"  # type: ignore[misc]

    @property
    def numpy(self) -> NoReturn:  # type: ignore[override]
        """Raises TypeError: nothing here holds such numbers."""
        raise TypeError(
            f"PyTorch has tensors of {self.name}, minigrad does not: torch.{self.name} is a name to compare with; use "
            f"{self._suggest()}, docs/supported.md lists what is here"
        )

    def _suggest(self) -> str:
        """What a program may use instead."""
        if self.is_complex:
            return f"two tensors of {FLOATS[self.itemsize // 2].name}, the real and the imaginary part"
        if self.is_floating_point:
            return "float32, which holds every bfloat16, in the same range and with 16 bits more"
        return "int64"


FLOATS = {d.itemsize: d for d in (float16, float32, float64)}  # bytes -> the float of so many
NAMES = {
    kind.name: kind
    for kind in (
        AbsentDtype("bfloat16", 2, "float"),
        AbsentDtype("complex32", 4, "complex"),
        AbsentDtype("complex64", 8, "complex"),
        AbsentDtype("complex128", 16, "complex"),
        AbsentDtype("uint16", 2, "unsigned"),
        AbsentDtype("uint32", 4, "unsigned"),
        AbsentDtype("uint64", 8, "unsigned"),
    )
}
NAMES |= {"chalf": NAMES["complex32"], "cfloat": NAMES["complex64"], "cdouble": NAMES["complex128"]}


def find_category(kind: dtype) -> int:
    """The category by which PyTorch promotes: 0 for bool, 1 for integers, 2 for floats, 3 for complex numbers."""
    if kind.is_complex:
        return 3
    if kind.is_floating_point:
        return 2
    return 0 if kind is bool_ else 1


def promote(a: dtype, b: dtype) -> dtype:
    """PyTorch's common dtype of two, at least one of which only has a name here: of the higher category, or the wider.

    bfloat16 and float16 hold different numbers: their common dtype is float32. Raises RuntimeError for integers that
    PyTorch does not promote: unsigned ones of 16 bits or more beside anything but floats.
    """
    if a is b:
        return a
    weaker, stronger = sorted((a, b), key=find_category)
    if find_category(stronger) != 2 and any(isinstance(x, AbsentDtype) and not x.is_signed for x in (a, b)):
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{a.name} and {b.name}; convert one of them first"
        )
    if find_category(weaker) < 2:
        return stronger
    size = max(kind.itemsize // (2 if kind.is_complex else 1) for kind in (a, b))  # bytes of a real part
    if size == 2 and (a.name == "bfloat16") != (b.name == "bfloat16"):
        size = 4
    return NAMES[f"complex{16 * size}"] if stronger.is_complex else FLOATS[size]
