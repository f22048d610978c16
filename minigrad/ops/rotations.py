"""`fliplr`, `flipud` and `rot90`: copies with axes reversed or swapped."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import Tensor
from minigrad.ops.arguments import as_int, as_size, axis, of_tensors
from minigrad.ops.copies import clone, turn
from minigrad.ops.describe import rename
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.shape import transpose

_turned_round = shown_as(turn, "Rot90Backward0")


def _make_flip(name: str, dim: int, least: int, text: str, example: str) -> Any:
    def flip_one(input: Tensor) -> Tensor:
        if input.array.ndim < least:
            raise RuntimeError(f"{name}: input must be >= {least}-d, got {input.array.ndim}-d")
        return turn(input, dims=(dim,))

    return of_tensors(rename(flip_one, name, text, example))


fliplr = _make_flip(
    "fliplr",
    1,
    2,
    "The entries of the second axis, the columns of a matrix, in reverse order.",
    "torch.fliplr(torch.tensor([[1, 5], [7, 2]])).tolist() -> [[5, 1], [2, 7]]",
)
flipud = _make_flip(
    "flipud",
    0,
    1,
    "The entries of the first axis, the rows of a matrix, in reverse order.",
    "torch.flipud(torch.tensor([[1, 5], [7, 2]])).tolist() -> [[7, 2], [1, 5]]",
)


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
        return name_last_call(clone(input), "Rot90Backward0")
    if turns == 2:
        return name_last_call(turn(input, dims=(first, second)), "Rot90Backward0")
    # a quarter turn swaps the axes and reverses one of them
    turned = _turned_round(transpose(input, first, second), dims=(first if turns == 1 else second,))
    return name_last_call(turned, "Rot90Backward0")
