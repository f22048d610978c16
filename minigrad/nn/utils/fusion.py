"""Folds a batch norm in evaluation mode into the layer before it: both are linear, so one linear layer replaces them.

gamma (W x + b - mean) / sqrt(var + eps) + beta = (s W) x + s (b - mean) + beta,  s = gamma / sqrt(var + eps)
"""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

from minigrad.creation import ones_like, zeros_like
from minigrad.nn.conv import Convolution
from minigrad.nn.linear import Linear
from minigrad.nn.module import Weighted
from minigrad.nn.normalization import RunningNorm
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

W = TypeVar("W", bound=Weighted)
C = TypeVar("C", bound=Convolution)


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None, transpose: bool = False
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight and bias of a convolution that includes the batch norm after it.

    Shapes: conv_w (C_out, C_in, ...), or with `transpose` (C_in, C_out, ...), all others (C_out,).
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_conv_bn_weights.html

    >>> import minigrad as torch
    >>> one = torch.ones(1)
    >>> w, b = torch.nn.utils.fuse_conv_bn_weights(torch.ones(1, 1, 1, 1), one, one, 4 * one, 0.0, one, one)
    >>> w.item(), b.item()
    (0.5, 1.0)
    """
    scale = (ones_like(bn_rm) if bn_w is None else bn_w) * (bn_rv + bn_eps).rsqrt()
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    bias = zeros_like(bn_rm) if conv_b is None else conv_b
    shifted = (bias - bn_rm) * scale + (zeros_like(bn_rm) if bn_b is None else bn_b)
    return (
        Parameter((conv_w * scale.reshape(shape)).to(conv_w.dtype).detach(), conv_w.requires_grad),
        Parameter(shifted.to((conv_w if conv_b is None else conv_b).dtype).detach(), bias.requires_grad),
    )


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor, bn_b: Tensor
) -> tuple[Parameter, Parameter]:
    """The weight (out, in) and bias (out,) of a linear layer that includes the batch norm after it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_linear_bn_weights.html

    >>> import minigrad as torch
    >>> one = torch.ones(1)
    >>> torch.nn.utils.fuse_linear_bn_weights(torch.ones(1, 2), None, one, one, 0.0, one, one)[1].item()
    0.0
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_conv_bn_eval(conv: C, bn: RunningNorm, transpose: bool = False) -> C:
    """A copy of `conv` that computes ``bn(conv(x))``; `transpose` for a transposed convolution.

    Raises `AssertionError` unless both are in evaluation and `bn` has running statistics.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_conv_bn_eval.html

    >>> import minigrad as torch
    >>> conv, bn = torch.nn.Conv2d(1, 2, 3).eval(), torch.nn.BatchNorm2d(2).eval()
    >>> x = torch.ones(1, 1, 4, 4)
    >>> torch.allclose(torch.nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    return _fuse(conv, bn, transpose)


def fuse_linear_bn_eval(linear: Linear, bn: RunningNorm) -> Linear:
    """A copy of `linear` that computes ``bn(linear(x))``.

    Raises `AssertionError` unless both are in evaluation, `bn` has running statistics, and their features fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_linear_bn_eval.html

    >>> import minigrad as torch
    >>> linear, bn = torch.nn.Linear(3, 2).eval(), torch.nn.BatchNorm1d(2).eval()
    >>> torch.nn.utils.fuse_linear_bn_eval(linear, bn)
    Linear(in_features=3, out_features=2, bias=True)
    """
    if bn.num_features not in (linear.out_features, 1):
        got = f"got linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        raise AssertionError(f"To fuse, linear.out_features == bn.num_features or bn.num_features == 1, {got}")
    return _fuse(linear, bn, transpose=False)


def _fuse(layer: W, bn: RunningNorm, transpose: bool) -> W:
    if layer.training or bn.training:
        hint = "in training each batch has its own mean"
        raise AssertionError(f"Fusion only for eval! Call .eval() on both layers: {hint}")
    if bn.running_mean is None or bn.running_var is None:
        hint = "it was made without running statistics"
        raise AssertionError(f"bn.running_mean and bn.running_var must not be None: {hint}")
    fused = deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused
