"""Diagonals and triangles of matrices (`diag`, `tril`, `triu`), and matrices made of diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.ops.arguments import as_int, as_size, axis, of_tensors, read_tensors, takes_out
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast, clone, contiguous, in_rows, ravel
from minigrad.ops.describe import rename
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import cat
from minigrad.ops.padding import pad_constant
from minigrad.ops.rearranging import movedim
from minigrad.ops.shape import reshape


def _make_triangle(name: str, text: str, example: str) -> Any:
    made: Any = operation(
        name,
        lambda x, *, diagonal: in_rows(getattr(array_module(x), name)(x, diagonal)),
        lambda g, diagonal: made(g, diagonal=diagonal),
    )

    def part(input: Tensor, diagonal: int = 0) -> Tensor:
        if input.array.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got {input.array.ndim}")
        return made(input, diagonal=as_size(diagonal, "diagonal"))

    return takes_out(rename(part, name, text, example), in_part=True)


# fmt: off
tril = _make_triangle("tril", "The lower triangle of matrices, up to diagonal number `diagonal`; the rest is 0.",
    "torch.tril(torch.tensor([[1, 5], [7, 2]])).tolist() -> [[1, 0], [7, 2]]")
triu = _make_triangle("triu", "The upper triangle of matrices, from diagonal number `diagonal` on; the rest is 0.",
    "torch.triu(torch.tensor([[1, 5], [7, 2]])).tolist() -> [[1, 5], [0, 2]]")
# fmt: on

# einsum returns the diagonals of square matrices as a writable view
_diagonal = operation("diagonal", lambda x: np.einsum("...ii->...i", x), lambda g: _diag_embed(g), view=True)


def _diag_embed_forward(g: Any) -> Any:
    square = array_module(g).zeros((*g.shape, g.shape[-1]), g.dtype)
    np.einsum("...ii->...i", square)[...] = g
    return square


_diag_embed: Any = operation("diag_embed", _diag_embed_forward, lambda g: _diagonal(g))


def _two_axes(dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    """Two axes of so many, counted from the front. Raises RuntimeError if they are one."""
    first, second = axis(dim1, ndim), axis(dim2, ndim)
    if first == second or ndim < 2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return first, second


@of_tensors
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The entries on a diagonal of two axes, as a new last axis: a view.

    >>> import minigrad as torch
    >>> torch.diagonal(torch.arange(4).reshape(2, 2))
    tensor([0, 3])
    """
    axes, ndim = _two_axes(dim1, dim2, input.array.ndim), input.array.ndim
    x = input if axes == (ndim - 2, ndim - 1) else movedim(input, axes, (-2, -1))
    rows, columns = x.array.shape[-2:]
    offset = as_int(offset, "offset")
    top, left = max(-offset, 0), max(offset, 0)
    n = max(min(rows - top, columns - left), 0)
    return _diagonal(x if n == rows == columns else x[..., top : top + n, left : left + n])


@takes_out
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A vector as the diagonal of a matrix, or the diagonal of a matrix as a vector (a copy).

    >>> import minigrad as torch
    >>> torch.diag(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.array.ndim == 1:
        diagonal = as_int(diagonal, "diagonal")
        before, after = max(-diagonal, 0), max(diagonal, 0)
        square = pad_constant(_diag_embed(input), ((before, after), (after, before)))
        return name_last_call(square, "DiagEmbedBackward0")
    if input.array.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.array.ndim}D")
    return name_last_call(clone(_diagonal_of(input, diagonal)), "DiagonalBackward0_copy")


_diagonal_of = diagonal


@of_tensors
@recorded_as("DiagEmbedBackward0")
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A matrix for each vector of the last axis, which is its diagonal; other elements are 0.

    >>> import minigrad as torch
    >>> torch.diag_embed(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if not input.array.ndim:
        raise IndexError("diag_embed: a 0-d tensor has no axis to put on a diagonal; reshape it first")
    ndim = input.array.ndim + 1
    first, second = _two_axes(dim1, dim2, ndim)
    offset = as_int(offset, "offset")
    before, after = max(-offset, 0), max(offset, 0)
    square = pad_constant(_diag_embed(input), ((0, 0),) * (ndim - 2) + ((before, after), (after, before)))
    return contiguous(movedim(square, (-2, -1), (first, second)))


@of_tensors
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All elements on the diagonal of a matrix.

    >>> import minigrad as torch
    >>> torch.diagflat(torch.tensor([[1, 2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag(ravel(input), offset)


@names_options
@recorded_as("BlockDiagBackward0")
def block_diag(*tensors: Any) -> Tensor:
    """A matrix with the given matrices one after another on its diagonal; vectors are rows.

    >>> import minigrad as torch
    >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor([3]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    if not tensors:
        return wrap(np.zeros((1, 0), dtypes.get_default_dtype().numpy))
    given = read_tensors("block_diag", (tensors,))
    if any(x.array.ndim > 2 for x in given):
        most = max([x.array.ndim for x in given])
        raise RuntimeError(f"block_diag: Input tensors must have 2 or fewer dimensions, got {most}")
    common = dtypes.result_type([x.array for x in given])
    blocks = [reshape(cast(x, common), 1, -1) if x.array.ndim < 2 else cast(x, common) for x in given]
    width = sum([x.array.shape[1] for x in blocks])
    rows, left = [], 0
    for x in blocks:
        columns = x.array.shape[1]
        rows.append(pad_constant(x, ((0, 0), (left, width - left - columns))))
        left += columns
    return cat(rows, 0)
