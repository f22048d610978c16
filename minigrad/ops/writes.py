"""Checks and bookkeeping of every write into a tensor, and PyTorch's ``out=``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import setitem
from typing import Any, NamedTuple

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import GRAD, TensorBase, is_array, mode
from minigrad.autograd.messages import check_same_library
from minigrad.autograd.views import is_in_graph
from minigrad.backend import quiet
from minigrad.dtypes import is_category_downgrade
from minigrad.ops.memory_layout import are_same, overlap_in_part, repeats


def store(array: Any, key: Any, source: Any) -> None:
    """``array[key] = source``."""
    write_by(setitem, array, key, source)


def write_by(write: Callable[..., Any], array: Any, *others: Any) -> None:
    """Calls ``write(array, *others)``, which writes into `array`. All writes into tensors are made by this function.

    Raises RuntimeError if the memory is read-only.
    """
    try:
        quiet(write, array, *others)
    except ValueError:
        if array.__class__ is np.ndarray and not array.flags.writeable:
            raise RuntimeError(
                f"the memory of this tensor of shape {tuple(array.shape)} is read-only (it is that of a NumPy array "
                "with flags.writeable=False): write into a copy, x.clone()"
            ) from None
        raise


# ---- checks of memory ----------------------------------------------------------------------------
def check_memory(array: Any, name: str, source: Any = None, wholly: bool = False) -> None:
    """Raises if several elements of the target share memory, as in an expanded tensor, or if the target overlaps
    `source` partly; with `wholly` also if both are the same elements.
    """
    if repeats(array):
        detail = "more than one element of the written-to tensor refers to a single memory location"
        where = f"({name} on an expanded tensor of shape {array.shape})"
        raise RuntimeError(f"unsupported operation: {detail} {where}. Please clone() the tensor before.")
    if is_array(source) and (overlap_in_part(array, source) or (wholly and source.size and are_same(array, source))):
        detail = "some elements of the input tensor and the written-to tensor refer to a single memory location"
        raise RuntimeError(f"unsupported operation: {detail} ({name}). Please clone() the tensor before.")


# ---- results written into a given tensor -------------------------------------------------
class Manner(NamedTuple):
    """How a result is written into an existing tensor: one given as ``out=``, or the first argument."""

    # Whether the result may be cast: True, to a dtype of the same or a higher kind, as in arithmetic; "alone", the same
    # for a function that gave one result; "truth", between bool and uint8.
    cast: bool | str = False
    typed_by_out: bool = False  # the result is computed in the dtype of `out`
    apart: str = ""  # arguments that must not share memory with `out`: "all", or the "others" after the first
    in_part: bool = False  # in place: only changed elements are written into an expanded tensor
    read_before: str = ""  # in place: operands that may share memory, as they are read first: "numbers" (0-d) or "all"


def write_out(
    name: str, out: Any, result: Any, arguments: Sequence[Any], cast: bool | str = False, apart: str = ""
) -> Any:
    """Writes `result` into `out`, which is resized to its shape, and returns `out`.

    Raises RuntimeError for another dtype, unless the result may be `cast` to it, for a tensor that repeats its memory
    or shares it in part with an argument (wholly with one it must stand `apart` from), and where a gradient is wanted.
    """
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            given = f"{len(out)} of them" if isinstance(out, (tuple, list)) else type(out).__name__
            raise TypeError(f"{name}(): argument 'out' must be a tuple of {len(result)} Tensors, not {given}")
        cast = cast is True
        return type(result)(*[write_out(name, o, r, arguments, cast, apart) for o, r in zip(out, result, strict=True)])
    _check_receiver(name, out, result, cast)
    check_memory(out.array, f"out= of {name}")
    for position, argument in enumerate(arguments):
        wholly = apart == "all" or (apart == "others" and position > 0)
        for x in tensors_in(argument):
            if type(x.array) is type(out.array):
                check_memory(out.array, f"out= of {name}", x.array, wholly)
    if out.array.shape == result.array.shape:
        out.writes[0] += 1
    else:
        if out.array.size:
            had, takes = list(out.array.shape), list(result.array.shape)
            hint = "give one of that shape, or an empty one to be resized"
            warn(f"{name}(): an output with one or more elements was resized, from {had} to {takes}: {hint}")
        if out.node is not None or (not out.array.size and out.array.base is None):  # no memory that others may see
            out.writes[0] += 1
            out.array = quiet(result.array.astype, out.array.dtype, copy=False)
            return out
        from minigrad.ops.strides import resize

        resize(out, result.array.shape, range(result.array.ndim))
    store(out.array, ..., result.array)
    return out


def _may_cast(made: Any, have: Any, cast: bool | str) -> bool:
    """Whether a result of dtype `made` may be written into a tensor of another dtype: see `Manner.cast`."""
    if cast == "truth":
        return made.itemsize == have.itemsize and made.kind + have.kind in ("bu", "ub")
    return bool(cast) and not is_category_downgrade(made, have)


def _check_receiver(name: str, out: Any, result: Any, cast: bool | str) -> None:
    """Raises if `out` is no tensor, has another dtype or device, or is in the graph."""
    require_receiver(name, out)
    have, made = out.array.dtype, result.array.dtype
    if have != made and not _may_cast(made, have, cast):
        raise RuntimeError(f"Expected out tensor to have dtype {made}, but got {have} instead")
    check_same_library(name, (out.array, result.array))
    if mode.get() & GRAD and (result.node is not None or is_in_graph(out)):
        hint = "don't support automatic differentiation, but one of the arguments requires grad"
        raise RuntimeError(f"{name}(): functions with out=... arguments {hint}.")


def require_receiver(name: str, out: Any) -> None:
    """Raises TypeError unless `out` is a tensor."""
    if not isinstance(out, TensorBase):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")


def tensors_in(argument: Any) -> list[TensorBase]:
    """The tensors in an argument: itself, or those in a list."""
    if isinstance(argument, TensorBase):
        return [argument]
    inside = argument if isinstance(argument, (list, tuple)) else ()
    return [tensor for x in inside for tensor in tensors_in(x)]
