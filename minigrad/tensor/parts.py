"""Methods that split tensors, and read or write by index or mask: each line names the operation in `ops/`."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import TensorBase
from minigrad.ops import diagonal as diagonals
from minigrad.ops import join, masks, place, view_scatter
from minigrad.ops import select as picking
from minigrad.ops import split as parts
from minigrad.ops.inplace import twins


class PartMethods(TensorBase):
    """Parts of a tensor, and what is written at places of it."""

    __slots__ = ()

    narrow = parts.narrow
    split = split_with_sizes = parts.split
    select = parts.select
    tensor_split = parts.tensor_split
    hsplit = parts.hsplit
    vsplit = parts.vsplit
    dsplit = parts.dsplit
    chunk = parts.chunk
    roll = join.roll
    tril, tril_ = twins(diagonals.tril)
    triu, triu_ = twins(diagonals.triu)
    diagonal = diagonals.diagonal
    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat
    repeat_interleave = picking.repeat_interleave

    # ---- by mask --------------------------------------------------------------------------------
    nonzero = masks.nonzero
    argwhere = masks.nonzero
    masked_fill, masked_fill_ = twins(masks.masked_fill)
    masked_select = masks.masked_select
    masked_scatter, masked_scatter_ = twins(place.masked_scatter)

    def where(self, condition: Any, other: Any) -> Any:
        """The tensor where `condition` holds, `other` elsewhere.

        >>> import minigrad as torch
        >>> x = torch.tensor([1.0, -2.0])
        >>> x.where(x > 0, 0)
        tensor([1., 0.])
        """
        return masks.where(condition, self, other)

    # ---- by place -------------------------------------------------------------------------------
    index_put, index_put_ = twins(picking.index_put)
    gather = picking.gather
    take_along_dim = picking.take_along_dim
    index_select = picking.index_select
    scatter, scatter_ = twins(picking.scatter)
    scatter_add, scatter_add_ = twins(picking.scatter_add)
    index_add, index_add_ = twins(place.index_add)
    index_copy, index_copy_ = twins(place.index_copy)
    index_fill, index_fill_ = twins(place.index_fill)
    index_reduce, index_reduce_ = twins(place.index_reduce)
    scatter_reduce, scatter_reduce_ = twins(place.scatter_reduce)
    put, put_ = twins(place.put)
    take = place.take
    select_scatter = view_scatter.select_scatter
    slice_scatter = view_scatter.slice_scatter
    diagonal_scatter = view_scatter.diagonal_scatter
    as_strided_scatter = view_scatter.as_strided_scatter
