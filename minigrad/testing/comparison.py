"""`assert_close`: raises an error if two results differ by more than a tolerance, and says where they differ most."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.tensor import Tensor

# PyTorch's (rtol, atol); numbers of another dtype must be equal
TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}
Words = str | Callable[[str], str] | None


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: Words = None,
) -> None:  # fmt: skip
    """Raises AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Tensors, arrays and numbers are compared, and sequences and mappings of them item by item. Without (rtol, atol)
    the dtype decides: (1.3e-6, 1e-5) for float32, (1e-7, 1e-7) for float64; ints and bools must be equal. Shapes,
    dtypes and devices must agree; `check_dtype=False` lets dtypes differ. `msg` replaces the error's text, or is a
    function of it.
    Raises TypeError for values that cannot be compared, ValueError if only one tolerance is given.
    Source: https://docs.pytorch.org/docs/stable/testing.html

    >>> import minigrad as torch
    >>> torch.testing.assert_close(torch.ones(2) / 3 * 3, torch.ones(2))
    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]))
    Traceback (most recent call last):
        ...
    AssertionError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 1.0 at index (1,) (up to 1e-05 allowed)
    Greatest relative difference: 0.3333333432674408 at index (1,) (up to 1.3e-06 allowed)
    """
    if (rtol is None) != (atol is None):
        lone = "atol" if atol is None else "rtol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {lone}.")
    if rtol is not None and atol is not None and not (rtol >= 0 and atol >= 0):
        raise ValueError(f"tolerances are not negative, got rtol={rtol}, atol={atol}")
    checks = {"device": check_device, "dtype": check_dtype, "layout": check_layout, "stride": check_stride}
    attributes = ["shape", *[name for name, wanted in checks.items() if wanted]]
    tolerances = None if rtol is None or atol is None else (rtol, atol)

    def compare(a: Any, b: Any, place: str) -> None:
        if isinstance(a, Sequence) and isinstance(b, Sequence) and not isinstance(a, str) and not isinstance(b, str):
            if len(a) != len(b):
                fail(f"The length of the sequences mismatch: {len(a)} != {len(b)}", place)
            for i, pair in enumerate(zip(a, b, strict=True)):
                compare(*pair, f"{place}[{i}]")
        elif isinstance(a, Mapping) and isinstance(b, Mapping):
            if (words := _compare_keys(a, b)) is not None:
                fail(words, place)
            for key in a:
                compare(a[key], b[key], f"{place}[{key!r}]")
        elif (words := _find_difference(a, b, allow_subclasses, attributes, tolerances, equal_nan)) is not None:
            fail(words, place)

    def fail(words: str, place: str) -> None:
        words += f"\n\nThe failure occurred for item {place}" if place else ""
        raise AssertionError(words if msg is None else msg(words) if callable(msg) else msg)

    compare(actual, expected, "")


def _compare_keys(actual: Mapping[Any, Any], expected: Mapping[Any, Any]) -> str | None:
    """The difference of the keys of two mappings; None if there is none."""
    lines = []
    if missing := [key for key in expected if key not in actual]:
        lines.append(f"Missing keys in the actual mapping: {sorted(missing)}")
    if additional := [key for key in actual if key not in expected]:
        lines.append(f"Additional keys in the actual mapping: {sorted(additional)}")
    return "\n".join(["The keys of the mappings do not match:", *lines]) if lines else None


def _find_difference(
    a: Any, b: Any, subclasses: bool, attributes: list[str], tolerances: tuple[float, float] | None, equal_nan: bool
) -> str | None:
    """The difference of two tensors, arrays, numbers or other values; None if there is none."""
    if a is None or b is None:
        return None if a is b else f"None mismatch: {a} is not {b}"
    if isinstance(a, (bool, np.bool_)) and isinstance(b, (bool, np.bool_)):
        return None if bool(a) == bool(b) else f"Booleans mismatch: {a} is not {b}"
    for kind in (Tensor, np.ndarray):
        if isinstance(a, kind) and isinstance(b, kind) and (subclasses or type(a) is type(b)):
            x, y = _as_tensor(a), _as_tensor(b)
            return _compare_attributes(x, y, attributes) or _compare_numbers(x, y, tolerances, equal_nan)
    if isinstance(a, (Number, np.number)) and isinstance(b, (Number, np.number)):
        a, b = [x.item() if isinstance(x, np.number) else x for x in (a, b)]
        if "dtype" in attributes and type(a) is not type(b):
            return f"The (d)types do not match: {type(a)} != {type(b)}."
        return _compare_numbers(_as_tensor(a), _as_tensor(b), tolerances, equal_nan)
    raise TypeError(f"No comparison pair was able to handle inputs of type {type(a)} and {type(b)}.")


def _as_tensor(value: Any) -> Tensor:
    """A tensor, an array or a number as a detached tensor."""
    return value.detach() if isinstance(value, Tensor) else wrap(np.asarray(value))


def _compare_attributes(a: Tensor, b: Tensor, attributes: list[str]) -> str | None:
    """The first attribute in which two tensors differ, in PyTorch's words; None if there is none."""
    for name in attributes:
        have, want = (x.stride() if name == "stride" else getattr(x, name) for x in (a, b))
        if have != want:
            shown = "stride()" if name == "stride" else name
            return f"The values for attribute '{shown}' do not match: {have} != {want}."
    return None


def _compare_numbers(a: Tensor, b: Tensor, tolerances: tuple[float, float] | None, equal_nan: bool) -> str | None:
    """The differences of the numbers of two tensors of one shape, in PyTorch's words."""
    x, y = (np.asarray(t.cpu().numpy()) for t in (a, b))
    kinds = [TOLERANCES.get(t.dtype.name, (0.0, 0.0)) for t in (a, b)]
    rtol, atol = tolerances or (max(kind[0] for kind in kinds), max(kind[1] for kind in kinds))
    common = np.result_type(x, y)
    exact = common.kind not in "fc"
    x, y = (v.astype(np.int64 if exact else common) for v in (x, y))
    with np.errstate(all="ignore"):
        apart = np.abs(x - y)
        fits = (x == y) | (apart <= atol + rtol * np.abs(y)) & np.isfinite(y)
        fits |= np.isnan(x) & np.isnan(y) if equal_nan and not exact else False
        apart = np.where(fits, 0, apart)
        divided = np.float32 if exact else common
        relative = np.where(fits, 0, apart.astype(divided) / np.abs(y).astype(divided))
    return None if fits.all() else _describe_differences(x, y, fits, apart, relative, rtol, atol)


def _describe_differences(x: Any, y: Any, fits: Any, apart: Any, relative: Any, rtol: float, atol: float) -> str:
    """The number of differences and the largest one; without tolerances numbers must be equal."""
    verdict = f"are not {'close' if rtol or atol else 'equal'}!"
    limits = (f" (up to {atol} allowed)", f" (up to {rtol} allowed)") if rtol or atol else ("", "")
    if not apart.ndim:
        share = apart.item() / abs(y.item()) if y else math.inf
        return (
            f"Scalars {verdict}\n\nExpected {y.item()} but got {x.item()}.\n"
            f"Absolute difference: {apart.item()}{limits[0]}\nRelative difference: {share}{limits[1]}"
        )
    wrong = int((~fits).sum())
    lines = [f"Tensor-likes {verdict}", "", f"Mismatched elements: {wrong} / {fits.size} ({wrong / fits.size:.1%})"]
    for kind, values, limit in (("absolute", apart, limits[0]), ("relative", relative, limits[1])):
        worst = int(np.argmax(values))  # a NaN counts as the largest
        place = tuple(int(i) for i in np.unravel_index(worst, values.shape))
        lines.append(f"Greatest {kind} difference: {values.flat[worst].item()} at index {place}{limit}")
    return "\n".join(lines)
