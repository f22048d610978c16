"""Normalisation: zero mean and unit variance over a batch, a layer or a group."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import check_same_library, operation
from minigrad.backend import on_its_gpu, quiet
from minigrad.nn.functional.checks import floats, in_single, tensors
from minigrad.nn.functional.padding import pad
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


@in_single
def _normalized(
    x: Any, weight: Any, bias: Any, dims: Any, eps: float, shape: Any, running: Any = (), momentum: float = 0.0
) -> Any:
    """Zero mean and unit variance over `dims`, then ``weight`` and ``bias`` in `shape`.

    The `running` mean and variance move towards these by `momentum`, the variance unbiased.
    """
    if not x.array.size:
        return _scaled(x.clone(), weight, bias, shape)
    check_same_library("normalization", [t.array for t in (x, weight, bias, *running) if t is not None])
    centred, mean, variance, scale = quiet(_moments, x.array, dims, eps)
    if running:
        count = x.array.size // mean.size
        for kept, value in zip(running, (mean, variance * (count / (count - 1))), strict=True):
            if kept is not None:
                kept.array[...] = (1 - momentum) * kept.array + momentum * value.reshape(-1)
                kept.bump_version()
    y = _standardize(x, centred=centred, scale=scale, dims=dims, eps=eps)
    return _scaled(y, weight, bias, shape)


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
    parts = {"running_mean": running_mean, "running_var": running_var, "weight": weight}
    parts["bias"] = bias
    tensors("batch_norm", " ".join(["input", *[f"{n}?" for n in parts]]), input, *parts.values())
    shape = input.array.shape
    floats("batch_norm", input)
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive, but got {eps}")
    count = prod(shape) // max(shape[1], 1) if len(shape) > 1 else 0
    if training and count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(shape)}: "
            "use a larger batch, or eval()"
        )
    if not training and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
    if not input.array.size:
        return _empty(input, weight, bias)
    if len(shape) < 2:
        raise RuntimeError(f"batch_norm: expected input of at least 2 dimensions (N, C, ...), got {list(shape)}")
    _check_channels("batch_norm", input, shape[1], parts)
    dims, column = (0, *range(2, len(shape))), (1, shape[1]) + (1,) * (len(shape) - 2)
    if not training:
        return _with_statistics(input, running_mean, running_var, weight, bias, eps, column)
    return _normalized(input, weight, bias, dims, eps, column, (running_mean, running_var), momentum)


def _empty(input: Any, weight: Any, bias: Any) -> Any:
    """No numbers in, none out; the gradients of weight and bias are zeros."""
    out = input.clone() if weight is None else input * weight.sum()
    return out if bias is None else out + bias.sum()


def _check_channels(name: str, input: Any, channels: int, parts: dict[str, Any]) -> None:
    """Refuse statistics and weights of other lengths than the channels, and of other dtypes."""
    kinds = [input.array.dtype] + [np.dtype(np.float32)] * (input.array.dtype == np.float16)
    for part, x in parts.items():
        if x is not None and x.array.size != channels:
            raise RuntimeError(
                f"{name}: {part} should contain {channels} elements not {x.array.size}: one for "
                f"each channel, axis 1 of the input {list(input.array.shape)}"
            )
        if x is not None and x.array.dtype not in kinds:
            raise RuntimeError(
                f"{name}: expected scalar type {input.array.dtype} but found {x.array.dtype} in "
                f"{part}; convert one of them, for example input.to({part}.dtype)"
            )


@in_single
def _with_statistics(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float, shape: Any) -> Any:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` as one multiplication and one addition."""
    scale = (var + eps).rsqrt() if weight is None else (var + eps).rsqrt() * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return _scaled(x, scale, shift, shape)


@on_its_gpu
def instance_norm(
    input: Tensor, running_mean: Any = None, running_var: Any = None, weight: Any = None,
    bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5
) -> Tensor:  # fmt: skip
    """Every channel of every image on its own: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Shapes: input (N, C, ...), the others (C,). Without `use_input_stats`, the running statistics
    are used. Raises as `batch_norm`. Source: Ulyanov et al., "Instance Normalization", 2016.
    """
    tensors("instance_norm", "input", input)
    floats("instance_norm", input)
    shape = input.array.shape
    if len(shape) < 3:
        raise RuntimeError(f"instance_norm: expected input of at least 3 dimensions (N, C, ...), got {list(shape)}")
    parts = {"running_mean": running_mean, "running_var": running_var, "weight": weight}
    _check_channels("instance_norm", input, shape[1], {**parts, "bias": bias})
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {list(shape)}")
    dims, column = tuple(range(2, len(shape))), (1, shape[1]) + (1,) * (len(shape) - 2)
    if running_mean is not None:
        x = input.array
        for running, value in ((running_mean, x.mean(dims)), (running_var, x.var(dims, ddof=1))):
            running.array[...] = (1 - momentum) * running.array + momentum * value.mean(0)
            running.bump_version()
    return _normalized(input, weight, bias, dims, eps, column)


def _check_layer(name: str, input: Any, normalized_shape: Any, **parts: Any) -> tuple[int, ...]:
    """The checked `normalized_shape`: the input's last axes."""
    optional = " ".join(f"{part}?" for part in parts)
    tensors(name, f"input {optional}", input, *parts.values())
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            f"element, but got normalized_shape = [] ({name})"
        )
    for part, x in parts.items():
        if x is not None and tuple(x.array.shape) != shape:
            raise RuntimeError(
                f"Expected {part} to be of same shape as normalized_shape, but got {part} of shape "
                f"{list(x.array.shape)} and normalized_shape = {list(shape)} ({name})"
            )
    if tuple(input.array.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, "
            f"{', '.join(map(str, shape))}], but got input of size{list(input.array.shape)} ({name})"
        )
    floats(name, input)
    return shape


def layer_norm(input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes, of `normalized_shape`.

    Raises RuntimeError for shapes that do not fit.
    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    shape = _check_layer("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    ndim = input.array.ndim
    return _normalized(input, weight, bias, tuple(range(ndim - len(shape), ndim)), eps, shape)


def rms_norm(input: Tensor, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """``x / sqrt(mean(x**2) + eps) * weight`` over the last axes, of `normalized_shape`.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    shape = _check_layer("rms_norm", input, normalized_shape, weight=weight)
    small = float(np.finfo(input.array.dtype).eps) if eps is None else eps
    return _by_root(input, weight, list(range(-len(shape), 0)), small)


@in_single
def _by_root(x: Any, weight: Any, dims: Any, eps: float) -> Any:
    y = x * ((x * x).mean(dims, keepdim=True) + eps).rsqrt()
    return y if weight is None else y * weight


def group_norm(input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """`layer_norm` over each of `num_groups` groups of channels of (N, C, ...).

    Raises RuntimeError for channels that do not split evenly.
    Source: Wu and He, "Group Normalization", 2018.

    >>> import minigrad as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0, 5.0, 9.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    tensors("group_norm", "input weight? bias?", input, weight, bias)
    shape = input.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"group_norm: Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if num_groups <= 0:
        raise RuntimeError(f"group_norm: Expected num groups to be greater than 0, got {num_groups}")
    if shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(shape)} and num_groups={num_groups}"
        )
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.array.shape) != (shape[1],):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {list(x.array.shape)} and input of shape {list(shape)}"
            )
    floats("group_norm", input)
    if not input.array.size:
        return _empty(input, weight, bias)
    return _grouped(input, weight, bias, num_groups, eps)


@in_single
def _grouped(input: Any, weight: Any, bias: Any, num_groups: int, eps: float) -> Any:
    N, C, *space = input.array.shape
    groups = input.reshape(N, num_groups, -1)  # (N, C, ...) -> (N, G, C/G * ...)
    y = _normalized(groups, None, None, (2,), eps, None).reshape(N, C, *space)
    return _scaled(y, weight, bias, (1, C) + (1,) * len(space))


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Tensor:
    """``x / max(|x|_p, eps)`` along `dim`.

    >>> import minigrad as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    tensors("normalize", "input", input)
    result = input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)
    return result if out is None else out.copy_(result)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha mean(x**2 over size channels))**beta``. Source: Krizhevsky et al., 2012."""
    tensors("local_response_norm", "input", input)
    floats("local_response_norm", input, also=(np.int64,))
    if input.array.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.array.ndim} dimensions)")
    squares = pad((input * input).movedim(1, -1), (size // 2, (size - 1) // 2))
    windows = squares.unfold(-1, size, 1)
    means = windows.mean(-1) if input.is_floating_point() else windows.sum(-1) // size
    return input / (means.movedim(-1, 1) * alpha + k) ** beta
