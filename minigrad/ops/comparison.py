"""Comparisons, logic on truth values, and logic on bits. No gradients flow through these."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import on_its_gpu, quiet
from minigrad.ops.elementwise import SAME, TRUTH, binary, of_tensors, shapes_do_not_broadcast, unary

# ---- comparisons ---------------------------------------------------------------------------------
eq = binary("eq", np.equal, None, None, result=TRUTH, numbers="other")
ne = not_equal = binary("ne", np.not_equal, None, None, result=TRUTH, numbers="other")
lt = less = binary("lt", np.less, None, None, result=TRUTH, numbers="other")
le = less_equal = binary("le", np.less_equal, None, None, result=TRUTH, numbers="other")
gt = greater = binary("gt", np.greater, None, None, result=TRUTH, numbers="other")
ge = greater_equal = binary("ge", np.greater_equal, None, None, result=TRUTH, numbers="other")

# ---- truth ---------------------------------------------------------------------------------------
logical_and = binary("logical_and", np.logical_and, None, None, result=TRUTH, numbers="none")
logical_or = binary("logical_or", np.logical_or, None, None, result=TRUTH, numbers="none")
logical_xor = binary("logical_xor", np.logical_xor, None, None, result=TRUTH, numbers="none")
logical_not = unary("logical_not", np.logical_not, None, result=TRUTH)
isnan = unary("isnan", np.isnan, None, result=TRUTH)
isinf = unary("isinf", np.isinf, None, result=TRUTH)
isfinite = unary("isfinite", np.isfinite, None, result=TRUTH)

# ---- bits ----------------------------------------------------------------------------------------
bitwise_and = binary("bitwise_and", np.bitwise_and, None, None, refuses="f")
bitwise_or = binary("bitwise_or", np.bitwise_or, None, None, refuses="f")
bitwise_xor = binary("bitwise_xor", np.bitwise_xor, None, None, refuses="f")
bitwise_not = unary("bitwise_not", np.invert, None, result=SAME, refuses="f")
bitwise_left_shift = binary("bitwise_left_shift", np.left_shift, None, None, refuses="fb")
bitwise_right_shift = binary("bitwise_right_shift", np.right_shift, None, None, refuses="fb")


# ---- closeness -----------------------------------------------------------------------------------
@on_its_gpu
@of_tensors(2)
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """``|input - other| <= atol + rtol * |other|``, element by element; equal infinities are close.

    Raises RuntimeError for different types and negative tolerances.

    >>> import minigrad as torch
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    a, b = input.array, other.array
    if a.dtype != b.dtype:
        raise RuntimeError(f"{a.dtype} did not match {b.dtype}: compare tensors of one type")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    if a.dtype.kind == "b":
        a, b = a.astype(np.int8), b.astype(np.int8)
    try:
        return wrap(quiet(np.isclose, a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))
    except ValueError:
        raise shapes_do_not_broadcast("isclose", a, b) from None


@on_its_gpu
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True when every element ``isclose``.

    >>> import minigrad as torch
    >>> torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@on_its_gpu
@of_tensors(2)
def equal(input: Any, other: Any) -> bool:
    """True when shapes and all elements are the same.

    >>> import minigrad as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    a, b = input.array, other.array
    return bool(a.shape == b.shape and (a == b).all())
