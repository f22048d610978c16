"""`torch.utils.dlpack`: exchanges tensors with other libraries without a copy."""

from __future__ import annotations

from typing import Any

from minigrad.creation import from_dlpack as _from_dlpack
from minigrad.missing import explain_missing
from minigrad.tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


class _Capsule:
    """Wraps a DLPack capsule of CPU memory in an object with the DLPack methods."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule of the tensor's memory, which `from_dlpack` takes once.

    >>> import minigrad as torch
    >>> from minigrad.utils.dlpack import from_dlpack, to_dlpack
    >>> from_dlpack(to_dlpack(torch.ones(2)))
    tensor([1., 1.])
    """
    try:
        return tensor.__dlpack__(max_version=(1, 0))  # a version that marks the memory as writable
    except TypeError:  # NumPy 2.0, whose capsules are always writable
        return tensor.__dlpack__()


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of a capsule, or of any object with ``__dlpack__``. Raises TypeError for others.

    >>> import numpy as np
    >>> from minigrad.utils.dlpack import from_dlpack
    >>> from_dlpack(np.ones(2))
    tensor([1., 1.], dtype=minigrad.float64)
    """
    is_capsule = type(ext_tensor).__name__ == "PyCapsule"
    return _from_dlpack(_Capsule(ext_tensor) if is_capsule else ext_tensor)


explain_missing("torch.utils.dlpack", globals())
