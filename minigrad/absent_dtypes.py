"""PyTorch's dtypes that no tensor has here, by name: programs ask ``x.dtype == torch.bfloat16``, which is False.

They are dtypes to compare with. What would make a tensor of one raises TypeError.
"""

from __future__ import annotations

from typing import NoReturn

from minigrad.dtypes import dtype


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
            f"{'int64' if self.name.startswith('u') else 'float32'}, docs/supported.md lists what is here"
        )


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
