"""`torch.utils.dlpack`: exchanges tensors with other libraries without a copy."""

from __future__ import annotations

from typing import Any

from minigrad.creation import from_dlpack
from minigrad.missing import explain_missing
from minigrad.tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule of the tensor's memory, which `from_dlpack` takes once.

    >>> import minigrad as torch
    >>> from minigrad.utils.dlpack import from_dlpack, to_dlpack
    >>> from_dlpack(to_dlpack(torch.ones(2)))
    tensor([1., 1.])
    """
    tensor = tensor.detach()  # the memory has no gradient
    try:
        return tensor.__dlpack__(max_version=(1, 0))  # a version that marks the memory as writable
    except TypeError:  # NumPy 2.0, whose capsules are always writable
        return tensor.__dlpack__()


explain_missing("torch.utils.dlpack", globals())
