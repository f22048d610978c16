"""An answer beside the right one: what is wrong with it, in words that do not give the right one away."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from minigrad.autograd.case import misplace
from minigrad.tensor import Tensor


def describe_difference(answer: Any, right: Any, tolerance: float = 1e-4) -> str | None:
    """What distinguishes `answer` from `right`; None when they agree.

    >>> describe_difference([1.0, -1.0], [-1.0, 1.0])
    'it is the right answer negated'
    """
    if isinstance(right, (str, bool)):
        return None if answer == right else f"{answer!r} is not right"
    if isinstance(right, tuple) or (isinstance(right, list) and not all(isinstance(r, Number) for r in right)):
        return _describe_sequences(answer, right, tolerance)
    if complaint := refuse_what_is_no_number(answer):
        return complaint
    a, r = as_array(answer), as_array(right)
    if a.shape != r.shape:
        return f"its shape is {a.shape}, where {r.shape} is due{_missing_axes(a.shape, r.shape)}"
    if np.allclose(a, r, rtol=tolerance, atol=tolerance):
        return None
    if np.any(~np.isfinite(a)) and np.all(np.isfinite(r)):
        return f"{int((~np.isfinite(a)).sum())} of {a.size} numbers are nan or inf"
    if not a.ndim:
        return f"{a.item():.6g} is not right"
    return _name_the_difference(a.astype(float), r.astype(float), tolerance)


def refuse_what_is_no_number(answer: Any) -> str | None:
    """A complaint about None, texts and the like."""
    if answer is None:
        return "it returned None: is `return` missing?"
    if answer is Ellipsis or answer is NotImplemented:
        return "it is still empty: write its body"
    if isinstance(answer, (Tensor, np.ndarray, Number, list, tuple)):
        try:
            if as_array(answer).dtype.kind in "biuf":
                return None
        except (ValueError, TypeError):
            return "the parts of the list that it returned differ in shape: return one tensor"
    return f"a tensor is due, and it returned {type(answer).__name__}"


def as_array(answer: Any) -> Any:
    """The numbers of an answer: a Tensor, an array, a number, or lists of these."""
    if isinstance(answer, Tensor):
        return answer.detach().cpu().numpy()
    if isinstance(answer, (list, tuple)):
        return np.array([as_array(part) for part in answer])
    return np.asarray(answer)


def _describe_sequences(answer: Any, right: Any, tolerance: float) -> str | None:
    kind = "list" if isinstance(right, list) else "tuple"
    if isinstance(answer, (Tensor, np.ndarray)):
        answer = list(answer)
    if not isinstance(answer, (tuple, list)):
        return refuse_what_is_no_number(answer) or f"a {kind} is due, and it returned {type(answer).__name__}"
    if len(answer) != len(right):
        return f"a {kind} of {len(right)} is due, and it returned {len(answer)}"
    for i, (a, r) in enumerate(zip(answer, right, strict=True)):
        if complaint := describe_difference(a, r, tolerance):
            return f"at position {i} of the {kind}: {complaint}"
    return None


def _missing_axes(wrong: tuple[int, ...], right: tuple[int, ...]) -> str:
    if len(wrong) == len(right) and sorted(wrong) == sorted(right):
        return ": the axes are in another order"
    if len(wrong) == len(right) + 1 and wrong[1:] == right:
        return ": is a sum over the first axis missing?"
    if tuple(n for n in wrong if n != 1) == tuple(n for n in right if n != 1):
        return ": an axis of size 1 too many, or too few"
    if len(wrong) == len(right) and sum(a != b for a, b in zip(wrong, right, strict=True)) <= 2:
        off = {a - b for a, b in zip(wrong, right, strict=True)} - {0}
        if off <= {1, -1}:
            return ": off by one"
    return ""


def _name_the_difference(a: Any, r: Any, tolerance: float) -> str:
    def same(candidate: Any) -> bool:
        return candidate.shape == a.shape and bool(np.allclose(a, candidate, rtol=tolerance, atol=tolerance))

    if same(-r):
        return "it is the right answer negated"
    size = float(np.vdot(r, r))
    c = float(np.vdot(a, r)) / size if size else 0.0
    if c and same(c * r):
        return f"it is the right answer times {c:.4g}"
    for changed, how in misplace(r, range(r.ndim), lambda axis: f"axis {axis}"):
        if same(changed):
            return f"it is the right answer {how}"
    wrong = ~np.isclose(a, r, rtol=tolerance, atol=tolerance)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    difference = a - r
    if np.allclose(difference, difference.flat[0], rtol=tolerance, atol=tolerance):
        return "all numbers are off by the same amount"
    return f"{int(wrong.sum())} of {a.size} numbers are wrong, the first at index {first}, where it says {a[first]:.4g}"
