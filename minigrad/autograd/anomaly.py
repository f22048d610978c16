"""Anomaly mode: where did the NaN begin? The forward is checked first, then every gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.messages import user_line
from minigrad.autograd.modes import ANOMALY, AtOnce, ModeSwitch, mode
from minigrad.backend import on_its_gpu


class detect_anomaly(ModeSwitch):
    """Inside, the first call whose result or gradient is NaN raises, naming it and the user's line.

    >>> import minigrad as torch
    >>> x = torch.tensor([-1.0], requires_grad=True)
    >>> with torch.autograd.detect_anomaly():
    ...     x.log()
    Traceback (most recent call last):
    RuntimeError: the forward of log returned NaN, ...
    """

    __slots__ = ()

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(set_flags=ANOMALY if check_nan else 0)


class set_detect_anomaly(AtOnce):
    """Switches anomaly mode on or off at once, and back at the end of a ``with`` block."""

    __slots__ = ()

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(*((ANOMALY, 0) if mode and check_nan else (0, ANOMALY)))


def is_anomaly_enabled() -> bool:
    """True in anomaly mode.

    >>> import minigrad as torch
    >>> torch.autograd.is_anomaly_enabled()
    False
    """
    return bool(mode.get() & ANOMALY)


@on_its_gpu
def check_forward(tensor: Any) -> None:
    """Remember the user's line, and stop where the first NaN comes to be."""
    node = tensor.node
    node.trace = user_line()
    if bool(np.isnan(tensor.array).any()):
        raise RuntimeError(
            f"the forward of {node.operation.name} returned NaN, at {node.trace}. "
            "Look at its operands there: the gradient is not at fault."
        )


def check_gradients(node: Any, gradients: Sequence[Any]) -> None:
    """Stop at the first rule that returns NaN."""
    for i, gradient in enumerate(gradients):
        array = getattr(gradient, "array", gradient)
        if array is not None and not isinstance(array, dict) and bool(np.isnan(array).any()):
            where = f", recorded at {node.trace}" if node.trace else ""
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output{where}.")
