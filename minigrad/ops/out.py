"""PyTorch's ``out=``: a result written into a given tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.advice import warn
from minigrad.autograd.core import GRAD, TensorBase, mode
from minigrad.autograd.failed_calls import check_same_library
from minigrad.autograd.views import is_in_graph
from minigrad.backend import quiet, store
from minigrad.dtypes import is_category_downgrade
from minigrad.ops.writes import check_memory, tensors_in


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
