"""Methods of linear algebra (products stand in `shape.py`): each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import addmm as sums
from minigrad.ops import linear_algebra as linear
from minigrad.ops import products
from minigrad.ops.inplace import twins


class AlgebraMethods(TensorBase):
    """Decompositions, and products that are added to something."""

    __slots__ = ()

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
    vdot = products.vdot
    inner = products.inner
    cross = products.cross
    kron = products.kron
    trace = products.trace
    addmm, addmm_ = twins(sums.addmm)
    addmv, addmv_ = twins(sums.addmv)
    addr, addr_ = twins(sums.addr)
    addbmm, addbmm_ = twins(sums.addbmm)
    baddbmm, baddbmm_ = twins(sums.baddbmm)
