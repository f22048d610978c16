"""Reduction methods: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import comparison, reduce


class ReductionMethods(TensorBase):
    """Reduction methods."""

    __slots__ = ()

    all = comparison.all
    any = comparison.any
    mean = reduce.mean
    sum = reduce.sum
