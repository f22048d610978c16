"""The list of functions that have CUDA kernels of our own, imported once, when a GPU is found.

The engine looks up `backend.KERNELS` for what computes a forward or a gradient rule on a GPU's arrays.
"""

from __future__ import annotations

from functools import partial
from inspect import unwrap
from typing import Any

import numpy as np

import minigrad.gpu.generator
import minigrad.ops.addmm
import minigrad.ops.vector_products  # noqa: F401 (also)
from minigrad.backend import KERNELS, copy_on_gpu
from minigrad.gpu import blas, classes, copies, extremes, normalization, pooling, rows, squares, sums
from minigrad.gpu.elementwise import Elementwise
from minigrad.gpu.launch import or_else
from minigrad.gpu.products import by_cublas, einsum, linear
from minigrad.half_precision import is_wide, round_once, round_result
from minigrad.kernels.dispatch import register
from minigrad.kernels.fast import cuda
from minigrad.ops.activation import log_softmax_operation, softmax_operation
from minigrad.ops.affine import affine, project
from minigrad.ops.conv import conv, conv_input
from minigrad.ops.copies import copy_operation
from minigrad.ops.elementwise import ELEMENTWISE, on_declared
from minigrad.ops.likelihood import nll, nll_of_pixels
from minigrad.ops.loss import mse
from minigrad.ops.matmul import PRODUCTS, product_of
from minigrad.ops.normalization import batch_norm, group_norm, layer_norm, normalize_by
from minigrad.ops.order import find_extreme
from minigrad.ops.pool import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from minigrad.ops.reduce import average, sum_all, sum_over


def _serve(function: Any, compute: Any) -> None:
    """Registers `compute` for `function`, a forward or a rule; used for operands that it supports."""
    if function is not None:
        KERNELS[function] = or_else(compute, KERNELS.get(function, function))


def _compile(operation: Any) -> None:
    """Registers a kernel for the forward and for every rule of an elementwise operation."""
    for function in filter(None, (operation.forward, *operation.rules)):
        KERNELS[function] = Elementwise(round_result(function))


for _operation in ELEMENTWISE:
    _compile(_operation)
on_declared.append(_compile)  # for modules that are imported later

for _operation in (softmax_operation, log_softmax_operation):
    _serve(_operation.forward, partial(rows.forward_along, _operation.name))
    _serve(_operation.rules[0], partial(rows.rule_along, f"{_operation.name}_rule"))

for _operation in (nll, nll_of_pixels):
    _serve(_operation.forward, classes.nll)
    _serve(_operation.rules[0], classes.nll_rule)

for _algorithm in (cuda.ALGORITHM, *[family.ALGORITHM for family in cuda.FAMILIES.values()]):
    register(_algorithm)
KERNELS[conv.forward] = round_once(cuda.convolve)
for _operation in (conv, conv_input):
    _serve(_operation.rules[2], cuda.sum_channels)  # of the bias

for _operation in (batch_norm, layer_norm, group_norm):
    _serve(_operation.forward, normalization.normalize)
    for _function, _compute in zip(_operation.rules, normalization.RULES, strict=True):
        _serve(_function, _compute)
_serve(normalize_by.forward, normalization.normalize_by_given)
_serve(normalize_by.rules[0], normalization.given_x_rule)

for _operation in (*PRODUCTS, affine, project):
    for _function in filter(None, (_operation.forward, *_operation.rules)):
        KERNELS[_function] = by_cublas(unwrap(_function))
    if is_wide(_operation.forward):
        KERNELS[_operation.forward] = round_once(KERNELS[_operation.forward])
KERNELS[product_of] = blas.matmul
KERNELS[np.einsum] = einsum

for _operation, _forward, _rule in (
    (max_pool2d, pooling.pool_max, pooling.pool_max_rule),
    (avg_pool2d, pooling.pool_mean, pooling.pool_mean_rule),
    (adaptive_avg_pool2d, pooling.pool_adaptive, pooling.pool_adaptive_rule),
):
    _serve(_operation.forward, _forward)
    _serve(_operation.rules[0], _rule)

KERNELS[copy_on_gpu] = KERNELS[copy_operation.forward] = copies.copy
_serve(sum_all.forward, sums.add_up)
_serve(sum_over.forward, sums.add_up)
_serve(average.forward, partial(sums.add_up, mean=True))
_serve(find_extreme, extremes.find_places)
KERNELS[affine.forward] = linear
_serve(affine.rules[0], sums.sum_rows)  # of the bias

_serve(mse.forward, squares.add_squares)
for _function, _swapped in zip(mse.rules, (False, True), strict=True):
    _serve(_function, partial(squares.squares_rule, swapped=_swapped))
