"""Normalisation: zero mean and unit variance over a batch, a layer or a group."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import check_same_library, operation
from minigrad.backend import on_its_gpu, quiet
from minigrad.nn.functional.checks import bools, floats, in_single, matches, tensors
from minigrad.ops.axes import sizes, whole
from minigrad.ops.elementwise import as_number, require_number
from minigrad.tensor import Tensor


def _sum_product(x: Any, y: Any, dims: Any) -> Any:
    """``sum(x * y)`` over the axes `dims`, which stay with length 1; no array of products is made."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return (x * y).sum(axis=dims, keepdims=True)
    axes = range(x.ndim)
    summed = np.einsum(x, [*axes], y, [*axes], [i for i in axes if i not in dims])
    return np.asarray(summed).reshape([1 if i in dims else n for i, n in enumerate(x.shape)])


def _moments(x: Any, dims: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """``x - mean``, the mean, the biased variance and ``1 / sqrt(variance + eps)``, of arrays and Tensors."""
    mean = x.mean(axis=dims, keepdims=True)
    centred = x - mean
    variance = _sum_product(centred, centred, dims) / prod([x.shape[i] for i in dims])
    return centred, mean, variance, 1 / np.sqrt(variance + eps)


def _standardize_rule(g: Any, x: Any, out: Any, dims: Any, eps: float, scale: Any) -> Any:
    # With y = (x - m) / s: dx = (g - mean(g) - y mean(g y)) / s. Second derivatives see s in x.
    if isinstance(g, TensorBase):
        scale = _moments(x, dims, eps)[3]
    slope = out * (_sum_product(g, out, dims) / prod([out.shape[i] for i in dims]))
    if type(slope) is not np.ndarray:
        return (g - g.mean(axis=dims, keepdims=True) - slope) * scale
    np.subtract(g, slope, out=slope)
    slope -= g.mean(axis=dims, keepdims=True)
    slope *= scale
    return slope


# Zero mean and unit variance over `dims`; what it needs of x has been worked out before.
_standardize = operation(
    "standardize", lambda x, *, centred, scale, dims, eps: np.multiply(centred, scale, out=centred), _standardize_rule
)


def _affine_forward(y: Any, w: Any, b: Any) -> Any:
    scaled = y * w
    if b is not None:
        scaled += b
    return scaled


def _affine_rule(g: Any, y: Any, w_shape: tuple[int, ...]) -> Any:
    shape = (1,) * (g.ndim - len(w_shape)) + w_shape
    return _sum_product(g, y, tuple([i for i, n in enumerate(shape) if n == 1])).reshape(w_shape)


_affine = operation("affine", _affine_forward, lambda g, w: g * w, _affine_rule, lambda g: g)


def _scaled(y: Any, weight: Any, bias: Any, shape: tuple[int, ...]) -> Any:
    """``y * weight + bias``, both brought to `shape` first; either may be None."""
    if bias is not None:
        bias = bias.reshape(shape)
    if weight is None:
        return y if bias is None else y + bias
    return _affine(y, weight.reshape(shape), bias)


def _statistics(x: Any, dims: Any, eps: float, running: Any, momentum: float) -> dict[str, Any]:
    """What standardizing needs of the array `x`; the `running` mean and variance move towards these by `momentum`."""
    centred, mean, variance, scale = quiet(_moments, x, dims, eps)
    observed = (mean, variance * (x.size / max(x.size - mean.size, 1))) if running else ()
    for kept, value in zip(running, observed, strict=True):
        if kept is not None:
            kept.bump_version()
            kept.array[...] = (1 - momentum) * kept.array + momentum * value.reshape(-1)
    return {"centred": centred, "scale": scale, "dims": dims, "eps": eps}


@in_single
def _normalized(
    x: Any, weight: Any, bias: Any, dims: Any, eps: float, shape: Any, running: Any = (), momentum: float = 0.0
) -> Any:
    """Zero mean and unit variance over `dims`, then ``weight`` and ``bias`` in `shape`."""
    if not x.array.size:  # the gradients of weight and bias are zeros
        return _scaled(x.clone(), weight, bias, shape)
    check_same_library("normalization", [t.array for t in (x, weight, bias, *running) if t is not None])
    return _scaled(_standardize(x, **_statistics(x.array, dims, eps, running, momentum)), weight, bias, shape)


@on_its_gpu
def batch_norm(
    input: Tensor, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5
) -> Tensor:  # fmt: skip
    """``(x - mean) / sqrt(var + eps) * weight + bias`` for each channel of (N, C, ...).

    In training, mean and variance are the batch's, and the running ones move towards them by
    `momentum` (the running variance unbiased); otherwise they are the running ones.
    Raises RuntimeError for shapes that do not fit, ValueError for one value per channel in training.
    Source: Ioffe and Szegedy, "Batch Normalization", 2015.

    >>> import minigrad as torch
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    column = _channels("batch_norm", input, weight, bias, running_mean, running_var)
    require_number("batch_norm", "eps", eps)
    bools("batch_norm", "training", training)
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive, but got {eps}")
    momentum, eps = as_number("batch_norm", "momentum", momentum), as_number("batch_norm", "eps", eps)
    if training:
        _check_count(input, prod(column), "use a larger batch, or eval()")
        dims = tuple([d for d in range(input.array.ndim) if d != 1])
        return _normalized(input, weight, bias, dims, eps, column, (running_mean, running_var), momentum)
    if running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
    return _with_statistics(input, running_mean, running_var, weight, bias, eps, column)


def _channels(name: str, input: Any, weight: Any, bias: Any, mean: Any = None, var: Any = None) -> tuple[int, ...]:
    """The shape that brings one number for each channel beside (N, C, ...), once everything fits."""
    positions = "input running_mean? running_var? weight? bias?"
    parts = (input, mean, var, weight, bias)
    tensors(name, *((positions, *parts) if name == "batch_norm" else ("input weight? bias?", input, weight, bias)))
    floats(name, input)
    shape = input.array.shape
    if len(shape) < 2 and input.array.size:
        kind = IndexError if name == "batch_norm" else RuntimeError
        raise kind(f"{name}: expected input of at least 2 dimensions, (N, C, ...), got {list(shape)}")
    channels, why = shape[1:2] or shape, f"one number for each channel, axis 1 of the input {list(shape)}"
    matches(name, input, channels, why, running_mean=mean, running_var=var, weight=weight, bias=bias)
    return (1, *channels, *[1] * (len(shape) - 2)) if len(shape) > 1 else shape


def _check_count(input: Any, groups: int, hint: str) -> None:
    """Refuse one number per mean: it would be its own, and nothing would be left."""
    shape = list(input.array.shape)
    if input.array.size and input.array.size == groups:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {shape}: {hint}")


@in_single
def _with_statistics(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float, shape: Any) -> Any:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` as one multiplication and one addition."""
    scale = (var + eps).rsqrt() if weight is None else (var + eps).rsqrt() * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return _scaled(x, scale, shift, shape)


def layer_norm(input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes, of `normalized_shape`.

    Raises RuntimeError for shapes that do not fit.
    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    name = "layer_norm"
    tensors(name, "input weight? bias?", input, weight, bias)
    floats(name, input)
    shape = sizes(name, (normalized_shape,))
    ndim, size = input.array.ndim, list(input.array.shape)
    if not shape or tuple(size[-len(shape) :]) != shape:
        raise RuntimeError(
            f"{name}: Expected normalized_shape to be at least 1-dimensional and equal to the last axes of the input, "
            f"but given normalized_shape={list(shape)}, got input of size{size}"
        )
    matches(name, input, shape, "the same as normalized_shape", weight=weight, bias=bias)
    return _normalized(input, weight, bias, tuple(range(ndim - len(shape), ndim)), eps, shape)


def group_norm(input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """`layer_norm` over each of `num_groups` groups of channels of (N, C, ...).

    Raises RuntimeError for channels that do not split evenly, ValueError for one value per group.
    Source: Wu and He, "Group Normalization", 2018.

    >>> import minigrad as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0, 5.0, 9.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    column = _channels("group_norm", input, weight, bias)
    N, C, *space = input.array.shape
    if whole(num_groups, "num_groups") <= 0 or C % num_groups:
        raise RuntimeError(
            "group_norm: Expected num groups to be greater than 0, and the number of channels in input to be "
            f"divisible by num_groups, but got input of shape {[N, C, *space]} and num_groups={num_groups}"
        )
    _check_count(input, num_groups, "use fewer groups")
    return _grouped(input, weight, bias, num_groups, eps, column)


@in_single
def _grouped(input: Any, weight: Any, bias: Any, num_groups: int, eps: float, column: Any) -> Any:
    N, C, *space = input.array.shape
    groups = input.reshape(N, num_groups, C // num_groups * prod(space))  # (N, C, ...) -> (N, G, C/G * ...)
    y = _normalized(groups, None, None, (2,), eps, None).reshape(N, C, *space)
    return _scaled(y, weight, bias, column)


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Tensor:
    """``x / max(|x|_p, eps)`` along `dim`.

    >>> import minigrad as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    tensors("normalize", "input", input)
    result = input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)
    return result if out is None else out.copy_(result)
