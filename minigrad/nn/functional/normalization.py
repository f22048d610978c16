"""Normalization: zero mean and unit variance over a batch, a layer, a group or an image."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.failed_calls import check_same_library, names_options
from minigrad.autograd.modes import is_grad_enabled
from minigrad.autograd.views import is_in_graph
from minigrad.nn.functional.padding import pad
from minigrad.nn.functional.parts import check_parts
from minigrad.nn.functional.pooling import avg_pool2d
from minigrad.ops import normalization as ops
from minigrad.ops.arguments import (
    as_int,
    as_number,
    require_bools,
    require_floats,
    require_number,
    require_tensors,
    sizes,
)
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.copies import contiguous
from minigrad.ops.division import div
from minigrad.ops.precision import in_float32
from minigrad.ops.small_norms import BATCH, GROUP, LAYER
from minigrad.ops.unary import rsqrt
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor


@names_options
def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5
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
    column = _fit_channels("batch_norm", input, weight, bias, running_mean, running_var, too_flat=IndexError)
    require_number("batch_norm", "eps", eps)
    require_bools("batch_norm", training=training)
    if eps < 0 or (training and eps == 0):
        wanted = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {wanted}, but got {eps}")
    momentum, eps = as_number("batch_norm", "momentum", momentum), as_number("batch_norm", "eps", eps)
    if training:
        shape = input.array.shape
        if input.array.size and input.array.size == prod(column):
            raise one_value_per_channel(shape, "a larger batch, or eval()")
        dims = tuple([d for d in range(len(shape)) if d != 1])
        moments = ops.Moments(shape, dims, column, eps, BATCH, input.array.dtype)
        return _normalize_and_track(input, weight, bias, moments, running_mean, running_var, momentum)
    if running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
    return _normalize_by_kept(input, weight, bias, running_mean, running_var, column, eps)


def one_value_per_channel(shape: Any, remedy: str) -> ValueError:
    """The error for an input whose mean is taken over one number alone."""
    return ValueError(f"Expected more than 1 value per channel when training, got input size {[*shape]}: use {remedy}")


def _normalize_by_kept(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor, running_var: Tensor,
    column: tuple[int, ...], eps: float,
) -> Tensor:  # fmt: skip
    """Normalizes by copies of the running statistics, because a training pass may update these before backward."""
    if is_grad_enabled():
        running_mean, running_var = running_mean.detach().clone(), running_var.detach().clone()
    return ops.normalize_by(input, weight, bias, running_mean, running_var, columns=column, eps=eps)


def _normalize_and_track(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, moments: ops.Moments, running_mean: Tensor | None,
    running_var: Tensor | None, momentum: float,
) -> Tensor:  # fmt: skip
    """Normalizes by the batch's statistics, and updates the running ones if there are any."""
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    running = [None if kept is None else kept.array for kept in (running_mean, running_var)]
    check_same_library("batch_norm", [input.array, *running])
    result = ops.batch_norm(input, weight, bias, moments=moments, running=running, momentum=momentum)
    for kept in (running_mean, running_var):
        if kept is not None:
            kept.bump_version()
    return result


@names_options
def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
    weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1,
    eps: float = 1e-5
) -> Tensor:  # fmt: skip
    """`batch_norm` of each example by itself: mean and variance over the image of each channel of (N, C, ...).

    Without `use_input_stats` the running statistics are used. Raises ValueError for one value per channel,
    RuntimeError for running statistics that are needed and missing.
    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.instance_norm(torch.tensor([[[1.0, 3.0], [5.0, 5.5]]]))
    tensor([[[-1.0000,  1.0000],
             [-0.9999,  0.9999]]])
    """
    column = _fit_channels("instance_norm", input, weight, bias, running_mean, running_var)
    require_bools("instance_norm", use_input_stats=use_input_stats)
    input = contiguous(input)  # as in PyTorch the result is row-major, whatever the memory format
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats=False")
        return _normalize_by_kept(input, weight, bias, running_mean, running_var, column, eps)
    shape = input.array.shape
    if prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {list(shape)}")
    moments = ops.Moments(shape, tuple(range(2, len(shape))), column, eps, BATCH, input.array.dtype)
    return _normalize_and_track(input, weight, bias, moments, running_mean, running_var, momentum)


def _fit_channels(
    name: str, input: Tensor, weight: Tensor | None, bias: Tensor | None, *running: Tensor | None,
    option: str = "num_features", too_flat: type[Exception] = RuntimeError,
) -> tuple[int, ...]:  # fmt: skip
    """The shape that broadcasts one number per channel to (N, C, ...), after checks.

    `running` are the mean and the variance that are kept, where the function takes them; `option` is the option of its
    layer that says how many channels there are. Raises `too_flat` for an input without an axis of channels.
    """
    held = dict(zip(("running_mean", "running_var"), running, strict=False))
    parts = {**held, "weight": weight, "bias": bias}
    known = "input running_mean? running_var? weight? bias?" if held else "input weight? bias?"
    require_tensors(name, known, input, *parts.values())
    require_floats(name, input)
    shape = input.array.shape
    if len(shape) < 2 and input.array.size:
        raise too_flat(f"{name}: expected input of at least 2 dimensions, (N, C, ...), got {list(shape)}")
    channels, dtype = shape[1:2] or shape, input.array.dtype
    if any(x is not None and (x.array.shape != channels or x.array.dtype is not dtype) for x in parts.values()):
        why = f"one number for each channel, axis 1 of the input {list(shape)}"
        cure = f"a layer for it has {option}={channels[0]}" if channels else ""
        words = f"{{part}} should contain {channels[0]} elements not {{count}}" if channels else ""
        check_parts(name, input, channels, why, True, cure, words, **parts)
    for part, kept in held.items():
        if is_in_graph(kept) and is_grad_enabled():
            raise RuntimeError(f"{name} is not differentiable with respect to {part}; write {part}.detach()")
    return (1, *channels, *[1] * (len(shape) - 2)) if len(shape) > 1 else shape


@names_options
def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes, of `normalized_shape`.

    Raises RuntimeError for shapes that do not fit.
    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    shape = _fit_last_axes("layer_norm", input, normalized_shape, weight, bias)
    lead, row = prod(input.array.shape[: input.array.ndim - len(shape)]), prod(shape)
    moments = ops.Moments((lead, row), (1,), (1, row), as_number("layer_norm", "eps", eps), LAYER, input.array.dtype)
    return ops.layer_norm(input, weight, bias, moments=moments, running=(None, None), momentum=0.0)


@names_options
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """``x / sqrt(mean(x**2) + eps) * weight`` over the last axes, of `normalized_shape`.

    `eps` defaults to the machine epsilon of the input's dtype. Raises RuntimeError for shapes that do not fit.
    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.

    >>> import minigrad as torch
    >>> torch.nn.functional.rms_norm(torch.tensor([[3.0, 4.0]]), (2,))
    tensor([[0.8485, 1.1314]])
    """
    shape = _fit_last_axes("rms_norm", input, normalized_shape, weight, None)
    return _divide_by_root_mean_square(contiguous(input), weight, tuple(range(-len(shape), 0)), eps)


@in_float32
def _divide_by_root_mean_square(x: Tensor, weight: Tensor | None, dims: tuple[int, ...], eps: float | None) -> Tensor:
    eps = float(np.finfo(x.array.dtype).eps) if eps is None else eps
    y = x * rsqrt((x * x).mean(dims, keepdim=True) + eps)
    return y if weight is None else y * weight


def _fit_last_axes(
    name: str, input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None
) -> tuple[int, ...]:
    """`normalized_shape` as a tuple, after checks."""
    require_tensors(name, "input weight? bias?", input, weight, bias)
    require_floats(name, input)
    if not isinstance(normalized_shape, (tuple, list)):
        kind = type(normalized_shape).__name__
        hint = f"write ({shorten(normalized_shape, str)},)"
        raise TypeError(f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not {kind}; {hint}")
    shape = sizes(name, (normalized_shape,), "normalized_shape")
    size = list(input.array.shape)
    if not shape:
        least = "at least 1-dimensional, i.e., containing at least one element"
        raise RuntimeError(f"Expected normalized_shape to be {least}, but got normalized_shape = []: {name} needs axes")
    if tuple(size[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={shorten(list(shape))}, expected input with shape "
            f"[*, {shorten(list(shape))[1:]}, but got input of size{size}: {name} takes its last axes"
        )
    got = f"{{part}} of shape {{shape}} and normalized_shape = {list(shape)}"
    words = f"Expected {{part}} to be of same shape as normalized_shape, but got {got}"
    check_parts(name, input, shape, "the same as normalized_shape", True, words=words, weight=weight, bias=bias)
    return shape


@names_options
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`layer_norm` over each of `num_groups` groups of channels of (N, C, ...).

    Raises RuntimeError for channels that do not split evenly, ValueError for one value per group.
    Source: Wu and He, "Group Normalization", 2018.

    >>> import minigrad as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0, 5.0, 9.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    _fit_channels("group_norm", input, weight, bias, option="num_channels")
    if input.array.ndim < 2:  # without elements
        raise IndexError(f"group_norm: expected input of at least 2 dimensions, got {list(input.array.shape)}")
    N, C, *space = input.array.shape
    groups = as_int(num_groups, "num_groups")
    if groups > 0 and N * C // groups * prod(space) == 1:
        raise one_value_per_channel((N, C, *space), "fewer groups")
    if groups <= 0 or C % groups:
        raise RuntimeError(
            "group_norm: Expected num groups to be greater than 0, and the number of channels in input to be "
            f"divisible by num_groups, but got input of shape {[N, C, *space]} and num_groups={num_groups}"
        )
    rows = (N, groups, C // groups, prod(space))  # (N, C, ...) -> (N, G, C/G, ...)
    moments = ops.Moments(
        rows, (2, 3), (1, groups, C // groups, 1), as_number("group_norm", "eps", eps), GROUP, input.array.dtype
    )
    return ops.group_norm(input, weight, bias, moments=moments, running=(None, None), momentum=0.0)


@names_options
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha * mean of x**2 over `size` neighbouring channels)**beta``, of (N, C, ...).

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification", 2012, section 3.3.

    >>> import minigrad as torch
    >>> torch.nn.functional.local_response_norm(torch.tensor([[[2.0], [1.0]]]), 1, alpha=1.0, beta=1.0)
    tensor([[[0.4000],
             [0.5000]]])
    """
    require_tensors("local_response_norm", "input", input)
    shape = tuple(input.array.shape)
    if len(shape) < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions)")
    if not input.array.size:
        return input
    # PyTorch pools images and volumes as volumes here, and has no such pooling of float16 on a CPU.
    if len(shape) > 3 and input.array.dtype == np.float16 and type(input.array) is np.ndarray:
        raise not_implemented_for("local_response_norm", input.array.dtype, takes_floats=True)
    before, after = size // 2, (size - 1) // 2
    squares = input.reshape(shape[0], 1, shape[1], -1).square()  # (N, C, ...) -> (N, 1, C, pixels)
    squares = pad(squares, (0, 0, before, after))  # channels of zeros at both ends
    mean = avg_pool2d(squares, (size, 1), stride=1).reshape(shape)
    return input / (mean * alpha + k) ** beta


@names_options
def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """``x / max(|x|_p, eps)`` along `dim`.

    >>> import minigrad as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    require_tensors("normalize", "input", input)
    return div(input, input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input), out=out)
