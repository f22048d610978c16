"""Reshaping, indexing and multiplying methods: each line names the operation in `ops/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase
from minigrad.ops import addmm as sums
from minigrad.ops import copies, index, join, masks, place, shape, strides, view_scatter
from minigrad.ops import diagonal as diagonals
from minigrad.ops import linear_algebra as linear
from minigrad.ops import matmul as products
from minigrad.ops import select as picking
from minigrad.ops import split as parts
from minigrad.ops.inplace import copy_, in_place, reshaping_in_place
from minigrad.ops.setitem import setitem

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


class ShapeMethods(TensorBase):
    """The same numbers under other axes, parts of them, and matrix products."""

    __slots__ = ()

    reshape = shape.reshape
    view = shape.view
    reshape_as = shape.reshape_as
    view_as = shape.view_as
    flatten = shape.flatten
    ravel = copies.ravel
    unflatten = shape.unflatten
    squeeze = shape.squeeze
    unsqueeze = shape.unsqueeze
    permute = shape.permute
    transpose = shape.transpose
    swapaxes = shape.swapaxes
    swapdims = shape.transpose
    movedim = moveaxis = shape.movedim
    t = shape.t
    expand = shape.expand
    expand_as = shape.expand_as
    broadcast_to = shape.broadcast_to
    repeat = copies.repeat
    tile = copies.tile
    unfold = strides.unfold
    as_strided = strides.as_strided
    clone = copies.clone
    contiguous = copies.contiguous
    astype = copies.cast

    squeeze_ = reshaping_in_place(shape.squeeze)
    unsqueeze_ = reshaping_in_place(shape.unsqueeze)
    transpose_ = reshaping_in_place(shape.transpose)
    swapaxes_ = reshaping_in_place(shape.swapaxes)
    swapdims_ = transpose_
    t_ = reshaping_in_place(shape.t)
    as_strided_ = reshaping_in_place(strides.as_strided)

    # ---- parts ----------------------------------------------------------------------------------
    narrow = parts.narrow
    split = split_with_sizes = parts.split
    select = parts.select
    tensor_split = parts.tensor_split
    hsplit = parts.hsplit
    vsplit = parts.vsplit
    dsplit = parts.dsplit
    chunk = parts.chunk
    unbind = parts.unbind
    roll = join.roll
    index_put = picking.index_put
    index_put_ = in_place(picking.index_put)
    fliplr = copies.fliplr
    flipud = copies.flipud
    rot90 = copies.rot90
    tril = diagonals.tril
    triu = diagonals.triu
    diagonal = diagonals.diagonal
    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat
    repeat_interleave = picking.repeat_interleave
    nonzero = masks.nonzero
    argwhere = masks.nonzero

    # ---- by index and mask ----------------------------------------------------------------------
    __getitem__ = index.getitem
    __setitem__ = setitem
    gather = picking.gather
    take_along_dim = picking.take_along_dim
    index_select = picking.index_select
    scatter = picking.scatter
    scatter_ = in_place(picking.scatter)
    scatter_add = picking.scatter_add
    scatter_add_ = in_place(picking.scatter_add)
    index_add = place.index_add
    index_add_ = in_place(place.index_add)
    index_copy = place.index_copy
    index_copy_ = in_place(place.index_copy)
    index_fill = place.index_fill
    index_fill_ = in_place(place.index_fill)
    index_reduce = place.index_reduce
    index_reduce_ = in_place(place.index_reduce)
    scatter_reduce = place.scatter_reduce
    scatter_reduce_ = in_place(place.scatter_reduce)
    put = place.put
    put_ = in_place(place.put)
    masked_scatter = place.masked_scatter
    masked_scatter_ = in_place(place.masked_scatter)
    take = place.take
    masked_fill = masks.masked_fill
    masked_fill_ = in_place(masks.masked_fill)
    masked_select = masks.masked_select
    select_scatter = view_scatter.select_scatter
    slice_scatter = view_scatter.slice_scatter
    diagonal_scatter = view_scatter.diagonal_scatter
    as_strided_scatter = view_scatter.as_strided_scatter
    tril_ = in_place(diagonals.tril)
    triu_ = in_place(diagonals.triu)
    copy_ = copy_

    def where(self, condition: Any, other: Any) -> Any:
        """The tensor where `condition` holds, `other` elsewhere.

        >>> import minigrad as torch
        >>> x = torch.tensor([1.0, -2.0])
        >>> x.where(x > 0, 0)
        tensor([1., 0.])
        """
        return masks.where(condition, self, other)

    def flip(self: Any, *dim: Any, dims: Any = None) -> Tensor:
        """The entries in reverse order along `dims`: a copy.

        >>> import minigrad as torch
        >>> torch.tensor([1, 2, 3]).flip(0)
        tensor([3, 2, 1])
        """
        if not dim and dims is None:
            raise TypeError("flip() needs the dims to turn round, such as flip(0) or flip((0, 1))")
        given = dim if dims is None else (dims,)
        return copies.flip(self, given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given)

    @property
    def T(self: Any) -> Tensor:
        """The axes in reverse order: the transpose of a matrix. Warns, as PyTorch does, where there is no matrix."""
        if self.array.ndim not in (0, 2):
            hint = "x.mT transposes each matrix of a batch, and x.permute(...) reorders all axes"
            warn(f"x.T of a tensor of {self.array.ndim} dimensions, which is no matrix, is deprecated: {hint}")
        return shape.permute(self, tuple(range(self.array.ndim))[::-1])

    @property
    def mT(self: Any) -> Tensor:
        """The last two axes swapped: the transpose of each matrix of a batch."""
        if self.array.ndim == 1:
            raise RuntimeError("tensor.mT is only supported on matrices or batches of them. Got 1-D tensor.")
        return shape.transpose(self, -2, -1) if self.array.ndim else self

    @property
    def H(self: Any) -> Tensor:
        """The transpose of a matrix: of real numbers, its conjugate too."""
        if self.array.ndim not in (0, 2):
            raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.array.ndim}-D tensor.")
        return self.T

    mH = mT  # noqa: N815 (PyTorch's name)

    def adjoint(self: Any) -> Tensor:
        """The last two axes swapped: ``x.mT``.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).adjoint().shape
        minigrad.Size([3, 2])
        """
        return self.mT

    # ---- linear algebra -------------------------------------------------------------------------
    inverse = linear.inverse
    det = linear.det
    slogdet = linear.slogdet
    logdet = linear.logdet
    pinverse = linear.pinverse
    cholesky = linear.cholesky
    matrix_exp = linear.matrix_exp
    matrix_power = linear.matrix_power
    svd = linear.svd
    qr = linear.qr

    # ---- products -------------------------------------------------------------------------------
    matmul = __matmul__ = products.matmul
    mm = products.mm
    bmm = products.bmm
    mv = products.mv
    dot = products.dot
    vdot = products.vdot
    outer = ger = products.outer
    trace = products.trace
    addmm = sums.addmm
    addmm_ = in_place(sums.addmm)
    addmv = sums.addmv
    addmv_ = in_place(sums.addmv)
    addr = sums.addr
    addr_ = in_place(sums.addr)
    addbmm = sums.addbmm
    addbmm_ = in_place(sums.addbmm)
    inner = products.inner
    cross = products.cross
    kron = products.kron
    baddbmm = sums.baddbmm
    baddbmm_ = in_place(sums.baddbmm)

    def __rmatmul__(self, other: Any) -> Tensor:
        return products.matmul(other, self)
