"""`max_unpool`, the partial inverse of max pooling, and `lp_pool`, pooling by a power mean."""

from __future__ import annotations

from math import inf, prod
from typing import Any

from minigrad.autograd.failed_calls import names_options
from minigrad.creation import zeros
from minigrad.nn.functional.activation import relu
from minigrad.nn.functional.images import OF_UNPOOL, check_images
from minigrad.nn.functional.pooling import take_maxima, take_means
from minigrad.ops.arguments import Lengths, as_ints, as_number, require_floats, require_tensors
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.keys import first_out_of_range
from minigrad.ops.scatter import scatter
from minigrad.ops.unary import sign
from minigrad.tensor import Tensor


@names_options
def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Zeros, with the elements of `input` at `indices`, which `max_pool2d` returns.

    Shapes: (N, C, H, W) or (C, H, W); the result's image is ``(H - 1) stride - 2 padding + kernel_size``, or
    `output_size`, which may differ by less than a stride. Raises ValueError for another size, RuntimeError for indices
    of another shape or dtype, or outside the image.
    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014.

    >>> import minigrad as torch
    >>> values, places = torch.nn.functional.max_pool2d(torch.arange(4.0).view(1, 1, 2, 2), 2, return_indices=True)
    >>> torch.nn.functional.max_unpool2d(values, places, 2)
    tensor([[[[0., 0.],
              [0., 3.]]]])
    """
    return _unpool("max_unpool2d", 2, input, indices, (kernel_size, stride, padding), output_size)


@names_options
def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """`max_unpool2d` of signals (N, C, L) or (C, L).

    >>> import minigrad as torch
    >>> torch.nn.functional.max_unpool1d(torch.tensor([[5.0, 7.0]]), torch.tensor([[1, 2]]), 2)
    tensor([[0., 5., 7., 0.]])
    """
    return _unpool("max_unpool1d", 1, input, indices, (kernel_size, stride, padding), output_size)


@names_options
def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """`max_unpool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.functional.max_unpool3d(torch.full((1, 1, 1, 1), 5.0), torch.tensor([[[[1]]]]), (2, 1, 1)).flatten()
    tensor([0., 5.])
    """
    return _unpool("max_unpool3d", 3, input, indices, (kernel_size, stride, padding), output_size)


def _unpool(name: str, space: int, input: Tensor, indices: Tensor, options: Any, output_size: Any) -> Tensor:
    require_floats(name, input)
    require_tensors(name, "indices", indices)
    shape = tuple(input.array.shape)
    check_images(name, space, input, empty=False, words=OF_UNPOOL[space])
    if indices.array.dtype != "int64":
        raise RuntimeError(f"{name}: elements in indices should be type int64 but got: {indices.dtype}")
    if shape != tuple(indices.array.shape):
        got = f"{list(shape)} and {list(indices.shape)}"
        raise RuntimeError(f"{name}: Expected shape of indices to be the same as that of the input, got {got}")
    size = _find_unpooled_size(name, space, shape[-space:], options, output_size)
    lead, pixels = shape[:-space], prod(size)
    found = first_out_of_range(indices.array, pixels)
    if found is not None:
        raise RuntimeError(f"{name}: Found an invalid max index: {found} (output volumes are of size {list(size)})")
    flat = zeros(*lead, pixels, dtype=input.dtype, device=input.device)  # (N, C, H, W) -> (N, C, H*W)
    rows = [x.reshape(*lead, prod(shape[-space:])) for x in (indices, input)]
    return name_last_call(scatter(flat, -1, *rows).reshape(*lead, *size), f"MaxUnpool{space}DBackward0")


def _find_unpooled_size(name: str, space: int, image: Any, options: Any, output_size: Any) -> tuple[int, ...]:
    kernel_size, stride, padding = options
    kernel = as_ints(name, "kernel_size", kernel_size, space, 1)
    steps = kernel if stride is None else as_ints(name, "stride", stride, space, 1)
    pads = as_ints(name, "padding", padding, space, 0)
    usual = tuple([(n - 1) * s - 2 * p + k for n, s, p, k in zip(image, steps, pads, kernel, strict=True)])
    if output_size is None:
        return usual
    given = tuple(output_size)[-space:]
    if len(output_size) not in (space, space + 2):
        raise ValueError(f"{name}: output_size must have {space} or {space + 2} elements, got {len(output_size)}")
    if not all(abs(n - u) < s for n, u, s in zip(given, usual, steps, strict=True)):
        limits = [(u - s + 1, u + s - 1) for u, s in zip(usual, steps, strict=True)]
        raise ValueError(f"invalid output_size {given}: each axis must lie in {limits}, both ends included")
    return given


@names_options
def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Lengths, stride: Lengths | None = None, ceil_mode: bool = False
) -> Tensor:
    """``(sum of x**p)**(1 / p)`` of each window, with p = `norm_type`: the sum for 1, the maximum for inf.

    Shapes and options as for `avg_pool2d`.
    Source: Sermanet et al., "Convolutional Neural Networks Applied to House Numbers", 2012.

    >>> import minigrad as torch
    >>> torch.nn.functional.lp_pool2d(torch.tensor([[[3.0, 4.0]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    return _pool_powers("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


@names_options
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Lengths, stride: Lengths | None = None, ceil_mode: bool = False
) -> Tensor:
    """`lp_pool2d` of signals (N, C, L) or (C, L).

    >>> import minigrad as torch
    >>> torch.nn.functional.lp_pool1d(torch.tensor([[3.0, 4.0, 1.0]]), 2, 2, stride=1)
    tensor([[5.0000, 4.1231]])
    """
    return _pool_powers("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


@names_options
def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Lengths, stride: Lengths | None = None, ceil_mode: bool = False
) -> Tensor:
    """`lp_pool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.functional.lp_pool3d(torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1), 2, (2, 1, 1)).flatten()
    tensor([5.])
    """
    return _pool_powers("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _pool_powers(name: str, space: int, input: Any, p: Any, kernel_size: Lengths, stride: Any, ceil_mode: bool) -> Any:
    """The p-th root of the sum of the p-th powers in each window, which has `space` axes."""
    require_tensors(name, "input", input)
    kernel = as_ints(name, "kernel_size", kernel_size, space, 1)
    p = as_number(name, "norm_type", p)
    if p == inf:
        return take_maxima(name, space, input.abs(), kernel, stride, 0, 1, ceil_mode)[0]
    mean = take_means(name, space, input.pow(p), kernel, stride, 0, ceil_mode, (None, True))
    mean = sign(mean) * relu(mean.abs())  # the same number; as in PyTorch, of slope 0 where it is 0
    return mean.mul(prod(kernel)).pow(1.0 / p)
