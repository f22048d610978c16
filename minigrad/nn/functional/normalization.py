"""Normalisation: zero mean and unit variance over a batch, a layer or a group."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import operation
from minigrad.backend import quiet
from minigrad.ops.elementwise import not_a_tensor
from minigrad.tensor import Tensor


def _standardize_forward(x: Any, *, dims: Any, eps: float) -> Any:
    centred = x - x.mean(axis=dims, keepdims=True)
    variance = np.square(centred).mean(axis=dims, keepdims=True)
    centred /= np.sqrt(variance + eps)
    return centred


def _standardize_rule(g: Any, out: Any, x: Any, dims: Any, eps: float) -> Any:
    # With y = (x - m) / s: dx = (g - mean(g) - y mean(g y)) / s
    centred = x - x.mean(axis=dims, keepdims=True)
    scale = np.sqrt((centred * centred).mean(axis=dims, keepdims=True) + eps)
    y = centred / scale
    return (g - g.mean(axis=dims, keepdims=True) - y * (g * y).mean(axis=dims, keepdims=True)) / scale


# Zero mean and unit variance over `dims`, with the biased variance, in one operation.
standardize = operation(
    "standardize",
    lambda x, *, dims, eps: quiet(_standardize_forward, x, dims=dims, eps=eps),
    lambda g, x, dims, eps: _standardize_rule(g, None, x, dims, eps),
)


def batch_norm(
    input: Tensor, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` for each channel of (N, C, ...).

    In training, mean and variance are the batch's, and the running ones move towards them by `momentum` (the
    running variance unbiased); otherwise they are the running ones.
    Raises RuntimeError for shapes that do not fit, ValueError for one value per channel in training.
    Source: Ioffe and Szegedy, "Batch Normalization", 2015.
    """
    if not isinstance(input, TensorBase):
        raise not_a_tensor("batch_norm", "input", 1, input)
    shape = input.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"batch_norm: expected input of at least 2 dimensions (N, C, ...), got {list(shape)}")
    channels = shape[1]
    for name, x in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if x is not None and x.array.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {x.array.size}")
    dims = (0, *range(2, len(shape)))
    column = (1, channels) + (1,) * (len(shape) - 2)
    if training:
        count = prod(shape) // max(channels, 1)
        if count <= 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)}")
        _update_running(input.array, running_mean, running_var, dims, momentum, count)
        y: Any = standardize(input, dims=dims, eps=eps)
    else:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
        y = (input - running_mean.reshape(column)) / (running_var.reshape(column) + eps).sqrt()
    return _affine(y, weight, bias, column)


def _update_running(x: Any, running_mean: Any, running_var: Any, dims: Any, momentum: float, count: int) -> None:
    if running_mean is None:
        return
    for running, value in ((running_mean, x.mean(axis=dims)), (running_var, x.var(axis=dims) * (count / (count - 1)))):
        running.array[...] = (1 - momentum) * running.array + momentum * value
        running.bump_version()


def _affine(y: Any, weight: Any, bias: Any, shape: tuple[int, ...]) -> Any:
    if weight is not None:
        y = y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def instance_norm(
    input: Tensor, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:
    """Every channel of every image on its own: ``(x - mean) / sqrt(var + eps) * weight + bias``."""
    shape = input.array.shape
    if len(shape) < 3:
        raise RuntimeError(f"instance_norm: expected input of at least 3 dimensions, got {list(shape)}")
    if use_input_stats and prod(shape[2:]) <= 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {list(shape)}")
    y = standardize(input, dims=tuple(range(2, len(shape))), eps=eps)
    return _affine(y, weight, bias, (1, shape[1]) + (1,) * (len(shape) - 2))  # type: ignore[no-any-return]


def layer_norm(input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes, of `normalized_shape`.

    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []")
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.array.shape) != shape:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(x.array.shape)} and normalized_shape = {list(shape)}")
    if tuple(input.array.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but got input of size{list(input.array.shape)}"
        )
    ndim = input.array.ndim
    y: Any = standardize(input, dims=tuple(range(ndim - len(shape), ndim)), eps=eps)
    return _affine(y, weight, bias, shape)


def rms_norm(input: Tensor, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """``x / sqrt(mean(x**2) + eps) * weight`` over the last axes, of `normalized_shape`."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    small = float(np.finfo(input.array.dtype).eps) if eps is None else eps
    y = input * ((input * input).mean(list(range(-len(shape), 0)), keepdim=True) + small).rsqrt()
    return y if weight is None else y * weight  # type: ignore[no-any-return]


def group_norm(input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """`layer_norm` over each of `num_groups` groups of channels. Source: Wu and He, "Group Normalization", 2018."""
    shape = input.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if shape[1] % num_groups:
        raise RuntimeError(f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(shape)} and num_groups={num_groups}")
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.array.shape) != (shape[1],):
            raise RuntimeError(f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {list(x.array.shape)} and input of shape {list(shape)}")
    groups = input.reshape(shape[0], num_groups, prod(shape[1:]) // num_groups)  # (N, C, ...) -> (N, G, C/G * ...)
    y = standardize(groups, dims=(2,), eps=eps).reshape(shape)
    return _affine(y, weight, bias, (1, shape[1]) + (1,) * (len(shape) - 2))  # type: ignore[no-any-return]


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Tensor:
    """``x / max(|x|_p, eps)`` along `dim`."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)  # type: ignore[no-any-return]


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha mean(x**2 over size channels))**beta``. Source: Krizhevsky et al., 2012."""
    from minigrad.nn.functional.padding import pad

    if input.array.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.array.ndim} dimensions)")
    squares = (input * input).movedim(1, -1)
    padded = pad(squares, (size // 2, (size - 1) // 2))
    means = padded.unfold(-1, size, 1).mean(-1).movedim(-1, 1)
    return input / (means * alpha + k) ** beta  # type: ignore[no-any-return]
