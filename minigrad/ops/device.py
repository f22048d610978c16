"""Moving tensors between devices, and 0-d CPU tensors as operands of GPU tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.recording import operation
from minigrad.backend import device_of, library, to_device
from minigrad.devices import device

_move: Any = operation(
    "to_device",
    lambda x, *, source, target: to_device(x, target),
    lambda g, source, target: _move(g, source=target, target=source),
)


def number_device(asked: device) -> device:
    """The device `asked` for, with its number: "cuda" alone means the current GPU."""
    if asked.type == "cpu" or asked.index is not None:
        return asked
    return device("cuda", library(asked).cuda.runtime.getDevice())


def move(input: Any, target: Any) -> Any:
    """The tensor on another device; the same tensor if it is there already. Gradients are moved back."""
    source, target = device_of(input.array), number_device(target)
    if source == target:
        return input
    library(target)  # raises with the reason when there is no such device
    return _move(input, source=source, target=target)


def move_scalars(*operands: Any) -> list[Any]:
    """Moves 0-d CPU operands to the GPU of the others, as PyTorch does."""
    moved = list(operands)
    gpu = next((x.array for x in operands if isinstance(x, TensorBase) and type(x.array) is not np.ndarray), None)
    if gpu is not None:
        for i, x in enumerate(operands):
            if isinstance(x, TensorBase) and type(x.array) is np.ndarray and x.array.ndim == 0:
                moved[i] = move(x, device_of(gpu))
    return moved
