"""Comparisons, logical and bitwise operations, and `all`, `any`. They have no gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, value_of
from minigrad.dtypes import SCALAR_TYPES
from minigrad.ops.arguments import Dims, as_number, axes, of_tensors, takes_out
from minigrad.ops.complaints import not_implemented_for, shapes_do_not_broadcast
from minigrad.ops.describe import rename
from minigrad.ops.elementwise import SAME, TRUTH, binary, unary
from minigrad.ops.reduce import arrange

if TYPE_CHECKING:
    from minigrad.ops.signatures import Binary


def _refuse_a_power(*operands: Any) -> None:
    """Raises for floats in ``x ^ 2``, which in Python is no power."""
    for x in map(value_of, operands):
        if hasattr(x, "dtype") and x.dtype.kind == "f":
            raise not_implemented_for("bitwise_xor", x.dtype, "; a power is written x ** y")


def _make_comparison(name: str, ufunc: np.ufunc, formula: str, example: str, numbers: str = "other") -> Binary:
    """Makes an operation of two operands whose result is True or False."""
    return binary(name, ufunc, None, None, formula, example, result=TRUTH, numbers=numbers)


# fmt: off
# ---- comparisons ---------------------------------------------------------------------------------
eq = _make_comparison("eq", np.equal, "input == other", "[1, 2]; [1, 3] -> [ True, False]")
ne = not_equal = _make_comparison("ne", np.not_equal, "input != other", "[1, 2]; [1, 3] -> [False,  True]")
lt = less = _make_comparison("lt", np.less, "input < other", "[1, 2]; [1, 3] -> [False,  True]")
le = less_equal = _make_comparison("le", np.less_equal, "input <= other", "[1, 2]; [1, 1] -> [ True, False]")
gt = greater = _make_comparison("gt", np.greater, "input > other", "[1, 2]; [1, 1] -> [False,  True]")
ge = greater_equal = _make_comparison("ge", np.greater_equal, "input >= other", "[1, 2]; [1, 3] -> [ True, False]")

# ---- logic ---------------------------------------------------------------------------------------
logical_and = _make_comparison("logical_and", np.logical_and,
    "input and other", "[True, True]; [True, False] -> [ True, False]", numbers="none")
logical_or = _make_comparison("logical_or", np.logical_or,
    "input or other", "[False, True]; [False, False] -> [False,  True]", numbers="none")
logical_xor = _make_comparison("logical_xor", np.logical_xor,
    "True where just one of input and other is", "[True, True]; [True, False] -> [False,  True]", numbers="none")
logical_not = unary("logical_not", np.logical_not, None,
    "not input; 0 is False", "[True, False] -> [False,  True]", result=TRUTH, cast=True)
isnan = unary("isnan", np.isnan, None, "True where input is NaN", "[1.0, torch.nan] -> [False,  True]", result=TRUTH)
isinf = unary("isinf", np.isinf, None,
    "True where input is inf or -inf", "[1.0, torch.inf] -> [False,  True]", result=TRUTH)
isfinite = unary("isfinite", np.isfinite, None,
    "True where input is neither NaN nor infinite", "[1.0, torch.inf] -> [ True, False]", result=TRUTH)

# ---- bits ----------------------------------------------------------------------------------------
bitwise_and = binary("bitwise_and", np.bitwise_and, None, None,
    "the bits that input and other share", "[6, 5]; [3, 4] -> [2, 4]", refuses="f")
bitwise_or = binary("bitwise_or", np.bitwise_or, None, None,
    "the bits of input and of other", "[6, 5]; [3, 4] -> [7, 5]", refuses="f")
bitwise_xor = binary("bitwise_xor", np.bitwise_xor, None, None,
    "the bits in which input and other differ", "[6, 5]; [3, 4] -> [5, 1]", refuses="f", check=_refuse_a_power)
bitwise_not = unary("bitwise_not", np.invert, None,
    "every bit of input inverted; not, for bools", "[0, 5] -> [-1, -6]", result=SAME, refuses="f")
bitwise_left_shift = binary("bitwise_left_shift", np.left_shift, None, None,
    "input * 2 ** other", "[1, 3]; [2, 1] -> [4, 6]", refuses="fb")
bitwise_right_shift = binary("bitwise_right_shift", np.right_shift, None, None,
    "input // 2 ** other", "[4, 7]; [2, 1] -> [1, 3]", refuses="fb")
# fmt: on


# ---- closeness -----------------------------------------------------------------------------------
@of_tensors
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """``|input - other| <= atol + rtol * |other|``, element by element; equal infinities are close.

    Raises RuntimeError for different types and negative tolerances.

    >>> import minigrad as torch
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    a, b = input.array, other.array
    if a.dtype != b.dtype:
        names = [SCALAR_TYPES[str(x.dtype)] for x in (a, b)]
        hint = "compare tensors of one type, converted with .to(other.dtype)"
        raise RuntimeError(f"{names[0]} did not match {names[1]}: {hint}")
    rtol, atol = [float(as_number("isclose", n, x)) for n, x in (("rtol", rtol), ("atol", atol))]
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    try:
        return compute(_isclose, input, b, rtol, atol, equal_nan)
    except ValueError:
        raise shapes_do_not_broadcast("isclose", a, b) from None


def _isclose(a: Any, b: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    if a.dtype.kind == "b":
        a, b = a.astype(np.int8), b.astype(np.int8)
    if a.dtype.kind != "f" and rtol == atol == 0:  # NumPy compares integers as float64
        return a == b
    return np.isclose(a, b, rtol, atol, equal_nan)


@of_tensors
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True when every element ``isclose``.

    >>> import minigrad as torch
    >>> torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    True
    """
    return bool(compute(np.all, isclose(input, other, rtol, atol, equal_nan)).array)


@of_tensors
def equal(input: Tensor, other: Tensor) -> bool:
    """True when shapes and all elements are the same; dtypes may differ, and NaN equals nothing.

    >>> import minigrad as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    if input.array.shape != other.array.shape:
        return False
    return bool(compute(_equal, input, other.array).array)


def _equal(x: Any, y: Any) -> Any:
    return (x == y).all()


# ---- any and all ---------------------------------------------------------------------------------
def _make_truth(name: str, example: str) -> Callable[..., Any]:
    def forward(x: Any, dim: Any, keepdim: bool) -> Any:
        found = x != 0 if dim == () else arrange(getattr(x, name)(axis=dim, keepdims=keepdim), keepdim)
        return found.astype(np.uint8) if x.dtype == np.uint8 else found  # as in PyTorch, uint8 gives uint8

    def call(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
        over = () if isinstance(dim, (tuple, list)) and not dim else axes(dim, input.array.ndim)
        return compute(forward, input, over, keepdim)

    text = f"True where {name} elements over the dimensions `dim`, or of the tensor, are not 0."
    return takes_out(rename(call, name, text, example), cast="truth", axis_first=True)


all = _make_truth("all", "torch.all(torch.tensor([[1, 0], [1, 1]]), 1) -> tensor([False,  True])")
any = _make_truth("any", "torch.any(torch.tensor([[1, 0], [0, 0]]), 1) -> tensor([ True, False])")
