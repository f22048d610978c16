"""Tensors on memory that others made: `from_numpy`, `as_tensor`, `asarray`, `from_dlpack` and `frombuffer`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backend, devices, dtypes
from minigrad.advice import warn
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.creation.data import as_plain_array, tensor
from minigrad.creation.filled import place
from minigrad.ops.arguments import require_bools


@names_options
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, without a copy if it is an array or a tensor of that dtype and device.

    >>> import minigrad as torch
    >>> torch.as_tensor([1, 2])
    tensor([1, 2])
    """
    if isinstance(data, TensorBase):
        made: Any = data if dtype is None else data.to(dtype)  # type: ignore[attr-defined]
        return made if device is None else made.to(device)
    array = as_plain_array(data, None if dtype is None else dtypes.as_numpy(dtype))
    if array is None:
        return tensor(data, dtype=dtype, device=device)
    warn_of_read_only(array)
    made = place(array, device, False)
    return made if dtype is None else made.to(dtype)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array. Raises TypeError for anything else.

    Warns if the array is read-only, because the tensor cannot be written to.

    >>> import minigrad as torch
    >>> import numpy as np
    >>> array = np.zeros(2)
    >>> x = torch.from_numpy(array)
    >>> array[0] = 5
    >>> x
    tensor([5., 0.], dtype=minigrad.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__}); for other data use minigrad.tensor")
    array = as_plain_array(ndarray)
    warn_of_read_only(array)
    return wrap(array)


def warn_of_read_only(array: Any) -> None:
    """Warns that a tensor on the memory of `array` cannot be written to, if it is so."""
    if type(array) is np.ndarray and not array.flags.writeable:
        detail = "the tensor shares its memory, so writing to it raises RuntimeError; array.copy() is writable"
        warn(f"The given NumPy array is not writable: {detail}")


@names_options
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """`obj` as a tensor that shares its memory if possible. `copy=True` always copies; `copy=False` raises ValueError.

    The bytes of a buffer (a bytearray, an `array.array`) are taken as elements of `dtype`, by default float32.
    A tensor keeps its `requires_grad` unless another is given: with False it is detached.

    >>> import minigrad as torch
    >>> torch.asarray([1, 2])
    tensor([1, 2])
    """
    if copy is not None:
        require_bools("asarray", copy=copy)
    obj = _read_memory(obj, dtype)
    made: Any = as_tensor(obj, dtype, device)
    source = obj.array if isinstance(obj, TensorBase) else as_plain_array(obj, made.array.dtype)
    shares = source is not None and type(source) is type(made.array) and np.may_share_memory(made.array, source)
    if copy is False and not shares:
        raise ValueError("asarray(): can't alias the given object with copy=False: it has to be copied or converted")
    if copy and shares:
        made = made.clone()
    if made.requires_grad and requires_grad is False:
        return made.detach()
    return made.requires_grad_() if requires_grad else made


def _read_memory(obj: Any, dtype: Any) -> Any:
    """A tensor on the memory of a DLPack capsule, or of an object with Python's buffer protocol; others as they are."""
    if _is_capsule(obj):
        return from_dlpack(obj)
    if isinstance(obj, (TensorBase, np.generic, np.ndarray)) or hasattr(obj, "__array__"):
        return obj
    try:
        memoryview(obj)
    except TypeError:
        return obj
    return frombuffer(obj, dtype=dtypes.get_default_dtype() if dtype is None else dtype)


class _Capsule:
    """Wraps a DLPack capsule of CPU memory in an object with the DLPack methods."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def _is_capsule(obj: Any) -> bool:
    return type(obj).__name__ == "PyCapsule"


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's array, or of its capsule, by the DLPack protocol.

    Raises TypeError for what has no such protocol, RuntimeError for a capsule that was taken before.

    >>> import minigrad as torch
    >>> import numpy as np
    >>> torch.from_dlpack(np.arange(3.0, dtype=np.float32))
    tensor([0., 1., 2.])
    """
    if _is_capsule(ext_tensor):
        ext_tensor = _Capsule(ext_tensor)
    if not hasattr(ext_tensor, "__dlpack_device__"):
        raise TypeError(f"from_dlpack needs an object with __dlpack__, got {type(ext_tensor).__name__}")
    kind, _ = ext_tensor.__dlpack_device__()
    xp = np if kind in (1, 3) else backend.library(devices.device("cuda"))
    try:
        array = xp.from_dlpack(ext_tensor)
    except ValueError:
        if not isinstance(ext_tensor, _Capsule):
            raise
        detail = "Note that DLTensor capsules can be consumed only once: make another one by to_dlpack"
        raise RuntimeError(f"from_dlpack received an invalid capsule. {detail}") from None
    dtypes.from_numpy(array.dtype)
    return wrap(array)


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """The bytes of `buffer`, from `offset` on, as elements of `dtype`, without a copy.

    >>> import minigrad as torch
    >>> torch.frombuffer(bytearray([1, 2, 3]), dtype=torch.uint8)
    tensor([1, 2, 3], dtype=minigrad.uint8)
    """
    try:
        length = memoryview(buffer).nbytes
    except TypeError:
        raise ValueError(f"a {type(buffer).__name__} does not implement Python's buffer protocol") from None
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(f"offset ({offset}) must be non-negative and less than the buffer length ({length})")
    width = dtypes.as_numpy(dtype).itemsize
    if count < 0 and (length - offset) % width:
        whole = f"after offset ({offset} bytes) must be a multiple of element size ({width})"
        raise ValueError(f"buffer length ({length} bytes) {whole}")
    array = np.frombuffer(buffer, dtypes.as_numpy(dtype), count, offset)
    warn_of_read_only(array)
    return place(array, devices.CPU, requires_grad)
