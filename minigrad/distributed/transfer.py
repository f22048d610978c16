"""The contiguous arrays that a communicator moves, made from tensors and written back to them.

A transfer needs contiguous memory that the library can reach. `Wire` is that memory for one tensor: the tensor's own
where possible, else a copy that is written back at the end. There are three reasons for a copy: the tensor is not
contiguous; it is on a GPU and MPI moves it; or half precision is reduced, which MPI cannot do: float32 is reduced
instead, and rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import backend, devices
from minigrad.backend import Array, store
from minigrad.distributed.process_group import ProcessGroup
from minigrad.tensor import Tensor


def expect_tensor(name: str, value: Any) -> Tensor:
    """Raises TypeError unless `value` is a tensor."""
    if not isinstance(value, Tensor):
        raise _invalid(name, "minigrad.Tensor", type(value))
    return value


def expect_tensors(name: str, values: Any) -> list[Tensor]:
    """Raises TypeError unless `values` is a list of tensors."""
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, Tensor) for value in values):
        kinds = [type(value).__name__ for value in values] if isinstance(values, (list, tuple)) else type(values)
        raise _invalid(name, "List[minigrad.Tensor]", kinds)
    return list(values)


def _invalid(name: str, wanted: str, got: Any) -> TypeError:
    return TypeError(f"Invalid function argument. Expected parameter `{name}` of type {wanted} but got {got} instead.")


def require_same_dtype(*tensors: Tensor) -> None:
    """Raises ValueError if they differ in dtype."""
    for tensor in tensors:
        if tensor.dtype != tensors[0].dtype:
            raise ValueError(
                f"Invalid usage of tensors with different dtypes Found {tensors[0].dtype} and  {tensor.dtype}"
            )


class Wire:
    """The contiguous memory for a transfer of `tensor`; `write_back()` copies the result back."""

    def __init__(self, group: ProcessGroup, tensor: Tensor, *, reduced: bool = False) -> None:
        self._tensor = tensor
        self.divisor = 1  # the result is divided by this, for means
        on_gpu = not isinstance(tensor.array, np.ndarray)
        if group.data.on_gpu and not on_gpu:
            raise RuntimeError(
                "No backend type associated with device type cpu: the group's backend 'nccl' moves GPUs' tensors; "
                "make a group with backend='mpi' for this one, or move it with .cuda()"
            )
        array = tensor.array
        if not group.data.on_gpu:
            array = backend.to_device(array, devices.CPU)
            if reduced and array.dtype == np.float16:
                array = array.astype(np.float32)
        self.array: Array = array if array.flags.c_contiguous else backend.copy_array(array)

    def write_back(self) -> None:
        """Writes the result into the tensor, and counts it as a write."""
        backend.quiet(self._write)  # a sum may overflow float16
        self._tensor.bump_version()

    def _write(self) -> None:
        tensor = self._tensor
        if self.divisor != 1:
            self.array /= self.array.dtype.type(self.divisor)
        if self.array is not tensor.array:
            store(tensor.array, ..., backend.to_device(self.array, tensor.device))


def make_rows(group: ProcessGroup, array: Array) -> Array:
    """An empty array for one `array` of each rank, of the same library."""
    shape = (group.size(), *array.shape)
    return backend.on_gpu_of(array, backend.array_module(array).empty, shape, array.dtype)


def write_rows(rows: Array, tensors: Sequence[Tensor]) -> None:
    """Copies each row into its tensor."""
    for row, tensor in zip(rows, tensors, strict=True):
        store(tensor.array, ..., backend.to_device(row.reshape(tensor.array.shape), tensor.device))
        tensor.bump_version()
