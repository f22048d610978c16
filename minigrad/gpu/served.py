"""Which functions of the heart have kernels of our own: read once, when a GPU is found.

`backend.KERNELS` is the seam: the engine looks there for what computes a forward or a rule of arrays on a GPU.
"""

from __future__ import annotations

import numpy as np

import minigrad.gpu.generator
import minigrad.ops.addmm
import minigrad.ops.gamma
import minigrad.ops.limits
import minigrad.ops.masks
import minigrad.ops.special  # noqa: F401 (they declare elementwise operations, and are else read when asked for)
from minigrad.backend import KERNELS, copy_one
from minigrad.gpu import blas, classes, copies, extremes, normalization, pooling, rows, squares, sums
from minigrad.gpu.elementwise import Elementwise
from minigrad.gpu.products import by_cublas, einsum, linear
from minigrad.kernels.dispatch import register
from minigrad.kernels.fast import cuda
from minigrad.ops.activation import log_softmax_operation, softmax_operation
from minigrad.ops.affine import affine, project
from minigrad.ops.conv import conv, conv_input
from minigrad.ops.copies import copy_operation
from minigrad.ops.elementwise import ELEMENTWISE
from minigrad.ops.loss import mse, nll, nll_of_pixels
from minigrad.ops.matmul import PRODUCTS, product_of
from minigrad.ops.normalization import batch_norm, group_norm, layer_norm, normalize_by
from minigrad.ops.order import find_extreme
from minigrad.ops.pool import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from minigrad.ops.reduce import average, sum_operation

for _operation in ELEMENTWISE:
    for _function in (_operation.forward, *_operation.rules):
        if _function is not None:
            KERNELS[_function] = Elementwise(_function)

for _operation in (softmax_operation, log_softmax_operation):
    _name, _forward, (_rule,) = _operation.name, _operation.forward, _operation.rules
    if _rule is not None:
        KERNELS[_forward] = rows.forward_along(_name, _forward)
        KERNELS[_rule] = rows.rule_along(f"{_name}_rule", _rule)

for _operation in (nll, nll_of_pixels):
    _forward, _rule = _operation.forward, _operation.rules[0]
    if _rule is not None:
        KERNELS[_forward] = classes.forward_of_classes(_forward)
        KERNELS[_rule] = classes.rule_of_classes(_rule)

for _way in (cuda.WAY, *[family.WAY for family in cuda.FAMILIES.values()]):
    register(_way)
KERNELS[conv.forward] = cuda.convolve
for _operation in (conv, conv_input):
    _rule = _operation.rules[2]  # of the bias
    if _rule is not None:
        KERNELS[_rule] = cuda.sum_channels

for _operation in (batch_norm, layer_norm, group_norm):
    KERNELS[_operation.forward] = normalization.forward_of(_operation.forward)
    for _rule, _rule_of in zip(_operation.rules, normalization.RULES, strict=True):
        if _rule is not None:
            KERNELS[_rule] = _rule_of(_rule)
_forward, _rule = normalize_by.forward, normalize_by.rules[0]
if _rule is not None:
    KERNELS[_forward] = normalization.given_forward_of(_forward)
    KERNELS[_rule] = normalization.given_x_rule_of(_rule)

for _operation in (*PRODUCTS, affine, project):
    for _function in (_operation.forward, *_operation.rules):
        if _function is not None:
            KERNELS[_function] = by_cublas(_function)
KERNELS[product_of] = blas.matmul

KERNELS[np.einsum] = einsum

for _operation, _forward_of, _rule_of in (
    (max_pool2d, pooling.max_forward_of, pooling.max_rule_of),
    (avg_pool2d, pooling.mean_forward_of, pooling.mean_rule_of),
    (adaptive_avg_pool2d, pooling.adaptive_forward_of, pooling.adaptive_rule_of),
):
    _forward, _rule = _operation.forward, _operation.rules[0]
    if _rule is not None:
        KERNELS[_forward] = _forward_of(_forward)
        KERNELS[_rule] = _rule_of(_rule)

KERNELS[copy_one] = KERNELS[copy_operation.forward] = copies.copy
KERNELS[sum_operation.forward] = sums.total_of(sum_operation.forward, mean=False)
KERNELS[average.forward] = sums.total_of(average.forward, mean=True)
KERNELS[find_extreme] = extremes.places_of(find_extreme)
KERNELS[affine.forward] = linear
_rule = affine.rules[0]  # of the bias
if _rule is not None:
    KERNELS[_rule] = sums.sum_rows

KERNELS[mse.forward] = squares.forward_of(mse.forward)
for _rule, _swapped in zip(mse.rules, (False, True), strict=True):
    if _rule is not None:
        KERNELS[_rule] = squares.rule_of(_rule, _swapped)
