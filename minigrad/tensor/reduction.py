"""Reducing methods: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import counting, cumulative, norm, order, reduce, running, statistics
from minigrad.ops.inplace import in_place


class ReductionMethods(TensorBase):
    """Many numbers become few, or find their order."""

    __slots__ = ()

    all = reduce.all
    amax = reduce.amax
    amin = reduce.amin
    any = reduce.any
    count_nonzero = reduce.count_nonzero
    cumprod = cumulative.cumprod
    cumsum = cumulative.cumsum
    logsumexp = reduce.logsumexp
    mean = reduce.mean
    prod = cumulative.prod
    std = statistics.std
    sum = reduce.sum
    sum_to_size = reduce.sum_to_size
    var = statistics.var
    cumsum_ = in_place(cumulative.cumsum)
    cumprod_ = in_place(cumulative.cumprod)
    logcumsumexp = running.logcumsumexp
    cummax = running.cummax
    cummin = running.cummin
    diff = running.diff
    dist = norm.dist
    renorm = norm.renorm
    renorm_ = in_place(norm.renorm)
    norm = norm.norm
    argmax = order.argmax
    argmin = order.argmin
    argsort = order.argsort
    bincount = counting.bincount
    max = order.max
    median = order.median
    min = order.min
    sort = order.sort
    topk = order.topk
    msort = order.msort
    unique = counting.unique
    unique_consecutive = counting.unique_consecutive
    aminmax = order.aminmax
    kthvalue = order.kthvalue
    mode = order.mode
    nanmedian = order.nanmedian
    nansum = statistics.nansum
    nanmean = statistics.nanmean
    quantile = statistics.quantile
    nanquantile = statistics.nanquantile
    histc = counting.histc
    histogram = counting.histogram
    cov = statistics.cov
    corrcoef = statistics.corrcoef
