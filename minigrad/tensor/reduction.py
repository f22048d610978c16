"""Reducing methods: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import reduce


class ReductionMethods(TensorBase):
    """Many numbers become few."""

    __slots__ = ()

    sum = reduce.sum
    mean = reduce.mean
