"""`nll_loss` on class numbers, and its gradient: one kernel each.

One block of threads sums over all labels, always in the same order, and divides by the number that count. The gradient
is zero except at the class of each label; every block counts the labels itself and writes its part. A label that is no
class makes the loss NaN, because raising an error would need to wait for the GPU.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.gpu.floats import in_one_piece, launch_floats
from minigrad.gpu.launch import blocks_for, int32s

P = 256  # threads of the block
MOST = 2**16  # the most labels that one block sums

# Label i belongs to row i / rest, place i % rest, of (N, classes, rest).
LOSS = """
__device__ A weight_of(long long label, const T* weights, int weighted, int classes) {
    return weighted && label >= 0 && label < classes ? up(weights[label]) : A(1);
}
__device__ A count_labels(
    const long long* labels, const T* weights, int count, int classes, long long ignored, int weighted)
{
    A counted = 0;
    for (int i = threadIdx.x; i < count; i += P)
        if (labels[i] != ignored) counted += weight_of(labels[i], weights, weighted, classes);
    return all_sum(counted);
}
// out = -sum(w[label] logs[label]), for the mean divided by the sum of w[label]; labels (N, rest) -> ().
extern "C" __global__ void nll(
    const T* logs, const long long* labels, const T* weights, T* out, int count, int classes, int rest,
    long long ignored, int mean, int weighted)
{
    A total = 0;
    for (int i = threadIdx.x; i < count; i += P) {
        long long label = labels[i];
        if (label == ignored) continue;
        bool there = label >= 0 && label < classes;
        A log = there ? up(logs[((long long)(i / rest) * classes + label) * rest + i % rest]) : infinity() - infinity();
        total -= log * weight_of(label, weights, weighted, classes);
    }
    total = all_sum(total);
    A counted = mean ? count_labels(labels, weights, count, classes, ignored, weighted) : A(1);
    if (threadIdx.x == 0) *out = down(total / counted);
}
// out = -gradient w[label] where the class is the label, divided likewise, and 0 elsewhere: () -> (N, classes, rest).
extern "C" __global__ void nll_rule(
    const T* gradient, const long long* labels, const T* weights, T* out, int count, int classes, int rest,
    long long ignored, int mean, int weighted)
{
    A counted = mean ? count_labels(labels, weights, count, classes, ignored, weighted) : A(1);
    A slope = up(down(up(*gradient) / counted));
    long long size = (long long)count * classes;
    for (int k = 0; k < 4; k++) {
        long long i = (4ll * blockIdx.x + k) * P + threadIdx.x;
        if (i >= size) return;
        int c = i / rest % classes;
        long long label = labels[i / rest / classes * rest + i % rest];
        bool hit = label == c && label != ignored;
        out[i] = down(hit ? -slope * weight_of(label, weights, weighted, classes) : A(0));
    }
}
"""


def nll(x: Any, target: Any, weight: Any, *, ignore_index: int, reduction: str) -> Any:
    """The loss (N, C, ...), (N, ...), weights -> (); of one example (C,), ()."""
    if not _serves(x, target, weight, reduction):
        return None
    x = in_one_piece(x)
    out = type(x)((), x.dtype)
    _launch("nll", 1, (x, target, weight, out), x, ignore_index, reduction)
    return out


def nll_rule(g: Any, x: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """The gradient of the loss by x, () -> (N, C, ...)."""
    if not _serves(x, target, weight, reduction):
        return None
    out = type(x)(x.shape, x.dtype)
    _launch("nll_rule", blocks_for(x.size, 4 * P), (g, target, weight, out), x, ignore_index, reduction)
    return out


def _serves(x: Any, target: Any, weight: Any, reduction: str) -> bool:
    labels = target.dtype.char in "lq" and 0 < target.size <= MOST and target.flags.c_contiguous
    weights = weight is None or (weight.dtype == x.dtype and weight.flags.c_contiguous)
    return reduction != "none" and x.dtype.char in "efd" and labels and weights and x.size > 0


def _launch(name: str, blocks: int, arrays: tuple[Any, ...], x: Any, ignore_index: int, reduction: str) -> None:
    first, target, weight, out = arrays
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]  # (N, C, ...) or (C,)
    sizes = int32s(target.size, classes, prod(x.shape[2:]))
    numbers = (*sizes, np.int64(ignore_index), *int32s(reduction == "mean", weight is not None))
    operands = (first, target, first if weight is None else weight, out)
    launch_floats(name, LOSS, x.dtype.char, (blocks,), (P,), (*operands, *numbers), P=P)
