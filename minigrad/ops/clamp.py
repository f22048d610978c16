"""`clamp`, `clamp_min` and `clamp_max`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.ops.arguments import Operand, of_tensors, require_number
from minigrad.ops.arithmetic import promote
from minigrad.ops.complaints import not_implemented_for, shapes_do_not_broadcast
from minigrad.ops.device import move_scalars
from minigrad.ops.elementwise import binary, elementwise
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.out import write_out

if TYPE_CHECKING:
    from minigrad.ops.signatures import Binary


def _make_limit(name: str, choose: Any, inside: Any, beyond: Any) -> Binary:
    """Makes `clamp_min` or `clamp_max` with the limit y: the gradient goes to x inside the limit, to y outside."""
    return binary(
        name,
        choose,
        lambda g, x, y: np.where(inside(x, y), g, 0.0),
        lambda g, x, y: np.where(beyond(x, y), g, 0.0),
        numbers="other",
    )


_at_least = _make_limit("clamp_min", np.maximum, np.greater_equal, np.less)
_at_most = _make_limit("clamp_max", np.minimum, np.less_equal, np.greater)


def _clip(x: Any, *, low: Any, high: Any) -> Any:
    found = x.clip(low, high)
    return _keep_zeros(found, x, low, high) if low == 0 or high == 0 else found


def _keep_zeros(found: Any, x: Any, *limits: Any) -> Any:
    """`found` with the zeros of x: beside an equal limit, -0.0 beside 0.0, NumPy gives either of the two."""
    if x.__class__ is np.ndarray and x.dtype.kind == "f" and any(map(_has_negative_zero, (x, *limits))):
        return np.where(found == x, x, found)
    return found


_LEAST = {n: (np.dtype(f"i{n}"), -(2 ** (8 * n - 1))) for n in (2, 4, 8)}  # by their bytes: integers, the least of them


def _has_negative_zero(x: Any) -> bool:
    """Whether -0.0 is in a float or an array of floats. Its bits, read as an integer, are those of the least one."""
    if not isinstance(x, np.ndarray):
        return x == 0 and math.copysign(1, x) < 0
    integers, least = _LEAST[x.itemsize]
    return bool(x.size and x.view(integers).min() == least)


_clamp_to_numbers = elementwise(
    "clamp", _clip, lambda g, x, low, high: _where_between(g, x, low, high), shown="ClampBackward1"
)
_clamp_to_tensors = elementwise(
    "clamp",
    lambda x, low, high: _keep_zeros(np.minimum(np.maximum(x, low), high), x, low, high),
    lambda g, x, low, high: _where_between(g, x, low, high),
    lambda g, x, low, high: np.where(np.logical_and(np.less(x, low), np.less(low, high)), g, 0.0),
    lambda g, x, low, high: np.where(np.logical_or(np.greater(x, high), np.less(high, low)), g, 0.0),
)


def _where_between(g: Any, x: Any, low: Any, high: Any) -> Any:
    if low is None or high is None:
        return np.where(np.less_equal(x, high) if low is None else np.greater_equal(x, low), g, 0.0)
    return np.where(np.logical_and(np.greater_equal(x, low), np.less_equal(x, high)), g, 0.0)


def _check_limits(name: str, input: Any, *limits: Any) -> None:
    """Raises for limits that are neither numbers nor tensors, and for bools, except with one tensor as the limit."""
    given = [x for x in limits if x is not None]
    numbers = [x for x in given if not isinstance(x, TensorBase)]
    for x in numbers:
        require_number(name, "min" if x is limits[0] else "max", x)
    dtypes.check_numbers([input.array, *numbers])
    kinds = [x.array.dtype.kind if isinstance(x, TensorBase) else type(x).__name__[0] for x in (input, *given)]
    if set(kinds) == {"b"} and (numbers or len(given) > 1):
        raise not_implemented_for(name, input.array.dtype)


_PLAIN = (int, float, type(None))


def _clamp(name: str, input: Any, low: Any, high: Any) -> Any:
    """The elements of `input` between `low` and `high`: numbers, tensors, or one None."""
    if type(low) in _PLAIN and type(high) in _PLAIN and input.array.dtype.kind == "f":
        for limit in (low, high):
            if limit is not None and not dtypes.every_float_holds(limit):
                dtypes.check_numbers([input.array, limit])
        return _clamp_to_numbers(input, low=low, high=high)
    _check_limits(name, input, low, high)
    if high is None or low is None:
        return _at_least(input, low) if high is None else _at_most(input, high)
    try:
        return _clamp_to_tensors(*promote(name, *move_scalars(input, low, high)))
    except ValueError:
        raise shapes_do_not_broadcast(name, input, low, high) from None


def _write(name: str, out: Any, found: Any, input: Any, *limits: Any) -> Any:
    """`found`, written into `out` if that is given: with a tensor as a limit `out` may have a higher dtype."""
    if out is None:
        return found
    return write_out(name, out, found, (input, *limits), cast=any(isinstance(x, TensorBase) for x in limits))


@of_tensors
def clamp_min(input: Tensor, min: Operand, *, out: Tensor | None = None) -> Tensor:
    """``maximum(input, min)``; the limit is a number or a tensor.

    >>> import minigrad as torch
    >>> torch.clamp_min(torch.tensor([-2.0, 3.0]), 0)
    tensor([0., 3.])
    """
    require_number("clamp_min", "min", min)
    found = _clamp("clamp_min", input, min, None)
    found = name_last_call(found, f"ClampMinBackward{int(isinstance(min, TensorBase))}")
    return _write("clamp_min", out, found, input, min)


@of_tensors
def clamp_max(input: Tensor, max: Operand, *, out: Tensor | None = None) -> Tensor:
    """``minimum(input, max)``; the limit is a number or a tensor.

    >>> import minigrad as torch
    >>> torch.clamp_max(torch.tensor([-2.0, 3.0]), 0)
    tensor([-2.,  0.])
    """
    require_number("clamp_max", "max", max)
    found = _clamp("clamp_max", input, None, max)
    found = name_last_call(found, f"ClampMaxBackward{int(isinstance(max, TensorBase))}")
    return _write("clamp_max", out, found, input, max)


@of_tensors
def clamp(input: Tensor, min: Operand = None, max: Operand = None, *, out: Tensor | None = None) -> Tensor:
    """``minimum(maximum(input, min), max)``; the limits are numbers or tensors, one may be missing.

    The gradient goes to the operand that was chosen: it is 0 for an input outside the limits.

    >>> import minigrad as torch
    >>> torch.clamp(torch.tensor([-2.0, 0.5, 3.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    found = _clamp("clamp", input, min, max)
    if isinstance(min if max is None else max, TensorBase) and (min is None or max is None):
        found = name_last_call(found, "ClampBackward0")
    return found if out is None else _write("clamp", out, found, input, min, max)


clip = clamp
