"""Facts about a tensor that do not depend on its numbers: shape, dtype, device and order in memory."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from minigrad import backend, devices, dtypes
from minigrad.autograd.core import Tensor, TensorBase, value_of
from minigrad.ops import copies
from minigrad.ops.arguments import axis, of_tensors, require_number
from minigrad.ops.complaints import no_such_dim
from minigrad.size import Size


# ---- functions, most of which are methods too ----------------------------------------------------
@of_tensors
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype of `input` is a floating-point type.

    >>> import minigrad as torch
    >>> torch.is_floating_point(torch.ones(1))
    True
    """
    return bool(input.array.dtype.kind == "f")


@of_tensors
def numel(input: Tensor) -> int:
    """The number of elements of `input`.

    >>> import minigrad as torch
    >>> torch.numel(torch.ones(2, 3))
    6
    """
    return int(input.array.size)


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype of an operation between two tensors, or a tensor and a number.

    Raises OverflowError for an integer of more than 64 bits.

    >>> import minigrad as torch
    >>> torch.result_type(torch.ones(1, dtype=torch.int64), 1.0)
    minigrad.float32
    """
    for x in (tensor1, tensor2):
        require_number("result_type", "tensor", x)
        if isinstance(x, int):
            dtypes.check_64_bits(x)
    values = [value_of(tensor1), value_of(tensor2)]
    if {getattr(x, "dtype", type(x)) for x in values} == {np.dtype(bool), int}:  # as in an operation of the two
        dtypes.check_numbers(values)
    return dtypes.from_numpy(dtypes.result_type(values))


def _fill_in_strides(strides: list[int], shape: tuple[int, ...]) -> None:
    """PyTorch's strides for axes of length 1 and for empty tensors, where NumPy's are 0, as for ``x[None]``."""
    inner = 1
    for i in reversed(range(len(shape))):
        if not strides[i] and (shape[i] == 1 or 0 in shape):
            strides[i] = inner
        inner = strides[i] * max(shape[i], 1)


def _read_dim(name: str, dim: Any, shape: tuple[int, ...]) -> int:
    """The axis `dim` that the method `name` is asked for, counted from the first."""
    try:
        return range(len(shape))[axis(dim, len(shape))]
    except (IndexError, TypeError) as refused:
        raise no_such_dim(refused, name, dim, shape) from None


class FactMethods(TensorBase):
    """Properties of a tensor."""

    __slots__ = ()

    @property
    def shape(self) -> Size:
        """The lengths of its axes."""
        return tuple.__new__(Size, self.array.shape)

    @overload
    def size(self, dim: None = None) -> Size: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> Any:
        """The lengths of its axes, or of one of them.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).size(), torch.ones(2, 3).size(1)
        (minigrad.Size([2, 3]), 3)
        """
        return self.shape if dim is None else self.array.shape[_read_dim("size", dim, self.array.shape)]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self.array.ndim)

    def dim(self) -> int:
        """The number of axes.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).dim()
        2
        """
        return int(self.array.ndim)

    ndimension = dim
    numel = nelement = numel
    is_floating_point = is_floating_point
    is_contiguous = copies.is_contiguous

    def stride(self, dim: int | None = None) -> Any:
        """The strides, in elements, or the stride of one axis.

        >>> import minigrad as torch
        >>> torch.ones(2, 3).stride()
        (3, 1)
        """
        strides = [s // self.array.itemsize for s in self.array.strides]
        if 0 in strides:
            _fill_in_strides(strides, self.array.shape)
        return tuple(strides) if dim is None else strides[_read_dim("stride", dim, self.array.shape)]

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of its elements."""
        return dtypes.from_numpy(self.array.dtype)

    @property
    def device(self) -> devices.device:
        """The device of its memory."""
        return backend.device_of(self.array)
