"""Division with rounding: `floor_divide`, `remainder`, `fmod`, and `div` with its `rounding_mode`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.ops.arithmetic import true_divide
from minigrad.ops.elementwise import binary, twin_of
from minigrad.ops.piecewise import is_plain, zeros_of
from minigrad.shown_values import shorten, show_value


def no_derivative(
    name: str, hint: str = "its result is a step, detach() it", error: type[Exception] = RuntimeError
) -> Any:  # fmt: skip
    """A gradient rule that raises: PyTorch records these calls too, and raises in backward."""

    def refuse(g: Any) -> Any:
        raise error(f"derivative for {name} is not implemented: {hint}")

    return refuse


def _slope_of_divisor(g: Any, x: Any, y: Any) -> Any:
    # As in PyTorch, ``5 % y`` with a number has no gradient; with two tensors it has.
    if isinstance(x, (int, float, np.generic)):
        raise RuntimeError("derivative for remainder of a number is not implemented: make it a tensor")
    return -g * np.floor_divide(x, y)


def _slope_of_fmod(g: Any, x: Any, y: Any) -> Any:
    # The quotient of Tensors is cut off by an operation with derivative 0, also where that of the quotient is NaN.
    return -g * (np.trunc(x / y) if is_plain(x) else _truncated(x, y))


_flat = (lambda g: zeros_of(g), lambda g: zeros_of(g))
# fmt: off
_floored = binary("div", lambda x, y: np.floor_divide(x, _divisor(x, y)), *_flat, refuses="b", numbers="both",
    shown="DivBackward2", float32_number=True)
_truncated = binary("div", lambda x, y: _toward_zero(x, _divisor(x, y)), *_flat, refuses="b", numbers="both",
    shown="DivBackward2", float32_number=True)
floor_divide = binary("floor_divide", lambda x, y: np.floor_divide(x, _divisor(x, y)), no_derivative("floor_divide"),
    no_derivative("floor_divide"),
    "floor(input / other)", "[7.0, -7.0]; 2.0 -> [ 3., -4.]", refuses="b", numbers="both", float32_number=True,
    shown="NotImplemented",
    gradients=("none: backward raises, as in PyTorch",) * 2, domain="other != 0; integers raise there")
remainder = binary("remainder", lambda x, y: _remainder(x, _divisor(x, y)), lambda g: g, _slope_of_divisor,
    "input - other * floor(input / other), with the sign of other", "[7.0, -7.0]; 3.0 -> [1., 2.]", refuses="b",
    gradients=("g", "-g * floor(x / y)"), domain="other != 0; NaN at 0, where integers raise")
fmod = binary("fmod", lambda x, y: np.fmod(x, _divisor(x, y)), lambda g: g, _slope_of_fmod,
    "input - other * trunc(input / other), with the sign of input", "[7.0, -7.0]; 3.0 -> [ 1., -1.]", numbers="other",
    refuses="b", gradients=("g", "-g * trunc(x / y)"), domain="other != 0; NaN at 0, where integers raise")
# fmt: on
twin_of(np.floor_divide)(_floored)
twin_of(np.remainder)(remainder)
twin_of(np.fmod)(fmod)


def _divisor(x: Any, y: Any) -> Any:
    """`y`, after the check that no integers are divided by zero (floats give inf and nan).

    On a GPU zeros are not searched for, because every step would wait for the device.
    """
    if isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind != "f" and not y.all() and np.size(x):
        raise RuntimeError("ZeroDivisionError: integers are divided by zero; convert them with .float() to get inf")
    return y


def _remainder(x: Any, y: Any) -> Any:
    """``x - y * floor(x / y)``. A float remainder of 0 has the sign of `x`; in NumPy it has that of `y`."""
    rest = np.remainder(x, y)
    return np.where(np.equal(rest, 0), np.copysign(rest, x), rest) if rest.dtype.kind == "f" else rest


def _toward_zero(x: Any, y: Any) -> Any:
    if type(y) in (int, float) or y.dtype.kind == "f":
        return np.trunc(np.true_divide(x, y))
    floor = np.floor_divide(x, y)
    return floor + np.logical_and(np.less(floor, 0), np.not_equal(floor * y, x)).astype(floor.dtype)


def div(input: Tensor, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """``input / other``; with `rounding_mode` "floor" or "trunc" the quotient is rounded and keeps the dtype.

    Without it, integers and bools are divided as floats. Shapes broadcast. Raises RuntimeError for another mode, and
    for integers that are rounded and divided by 0.
    Gradient of `input`: ``g / other``; of `other`: ``-g * input / other ** 2``; 0 where the quotient is rounded.

    >>> import minigrad as torch
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    if not isinstance(rounding_mode, str):
        raise TypeError(f"div(): argument 'rounding_mode' must be str, not {show_value(rounding_mode)}")
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be None, 'trunc', or 'floor' but found {shorten(rounding_mode)}"
        )
    return (_floored if rounding_mode == "floor" else _truncated)(input, other, out=out)


divide = div


def divide_or_zero(x: Any, y: Any) -> Any:
    """``x / y``, and 0 where y is 0, for arrays and Tensors."""
    zero = np.equal(y, 0)
    return np.where(zero, 0.0, x / np.where(zero, 1.0, y))
