"""Reduction methods: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import reduce


class ReductionMethods(TensorBase):
    """Reduction methods."""

    __slots__ = ()

    all = reduce.all
    amax = reduce.amax
    amin = reduce.amin
    any = reduce.any
    count_nonzero = reduce.count_nonzero
    logsumexp = reduce.logsumexp
    mean = reduce.mean
    sum = reduce.sum
    sum_to_size = reduce.sum_to_size
