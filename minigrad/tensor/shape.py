"""Reshaping, indexing and multiplying methods: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import index, shape
from minigrad.ops import matmul as products
from minigrad.ops.inplace import copy_, setitem


class ShapeMethods(TensorBase):
    """The same numbers under other axes, parts of them, and matrix products."""

    __slots__ = ()

    reshape = view = shape.reshape
    permute = shape.permute
    transpose = swapaxes = shape.transpose
    t = shape.t
    expand = shape.expand
    broadcast_to = shape.broadcast_to
    clone = shape.clone
    astype = shape.cast
    copy_ = copy_
    __getitem__ = index.getitem
    __setitem__ = setitem

    matmul = __matmul__ = products.matmul
