"""Compares an answer with the right one, and describes the difference without giving the right one away."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import prod
from numbers import Number
from typing import Any

import numpy as np

from minigrad.autograd.case import leave_out, misplace
from minigrad.creation import tensor
from minigrad.tensor import Tensor

CURES = {  # a sign of the type of the returned value -> advice
    "__torch_function__": ", but one of PyTorch itself: let minigrad make it (import minigrad as torch)",
    "weight": ": its numbers are in its .weight",
    "__call__": ": is the call, (...), missing?",
    "gi_frame": ", which has computed nothing yet: with `yield` in your function, write `return` in its place",
    "cr_await": ": write `def` in place of `async def`",
}
LARGEST = 10_000  # larger arguments are not tried in other orders
LOOP = ": does a loop end too early (a short range, an early return)?"
LONGEST_WHOLE = 10**15  # whole numbers below are written with all digits


def describe_difference(answer: Any, right: Any, tolerance: float = 1e-4) -> str | None:
    """The difference between `answer` and `right` in words; None if they agree.

    >>> describe_difference([1.0, -1.0], [-1.0, 1.0])
    'it is the right answer negated'
    """
    if isinstance(right, str):
        return None if isinstance(answer, str) and answer == right else f"{answer!r} is not right"
    if isinstance(right, bool):
        return None if answer == right else f"{answer!r} is not right"
    if isinstance(right, tuple) or (isinstance(right, list) and not all(isinstance(r, Number) for r in right)):
        return _describe_sequences(answer, right, tolerance)
    if complaint := refuse_what_is_no_number(answer, "a number" if isinstance(right, Number) else "a tensor"):
        return complaint
    if complaint := _refuse_another_count(answer, right):
        return complaint
    a, r = as_array(answer), as_array(right)
    if a.shape != r.shape:
        if isinstance(answer, tuple) and len(answer) == 1 and a.shape[1:] == r.shape:
            return "it returned a tuple of one: return what is in it (a comma too many?)"
        due = "one number, shape ()," if not r.ndim else r.shape
        return f"its shape is {a.shape}, where {due} is due{describe_shapes(a.shape, r.shape)}"
    if np.allclose(a, r, rtol=tolerance, atol=tolerance):
        return None
    if complaint := _blame_the_kind(a, r):
        return complaint
    if not a.ndim:
        return f"{_write(a.item())} is not right"
    return _name_the_difference(a.astype(float), r.astype(float), tolerance)


def _write(number: float) -> str:
    """A number in six digits, or in all of them if it is whole."""
    return str(int(number)) if float(number).is_integer() and abs(number) < LONGEST_WHOLE else f"{number:.6g}"


def _refuse_another_count(answer: Any, right: Any) -> str | None:
    """A complaint about a list where one number is due, or about a list of another length."""
    given = len(answer) if isinstance(answer, (list, tuple)) else None
    if isinstance(right, Number) and given is not None:
        return f"one number is due, and it returned a {type(answer).__name__} of {given}"
    if isinstance(right, list) and not is_data(answer) and given != len(right):
        got = "one number" if given is None else f"a {type(answer).__name__} of {given}"
        return f"a list of {len(right)} numbers is due, and it returned {got}"
    return None


def _blame_the_kind(a: Any, r: Any) -> str | None:
    """A complaint about numbers of another type, numbers that are all 0, or not finite."""
    if a.dtype.kind == "b" and r.dtype.kind != "b":
        return "it returned True or False, where numbers are due"
    if a.dtype.kind in "iu" and a.ndim and not np.array_equal(r, np.round(r)):
        return f"it returned whole numbers ({a.dtype}); the right ones have digits behind the point"
    if a.dtype == np.float16 and np.allclose(a, r, rtol=2e-3, atol=2e-3):
        return "it returned float16, which keeps three digits: stay with float32"
    if np.any(~np.isfinite(a)) and np.all(np.isfinite(r)):
        return f"{int((~np.isfinite(a)).sum())} of {a.size} numbers are nan or inf" if a.ndim else "it is nan or inf"
    if a.ndim and not np.any(a):
        return "all its numbers are 0"
    return None


def can_be_explained(answer: Any) -> bool:
    """Whether an answer has enough numbers to be compared with those for changed arguments."""
    if not is_data(answer) or as_array(answer).size < 4:
        return False  # a few numbers may agree by chance
    return not np.all(as_array(answer) == as_array(answer).flat[0])  # so may equal numbers


def try_arguments(
    answer: Any, solution: Callable[..., Any], case: Sequence[Any], names: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    """Changes of the arguments (K flipped, i and j exchanged), and whether the wrong answer would be right for them."""

    def fits(changed: Sequence[Any]) -> bool:
        try:
            return describe_difference(answer, solution(*copy.deepcopy(changed))) is None
        except Exception:  # noqa: BLE001 (not every function takes every argument)
            return False

    for a, b in combinations(range(len(case)), 2):
        exchanged = list(case)
        exchanged[a], exchanged[b] = case[b], case[a]
        if type(case[a]) is type(case[b]):
            yield f"this would be right with {names[a]} and {names[b]} exchanged", fits(exchanged)
    for i, x in enumerate(case):
        if isinstance(x, Tensor) and x.ndim > 0 and x.numel() <= LARGEST:
            for changed, how in move_about(x.detach().numpy()):
                changed_case = [*case[:i], tensor(changed), *case[i + 1 :]]
                yield f"this would be right for {names[i]} {how}", fits(changed_case)


def move_about(array: Any) -> Iterator[tuple[Any, str]]:
    """An array in other orders, and with parts removed."""

    def label(axis: int) -> str:
        return f"axis {axis}"

    yield from misplace(array, range(array.ndim), label)
    yield from leave_out(array, range(array.ndim), label)


def refuse_what_is_no_number(answer: Any, due: str = "a tensor") -> str | None:
    """A complaint about values that are no numbers, such as None or texts."""
    if answer is None:
        return "it returned None: is `return` missing?"
    if answer is Ellipsis or answer is NotImplemented:
        return "it is still empty: write its body"
    if isinstance(answer, tuple) and hasattr(answer, "indices"):
        return f"{due} is due, and it returned the pair (values, indices): take its .values"
    if isinstance(answer, (Tensor, np.ndarray, Number, list, tuple)):
        try:
            kind = as_array(answer).dtype
        except (ValueError, TypeError):
            return "the parts of the list that it returned differ in shape: return one tensor"
        if kind.kind in "biuf":
            return None
        if isinstance(answer, int):
            return "the whole number that it returned is too large by far: is there a power (**) in place of a product?"
        kinds = {"c": "complex numbers", "O": "Python objects"}
        return f"real numbers are due, and it returned {kinds.get(kind.kind, kind)}"
    if hasattr(answer, "cr_await"):
        answer.close()  # else Python warns that it was never awaited
    cure = next((words for sign, words in CURES.items() if hasattr(answer, sign)), "")
    return f"{due} is due, and it returned {type(answer).__name__}{cure}"


def is_data(x: Any) -> bool:
    """Whether a value is a tensor or an array."""
    return isinstance(x, (Tensor, np.ndarray))


def as_array(answer: Any) -> Any:
    """The numbers of an answer, which may be a Tensor, an array, a number, or lists of these."""
    if isinstance(answer, Tensor):
        return answer.detach().cpu().numpy()
    if isinstance(answer, (list, tuple)):
        return np.array([as_array(part) for part in answer])
    return np.asarray(answer)


def _describe_sequences(answer: Any, right: Any, tolerance: float) -> str | None:
    kind = "list" if isinstance(right, list) else "tuple"
    if is_data(answer):
        if any(as_array(part).ndim >= answer.ndim for part in right):
            return f"a {kind} of {len(right)} is due, and it returned one tensor of shape {tuple(answer.shape)}"
        answer = list(answer)
    if not isinstance(answer, (tuple, list)):
        return refuse_what_is_no_number(answer) or f"a {kind} is due, and it returned {type(answer).__name__}"
    if len(answer) != len(right):
        return f"a {kind} of {len(right)} is due, and it returned {len(answer)}"
    if len(right) == 2 and _describe_sequences_in_order(answer[::-1], right, tolerance) is None:
        same = _describe_sequences_in_order(answer, right, tolerance) is None
        return None if same else f"both parts of the {kind} are right, but in the wrong order"
    return _describe_sequences_in_order(answer, right, tolerance)


def _describe_sequences_in_order(answer: Any, right: Any, tolerance: float) -> str | None:
    kind = "list" if isinstance(right, list) else "tuple"
    for i, (a, r) in enumerate(zip(answer, right, strict=True)):
        if complaint := describe_difference(a, r, tolerance):
            return f"at position {i} of the {kind}: {complaint}"
    return None


def describe_shapes(wrong: tuple[int, ...], right: tuple[int, ...]) -> str:
    """The probable reason for a wrong shape, as the end of a sentence; "" if unknown."""
    if len(wrong) == len(right) and sorted(wrong) == sorted(right):
        return ": the axes are in another order"
    if tuple(n for n in wrong if n != 1) == tuple(n for n in right if n != 1):
        return ": an axis of size 1 too many, or too few"
    if len(wrong) == len(right) + 1 and wrong[1:] == right:
        return ": is a sum over the first axis missing?"
    if not wrong:
        return ": it is one number (if `return` stands inside a loop, it ends the loop)"
    if prod(wrong) == prod(right):
        return ": as many numbers as are due, in another shape"
    if len(right) > 2 and (1, *right[1:]) == wrong:
        return ": along the first axis one is left; was it summed there?"
    if len(wrong) == len(right) and sum(a != b for a, b in zip(wrong, right, strict=True)) <= 2:
        off = {a - b for a, b in zip(wrong, right, strict=True)} - {0}
        if off <= {1, -1}:
            return ": off by one"
    return ""


def _sort_as(r: Any, a: Any, axis: int, tolerance: float) -> Any:
    """`r` with its slices along an axis in the order in which they stand in `a`; as it is if `a` has others."""
    slices, others = np.moveaxis(r, axis, 0), np.moveaxis(a, axis, 0)
    order: list[int] = []
    for other in others:
        close = [i for i, one in enumerate(slices) if i not in order and np.allclose(one, other, tolerance, tolerance)]
        if not close:
            return r
        order.append(close[0])
    return np.take(r, order, axis)


def _find_end(a: Any, wrong: Any) -> tuple[int, ...]:
    """The index of the last right number, if those before it along all axes are right, and all others 0; else ()."""
    if wrong.all() or np.any(a[wrong] != 0):
        return ()
    last = np.argwhere(~wrong).max(axis=0)
    box = tuple(slice(0, int(i) + 1) for i in last)
    return () if wrong[box].any() else tuple(map(int, last))


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
    for axis in range(r.ndim):
        if r.shape[axis] > 2 and same(_sort_as(r, a, axis, tolerance)):
            return f"all is right but for the order along axis {axis}"
    wrong = ~np.isclose(a, r, rtol=tolerance, atol=tolerance)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    difference = a - r
    if a.size > 3 and np.allclose(difference, difference.flat[0], rtol=tolerance, atol=tolerance):
        return "all numbers are off by the same amount"
    count = f"1 of {a.size} numbers is" if wrong.sum() == 1 else f"{int(wrong.sum())} of {a.size} numbers are"
    if ended := _find_end(a, wrong):
        return f"all is right up to index {ended}, and 0 after it{LOOP}"
    scale = float(np.abs(r).max())
    if a.size > 3 and 0 < scale < np.inf and np.allclose(a, r, rtol=0.01, atol=0.01 * scale):
        return f"{count} close to the right one, but off by more than rounding, the first at index {first}"
    return f"{count} wrong, the first at index {first}, where it says {a[first]:.4g}"
