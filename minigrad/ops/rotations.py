"""`roll`, `fliplr`, `flipud` and `rot90`: copies with entries moved round, or axes reversed and swapped."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.layout import contiguous_format
from minigrad.ops.arguments import as_int, as_size, axis, of_tensors
from minigrad.ops.copies import clone, in_rows, ravel, turn
from minigrad.ops.describe import rename
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.shape import reshape, transpose

_turned_round = shown_as(turn, "Rot90Backward0")


def _make_flip(name: str, dim: int, least: int, text: str, example: str) -> Any:
    def flip_one(input: Tensor) -> Tensor:
        if input.array.ndim < least:
            raise RuntimeError(f"{name}: input must be >= {least}-d, got {input.array.ndim}-d")
        return turn(input, dims=(dim,))

    return of_tensors(rename(flip_one, name, text, example))


# fmt: off
fliplr = _make_flip("fliplr", 1, 2, "The entries of the second axis, the columns of a matrix, in reverse order.",
    "torch.fliplr(torch.tensor([[1, 5], [7, 2]])).tolist() -> [[5, 1], [2, 7]]")
flipud = _make_flip("flipud", 0, 1, "The entries of the first axis, the rows of a matrix, in reverse order.",
    "torch.flipud(torch.tensor([[1, 5], [7, 2]])).tolist() -> [[7, 2], [1, 5]]")
# fmt: on


@of_tensors
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """The tensor turned `k` times by 90 degrees in the plane of two axes, from the first towards the second.

    >>> import minigrad as torch
    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    ndim = input.array.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = [axis(as_size(d, "dims"), ndim) for d in dims]
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    turns = as_int(k, "k") % 4
    if turns == 0:
        return name_last_call(clone(input, memory_format=contiguous_format), "Rot90Backward0")
    if turns == 2:
        return name_last_call(turn(input, dims=(first, second)), "Rot90Backward0")
    # a quarter turn swaps the axes and reverses one of them
    turned = _turned_round(transpose(input, first, second), dims=(first if turns == 1 else second,))
    return name_last_call(turned, "Rot90Backward0")


_roll: Any = operation(
    "roll",
    lambda x, *, shifts, dims: in_rows(np.roll(x, shifts, dims)),
    lambda g, shifts, dims: _roll(g, shifts=tuple([-n for n in shifts]), dims=dims),
)


@of_tensors
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The entries moved by `shifts` along `dims`; those that leave at the end reappear at the start.

    >>> import minigrad as torch
    >>> torch.roll(torch.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    if dims is None:
        dims = ()
    given_shifts, given_dims = [v if isinstance(v, (tuple, list)) else (v,) for v in (shifts, dims)]
    shifts = [as_size(n, "shifts") for n in given_shifts]
    dims = [as_size(d, "dims") for d in given_dims]
    if not dims and len(shifts) == 1:
        flat = _roll(ravel(input), shifts=(shifts[0],), dims=(0,))
        return name_last_call(reshape(flat, input.array.shape), "RollBackward0")
    if len(shifts) != len(dims) or not shifts:
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not input.array.ndim:
        raise IndexError(f"roll: Dimension specified as {dims[0]} but tensor has no dimensions")
    axes = tuple([axis(d, input.array.ndim) for d in dims])
    return _roll(input, shifts=tuple(shifts), dims=axes)
