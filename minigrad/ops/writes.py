"""Checks of the memory that a tensor is written to, and how it is written. `out.py` serves PyTorch's ``out=``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, is_array
from minigrad.backend import address_of
from minigrad.layout import is_dense
from minigrad.ops.write_complaints import shares_memory


# ---- checks of memory ----------------------------------------------------------------------------
def check_memory(array: Any, name: str, source: Any = None, wholly: bool = False) -> None:
    """Raises if several elements of the target share memory, as in an expanded tensor, or if the target overlaps
    `source` partly; with `wholly` also if both are the same elements.
    """
    if repeats(array):
        which = "more than one element of the written-to tensor refers"
        raise shares_memory(which, f"{name} on an expanded tensor of shape {array.shape}")
    if is_array(source) and (overlap_in_part(array, source) or (wholly and source.size and are_same(array, source))):
        raise shares_memory("some elements of the input tensor and the written-to tensor refer", name)


# ---- memory that elements share ------------------------------------------------------------------
def repeats(array: Any) -> bool:
    """True if several elements of `array` share memory."""
    shape, steps = array.shape, array.strides
    return 0 in steps and array.size > 0 and any(n > 1 and not step for n, step in zip(shape, steps, strict=True))


def overlap_in_part(a: Any, b: Any) -> bool:
    """True if two dense arrays share memory, but are not the same elements in the same order.

    Arrays with gaps are not tested: as in PyTorch, that would take too long.
    """
    if not have_one_base(a, b) or not np.may_share_memory(a, b):
        return False
    return not are_same(a, b) and is_dense(a) and is_dense(b)


def are_same(a: Any, b: Any) -> bool:
    """True if two arrays are the same elements in the same order."""
    return a.shape == b.shape and address_of(a) == address_of(b) and _find_steps(a) == _find_steps(b)


def _find_steps(array: Any) -> list[int]:
    """The strides, without those of axes of length 1, which do not matter."""
    return [stride for n, stride in zip(array.shape, array.strides, strict=True) if n > 1]


def have_one_base(a: Any, b: Any) -> bool:
    """Whether two arrays have the same base; in NumPy and CuPy the base of a view is never itself a view."""
    return (a if a.base is None else a.base) is (b if b.base is None else b.base)


# ---- results written into a given tensor -------------------------------------------------
class Manner:
    """How a result is written into an existing tensor: one given as ``out=``, or the first argument.

    `cast` says whether it may be cast: True, to a dtype of the same or a higher kind, as in arithmetic; "alone", the
    same for a function that gave one result; "truth", between bool and uint8. `typed_by_out` are kinds of input and
    `out` for which the result is computed in the dtype of `out`, `apart` the arguments that must not share memory with
    `out`: "all", or the "others" after the first. In place, `in_part` says that only changed elements are written into
    an expanded tensor, and `read_before` which operands may share memory, as they are read first: "numbers" (0-d) or
    "all".
    """

    def __init__(
        self, cast: bool | str = False, typed_by_out: str = "", apart: str = "", in_part: bool = False,
        read_before: str = "",
    ) -> None:  # fmt: skip
        self.cast, self.typed_by_out, self.apart = cast, typed_by_out, apart
        self.in_part, self.read_before = in_part, read_before

    def take_out(self, args: Any, options: dict[str, Any]) -> Any:
        """Takes `out` from the options; `dtype` becomes that of `out`, if the kinds of both are `typed_by_out`."""
        out, operand = options.pop("out"), (args or [options.get("input")])[0]
        typed = self.typed_by_out and isinstance(out, TensorBase)
        if typed and {x.array.dtype.kind for x in (operand, out)}.issubset(self.typed_by_out):
            options["dtype"] = options.get("dtype") or out.dtype
        return out


def tensors_in(argument: Any) -> list[TensorBase]:
    """The tensors in an argument: itself, or those in a list."""
    if isinstance(argument, TensorBase):
        return [argument]
    inside = argument if isinstance(argument, (list, tuple)) else ()
    return [tensor for x in inside for tensor in tensors_in(x)]
