"""Reading the `dim` arguments of reductions and reshuffles, under PyTorch's and NumPy's names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import index
from typing import Any, TypeVar

from minigrad.autograd.core import TensorBase
from minigrad.ops.elementwise import not_a_tensor
from minigrad.ops.out import write_out
from minigrad.ops.spelling import respell
from minigrad.size import is_index

F = TypeVar("F", bound=Callable[..., Any])


def as_int(value: Any, name: str) -> int:
    """`value` as an int. Raises TypeError for what is no whole number, booleans among it."""
    if type(value) is int:
        return value
    if not is_index(value):
        raise TypeError(f"{name} must be an int, got {type(value).__name__} {value!r}")
    return index(value)


def axis(dim: Any, ndim: int, name: str = "dim") -> int:
    """`dim` counted from the front. Raises IndexError when the tensor has no such dimension."""
    if type(dim) is int and -ndim <= dim < ndim:  # nearly always
        return dim % ndim
    position = as_int(dim, name)
    limit = max(ndim, 1)  # a 0-d tensor is reduced as if it had one
    if not -limit <= position < limit:
        known = f"[{-limit}, {limit - 1}]"
        raise IndexError(f"Dimension out of range (expected to be in range of {known}, but got {position})")
    return position % limit


def axes(dim: Any, ndim: int) -> tuple[int, ...] | None:
    """The dimensions to reduce over; None means all of them."""
    if dim is None:
        return None
    if isinstance(dim, (tuple, list)):
        if not dim:
            return None
        found = tuple([axis(d, ndim) for d in dim])
        if len(set(found)) != len(found):
            raise RuntimeError(f"dim {list(dim)} names a dimension more than once")
        return found if ndim else None
    position = axis(dim, ndim)
    return (position,) if ndim else None


def numpy_names(function: F) -> F:
    """`function` of a tensor, with `out`, and `axis` and `keepdims` for `dim` and `keepdim`."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and not isinstance(args[0], TensorBase):
            raise not_a_tensor(function.__name__, "input", 1, args[0])
        if not kwargs:
            return function(*args)
        kwargs = respell(kwargs)
        if isinstance(kwargs.get("dim"), TensorBase) and not kwargs["dim"].array.ndim:
            kwargs["dim"] = index(kwargs["dim"].array)  # by its name it is no operand
        if (out := kwargs.pop("out", None)) is not None:
            return write_out(function.__name__, out, function(*args, **kwargs), args)
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]


def sizes(name: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """The ints of ``f(2, 3)``, ``f((2, 3))`` or ``f(Size([2, 3]))``."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    if shape and shape[0].__class__ is bool:  # as PyTorch, which looks at the first alone
        raise TypeError(f"{name}(): sizes must be ints, got bool {shape[0]} in {shape!r}")
    try:
        return tuple([index(n) for n in shape])
    except TypeError:
        wrong = next(n for n in shape if not isinstance(n, int))
        raise TypeError(f"{name}(): sizes must be ints, got {type(wrong).__name__} {wrong!r} in {shape!r}") from None
