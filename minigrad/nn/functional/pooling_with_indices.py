"""The poolings that return the places of the maxima always: `max_pool2d_with_indices` and its kin."""

from __future__ import annotations

from typing import Any

from minigrad.nn.functional.fractional_pooling import fractional_max_pool2d, fractional_max_pool3d
from minigrad.nn.functional.pooling import adaptive_max_pool1d, adaptive_max_pool2d, max_pool1d, max_pool2d
from minigrad.nn.functional.volumes import adaptive_max_pool3d, max_pool3d
from minigrad.ops.arguments import Lengths
from minigrad.tensor import Tensor


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, dilation: Lengths = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool1d` with ``return_indices=True``, whatever is given: the maxima and their places.

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool1d_with_indices(torch.tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    (tensor([[5., 3.]]), tensor([[1, 3]]))
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, dilation: Lengths = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool2d` with ``return_indices=True``, whatever is given: the maxima and their places, counted row by row.

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool2d_with_indices(torch.arange(4.0).reshape(1, 2, 2), 2)
    (tensor([[[3.]]]), tensor([[[3]]]))
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Lengths, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with ``return_indices=True``, whatever is given.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_max_pool1d_with_indices(torch.tensor([[1.0, 5.0, 2.0]]), 1)
    (tensor([[5.]]), tensor([[1]]))
    """
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Lengths, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with ``return_indices=True``, whatever is given.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_max_pool2d_with_indices(torch.arange(4.0).reshape(1, 2, 2), 1)
    (tensor([[[3.]]]), tensor([[[3]]]))
    """
    return adaptive_max_pool2d(input, output_size, True)


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Lengths, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`fractional_max_pool2d` with ``return_indices=True``, whatever is given.

    >>> import minigrad as torch
    >>> torch.nn.functional.fractional_max_pool2d_with_indices(torch.arange(4.0).reshape(1, 2, 2), 2, 1)
    (tensor([[[3.]]]), tensor([[[3]]]))
    """
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, dilation: Lengths = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool3d` with ``return_indices=True``, whatever is given: the maxima and their places.

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool3d_with_indices(torch.arange(8.0).reshape(1, 2, 2, 2), 2)
    (tensor([[[[7.]]]]), tensor([[[[7]]]]))
    """
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Lengths, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` with ``return_indices=True``, whatever is given.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_max_pool3d_with_indices(torch.arange(8.0).reshape(1, 2, 2, 2), 1)
    (tensor([[[[7.]]]]), tensor([[[[7]]]]))
    """
    return adaptive_max_pool3d(input, output_size, True)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Lengths, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`fractional_max_pool3d` with ``return_indices=True``, whatever is given.

    >>> import minigrad as torch
    >>> torch.nn.functional.fractional_max_pool3d_with_indices(torch.arange(27.0).reshape(1, 3, 3, 3), 2, 1)
    (tensor([[[[26.]]]]), tensor([[[[26]]]]))
    """
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True, _random_samples)
