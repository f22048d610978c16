"""Anomaly mode: finds the call whose gradient is the first to hold a NaN, by the line that each call was made at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import ANOMALY, CHECK_NAN, mode
from minigrad.autograd.inspection import gradient_checks, watchers
from minigrad.autograd.messages import user_line
from minigrad.autograd.modes import ModeSwitch
from minigrad.autograd.switches import ImmediateSwitch
from minigrad.backend import quiet


def _read_flags(mode: bool, check_nan: bool) -> int:
    """The flags of the mode. Raises TypeError for arguments that are no bools."""
    for name, flag in (("mode", mode), ("check_nan", check_nan)):
        if flag.__class__ is not bool:
            raise TypeError(f"anomaly mode: argument '{name}' must be bool, not {type(flag).__name__} {flag!r:.40}")
    if not mode:
        return 0
    return ANOMALY | CHECK_NAN if check_nan else ANOMALY


class detect_anomaly(ModeSwitch):
    """A context in which the first NaN gradient raises an error that names its call and line; a NaN result warns.

    With ``check_nan=False`` only the lines are remembered, for errors of backward to name.

    >>> import minigrad as torch
    >>> x = torch.tensor([0.0], requires_grad=True)
    >>> with torch.autograd.detect_anomaly():
    ...     (x.sqrt() * 0).sum().backward()
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output, recorded at ...
    """

    __slots__ = ()

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(_read_flags(True, check_nan), 0 if check_nan else CHECK_NAN)


class set_detect_anomaly(ImmediateSwitch):
    """Switches anomaly mode on or off at once, and back at the end of a ``with`` block.

    >>> import minigrad as torch
    >>> with torch.autograd.set_detect_anomaly(True):
    ...     print(torch.is_anomaly_enabled())
    True
    """

    __slots__ = ()

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        on = _read_flags(mode, check_nan)
        super().__init__(on, (ANOMALY | CHECK_NAN) & ~on)


def is_anomaly_enabled() -> bool:
    """True in anomaly mode.

    >>> import minigrad as torch
    >>> torch.autograd.is_anomaly_enabled()
    False
    """
    return bool(mode.get() & ANOMALY)


def is_anomaly_check_nan_enabled() -> bool:
    """True where anomaly mode looks for NaN.

    >>> import minigrad as torch
    >>> torch.is_anomaly_check_nan_enabled()
    False
    """
    return bool(mode.get() & CHECK_NAN)


def _holds_nan(array: Any) -> bool:
    return bool(quiet(lambda x: np.isnan(x).any(), array))


def check_forward(tensor: Any) -> None:
    """Stores the user's line in the node, and warns of the first NaN result."""
    node = tensor.node
    node.trace = user_line()
    if mode.get() & CHECK_NAN and _holds_nan(tensor.array):
        warn(f"the forward of {node.name()} returned NaN, at {node.trace}. Look at its operands there.", RuntimeWarning)
        node.trace += ", where its result was NaN already"


watchers[ANOMALY] = check_forward


def check_gradients(node: Any, gradients: Sequence[Any]) -> None:
    """Raises at the first rule that returns NaN, where that is asked for."""
    if not mode.get() & CHECK_NAN:
        return
    for i, gradient in enumerate(gradients):
        array = getattr(gradient, "array", gradient)
        if array is not None and not isinstance(array, dict) and _holds_nan(array):
            where = f", recorded at {node.trace}" if node.trace else ""
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output{where}.")


gradient_checks.append(check_gradients)
