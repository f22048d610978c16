"""Reduction methods: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import reduce


class ReductionMethods(TensorBase):
    """Reduction methods."""

    __slots__ = ()

    all = reduce.all
    any = reduce.any
    mean = reduce.mean
    sum = reduce.sum
