"""Dropout functions: random elements, or whole channels, are set to zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import address_of, array_module, device_of, on_gpu_of, quiet, to_device
from minigrad.creation.drawn import draw_in_order
from minigrad.layout import find_memory_order, invert
from minigrad.ops.arguments import as_number, require_bools, require_number, require_tensors
from minigrad.ops.complaints import cannot_be_cast
from minigrad.ops.inplace import assign
from minigrad.random import source_of
from minigrad.tensor import Tensor


@names_options
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, sets each element to 0 with probability `p`, and divides the others by ``1 - p``.

    In evaluation returns the input. Raises ValueError for p outside [0, 1].
    Source: Srivastava et al., "Dropout", 2014.

    >>> import minigrad as torch
    >>> torch.nn.functional.dropout(torch.ones(2), p=1.0)
    tensor([0., 0.])
    """
    require_tensors("dropout", "input", input)
    return _drop("dropout", input, input.array.shape, p, training, inplace)


@names_options
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, L) or (C, L). Raises RuntimeError for other shapes.

    >>> import minigrad as torch
    >>> torch.nn.functional.dropout1d(torch.ones(1, 1, 2), p=1.0)
    tensor([[[0., 0.]]])
    """
    require_tensors("dropout1d", "input", input)
    shape = input.array.shape
    if len(shape) not in (2, 3):
        detail = f"Expected 2D or 3D input, (C, L) or (N, C, L), but received a {len(shape)}D input of {shape}"
        raise RuntimeError(f"dropout1d: {detail}")
    return _drop("dropout1d", input, (*shape[:-1], 1), p, training, inplace)


@names_options
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, H, W).

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    >>> import minigrad as torch
    >>> torch.nn.functional.dropout2d(torch.ones(1, 1, 1, 2), p=1.0)
    tensor([[[[0., 0.]]]])
    """
    require_tensors("dropout2d", "input", input)
    shape = input.array.shape
    if len(shape) not in (0, 1, 3, 4):
        warn(f"dropout2d drops channels of (N, C, H, W), but got the shape {tuple(shape)}: dropout drops elements")
    elif len(shape) == 3:
        warn(f"dropout2d reads the shape {tuple(shape)} as (N, C, L): write dropout1d for that")
    return _drop("dropout2d", input, shape[:2] + (1,) * len(shape[2:]), p, training, inplace, least=2)


@names_options
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.functional.dropout3d(torch.ones(1, 1, 1, 1, 2), p=1.0)
    tensor([[[[[0., 0.]]]]])
    """
    require_tensors("dropout3d", "input", input)
    shape = input.array.shape
    if len(shape) not in (4, 5):
        warn(f"dropout3d drops channels of (N, C, D, H, W) or (C, D, H, W), but got the shape {tuple(shape)}")
    channel = 1 if len(shape) == 5 else 0
    channels = shape[: channel + 1] + (1,) * len(shape[channel + 1 :])
    return _drop("dropout3d", input, channels, p, training, inplace, least=1)


@names_options
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`dropout` to SELU's lower limit instead of 0, scaled and shifted so that mean and variance stay 0 and 1.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    >>> import minigrad as torch
    >>> torch.nn.functional.alpha_dropout(torch.ones(2), p=0.5)
    tensor([1., 1.])
    """
    require_tensors("alpha_dropout", "input", input)
    return _alpha_dropout("alpha_dropout", input, input.array.shape, p, training, inplace)


@names_options
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...).

    >>> import minigrad as torch
    >>> torch.nn.functional.feature_alpha_dropout(torch.ones(1, 2, 2), p=0.5)
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    require_tensors("feature_alpha_dropout", "input", input)
    channels = input.array.shape[:2] + (1,) * (input.array.ndim - 2)
    return _alpha_dropout("feature_alpha_dropout", input, channels, p, training, inplace, least=2)


def check_chance(p: float) -> None:
    """Raises ValueError unless the probability is between 0 and 1."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _drop(name: str, input: Tensor, shape: Any, p: float, training: bool, inplace: bool, least: int = 0) -> Tensor:
    """`input`, of at least so many dimensions, times random factors of `shape`."""
    require_number(name, "p", p)
    require_bools(name, training=training)
    check_chance(p)
    p = as_number(name, "p", p)
    if not training or p == 0.0 or not input.array.size:
        return input
    dtype = input.array.dtype
    if input.array.ndim < least and p < 1.0:
        got = list(input.array.shape)
        raise RuntimeError(f"Feature dropout requires at least {least} dimensions in the input, (N, C, ...), got {got}")
    if dtype.kind != "f" and p < 1.0:
        raise cannot_be_cast(np.dtype("float32"), dtype, f"{name} scales what it keeps; convert it with .float()")
    result = None
    if p < 1.0 and shape == input.array.shape and type(input.array) is not np.ndarray:
        result = _drop_on_gpu(input, p)
    if result is None:
        factors = draw_factors(input.array, p, shape)
        result = input * wrap(to_device(factors, device_of(input.array)))
    return assign(input, result, f"{name}_") if inplace else result


def draw_factors(array: Any, p: float, shape: Any = None) -> Any:
    """The random factors, ``1 / (1 - p)`` or 0, for each element, or for a smaller `shape` for each channel."""
    shape = array.shape if shape is None else shape
    if p == 1.0:
        return np.zeros(shape, array.dtype)
    if shape != array.shape or 0 in array.strides:  # an expanded tensor in row-major order
        array = quiet(np.empty_like, array[tuple([slice(0, n) for n in shape])], order="C")
    dtype = array.dtype
    return draw_in_order(array, lambda source, s: source.bernoulli(1 - p, s, dtype).astype(dtype) / dtype.type(1 - p))


native_dropout = operation("native_dropout", lambda x, factors, *, made: made, lambda g, factors: g * factors, None)


def _drop_on_gpu(input: Tensor, p: float) -> Tensor | None:
    """Draws the factors and multiplies `input` by them in one kernel; None if the generator has no such kernel."""
    array = input.array
    order = find_memory_order(array.shape, array.strides)
    near = _count_neighbours(array)

    def run() -> Any:
        drop: Any = getattr(source_of(None, array_module(array)), "drop", None)  # of the current GPU
        return None if drop is None else drop(array.transpose(order), p, near)

    found = on_gpu_of(array, run)
    if found is None:
        return None
    made, factors = [x.transpose(invert(order)) for x in found]  # back to the order of the axes
    return native_dropout(input, wrap(factors), made=made)


def _count_neighbours(array: Any) -> int:
    """The number of elements that a thread of PyTorch's kernel reads at once: 16 bytes, if contiguous and aligned."""
    last = sum([(n - 1) * abs(step) for n, step in zip(array.shape, array.strides, strict=True)])
    near = 16 // array.itemsize if last + array.itemsize == array.nbytes else 1
    while address_of(array) % (near * array.itemsize):
        near //= 2
    return near


def _alpha_dropout(
    name: str, input: Tensor, shape: Any, p: float, training: bool, inplace: bool, least: int = 0
) -> Tensor:  # fmt: skip
    p = as_number(name, "p", p)
    check_chance(p)
    require_bools(name, training=training)
    if not training or p == 0.0 or not input.array.size:
        return input
    limit = -1.7580993408473766  # -alpha * scale of selu
    a = ((1 - p) * (1 + p * limit**2)) ** -0.5 if p < 1.0 else 0.0
    kept = _drop(name, input.detach() * 0 + 1, shape, p, True, False, least) * (1 - p)
    result = (input * kept + limit * (1 - kept)) * a - a * limit * p
    return assign(input, result, f"{name}_") if inplace else result
