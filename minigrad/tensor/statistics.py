"""Cumulative, sorting, counting and statistical methods: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import counting, cumulative, norm, order, running, statistics
from minigrad.ops.inplace import twins


class StatisticsMethods(TensorBase):
    """Orders, counts, running sums, norms and moments."""

    __slots__ = ()

    cumprod, cumprod_ = twins(cumulative.cumprod)
    cumsum, cumsum_ = twins(cumulative.cumsum)
    prod = cumulative.prod
    logcumsumexp = running.logcumsumexp
    cummax = running.cummax
    cummin = running.cummin
    diff = running.diff
    dist = norm.dist
    renorm, renorm_ = twins(norm.renorm)
    norm = norm.norm
    argmax = order.argmax
    argmin = order.argmin
    argsort = order.argsort
    max = order.max
    median = order.median
    min = order.min
    sort = order.sort
    topk = order.topk
    msort = order.msort
    aminmax = order.aminmax
    kthvalue = order.kthvalue
    mode = order.mode
    nanmedian = order.nanmedian
    bincount = counting.bincount
    unique = counting.unique
    unique_consecutive = counting.unique_consecutive
    histc = counting.histc
    histogram = counting.histogram
    std = statistics.std
    var = statistics.var
    nansum = statistics.nansum
    nanmean = statistics.nanmean
    quantile = statistics.quantile
    nanquantile = statistics.nanquantile
    cov = statistics.cov
    corrcoef = statistics.corrcoef
