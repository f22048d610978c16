"""Inference mode: nothing is recorded, and what is made can enter no graph later, so its writes need not be counted."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import GRAD, INFERENCE, inference_was_entered, mode
from minigrad.autograd.modes import ModeSwitch


class Uncounted(list[int]):
    """Replaces the version counter of memory made in inference mode: writing to it outside the mode raises."""

    __slots__ = ()

    def __setitem__(self, i: Any, value: Any) -> None:
        if not mode.get() & INFERENCE:
            hint = "it was made in inference_mode(). Write into a copy, x.clone(), or make it under no_grad()"
            raise RuntimeError(f"Inplace update to inference tensor outside InferenceMode is not allowed: {hint}")


def new_count() -> list[int]:
    """A version counter for new memory."""
    return Uncounted([0, 0]) if mode.get() & INFERENCE else [0, 0]


class inference_mode(ModeSwitch):
    """``no_grad`` for inference: tensors made inside cannot enter a graph later, except as clones.

    Tensors made inside keep no count of writes, so outside of the mode they are neither written to nor saved for
    backward. ``inference_mode(False)`` undoes the mode.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with torch.inference_mode():
    ...     (w * 2).requires_grad
    False
    """

    __slots__ = ()

    def __init__(self, mode: bool = True) -> None:
        if mode:
            super().__init__(INFERENCE, GRAD)
        else:
            super().__init__(GRAD, INFERENCE)
        if mode and not inference_was_entered:
            inference_was_entered.append(new_count)
