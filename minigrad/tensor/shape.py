"""Methods for shapes, indices and matrix products: each line names the operation in `ops/`."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from minigrad.advice import warn
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.overriding import is_overridden
from minigrad.ops import copies, index, shape
from minigrad.ops.arithmetic import promote
from minigrad.ops.complaints import leave_or_refuse, no_operand
from minigrad.ops.inplace import copy_
from minigrad.ops.matmul import matmul
from minigrad.ops.setitem import setitem


class ShapeMethods(TensorBase):
    """Methods for shapes, axes, indices and matrix products."""

    __slots__ = ()

    reshape = shape.reshape
    view = shape.view
    flatten = shape.flatten
    ravel = copies.ravel
    squeeze = shape.squeeze
    unsqueeze = shape.unsqueeze
    permute = shape.permute
    transpose = shape.transpose
    swapaxes = shape.swapaxes
    swapdims = shape.transpose
    t = shape.t
    expand = shape.expand
    broadcast_to = shape.broadcast_to
    clone = copies.clone
    contiguous = copies.contiguous
    astype = copies.cast

    # ---- by index and mask ----------------------------------------------------------------------
    unbind = index.unbind
    __getitem__ = index.getitem
    __setitem__ = setitem

    def __delitem__(self: Any, key: Any) -> None:
        raise TypeError("Tensor does not support deleting items; x[mask] and torch.cat give a tensor of the others")

    copy_ = copy_

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
        """The axes in reverse order: the transpose of a matrix. Warns, as PyTorch does, unless it is a matrix."""
        if self.array.ndim not in (0, 2):
            hint = "x.mT transposes each matrix of a batch, and x.permute(...) reorders all axes"
            warn(f"x.T of a tensor of {self.array.ndim} dimensions, which is no matrix, is deprecated: {hint}")
        return shape.reverse_axes(self)

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

    # ---- products -------------------------------------------------------------------------------
    matmul = matmul

    def __matmul__(self: Any, other: Any) -> Tensor:
        if isinstance(other, TensorBase) or is_overridden(other):
            return matmul(self, other)
        if isinstance(other, ndarray):  # as with the other operators; the function `matmul` refuses an array
            x, array = promote("matmul", self, other)
            return matmul(x, wrap(array))
        return leave_or_refuse("__rmatmul__", "@", self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        if not isinstance(other, TensorBase):
            raise no_operand("@", other, self)
        return matmul(other, self)  # type: ignore[arg-type] # a tensor is no more than its base here
