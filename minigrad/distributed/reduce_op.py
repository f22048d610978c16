"""`ReduceOp`: the reductions (sum, mean, max, ...) that a collective can apply across ranks."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np


class ReduceOp(Enum):
    """Sum, mean, product, minimum, maximum; and the bitwise operations, for integers and bools.

    >>> import minigrad as torch
    >>> torch.distributed.ReduceOp.SUM
    <RedOpType.SUM: 0>
    """

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7

    def __repr__(self) -> str:
        return f"<RedOpType.{self.name}: {self.value}>"

    def __str__(self) -> str:
        return f"RedOpType.{self.name}"


BITWISE = frozenset({ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR})
# For bools: a sum is True if one is True, a product if all are.
LOGICAL = {
    ReduceOp.SUM: ReduceOp.BOR, ReduceOp.MAX: ReduceOp.BOR, ReduceOp.BOR: ReduceOp.BOR,
    ReduceOp.PRODUCT: ReduceOp.BAND, ReduceOp.MIN: ReduceOp.BAND, ReduceOp.BAND: ReduceOp.BAND,
    ReduceOp.BXOR: ReduceOp.BXOR,
}  # fmt: skip


def check(op: Any, dtype: Any) -> None:
    """Checks that `op` is a ReduceOp that the NumPy dtype supports.

    Raises TypeError for anything else; RuntimeError for bitwise operations on floats and means of integers.
    """
    if not isinstance(op, ReduceOp):
        raise TypeError(f"op must be a ReduceOp, such as minigrad.distributed.ReduceOp.SUM, got {op!r}")
    kind = np.dtype(dtype).kind
    if op in BITWISE and kind not in "biu":
        raise RuntimeError(f"Cannot use ReduceOp.{op.name} with non-integral dtype {dtype}")
    if op is ReduceOp.AVG and kind in "biu":
        raise RuntimeError(f"the mean of {dtype} is no {dtype}: reduce with SUM, or convert with .float() first")
