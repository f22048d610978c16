"""`zeros`, `ones`, `full`, `empty`, and what all creation functions share: their keywords, and how a size is read."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from minigrad import backend, devices, dtypes
from minigrad.autograd.core import Tensor, wrap
from minigrad.autograd.failed_calls import FAILURES, explain_failure
from minigrad.autograd.overriding import ask, never_overriding
from minigrad.layout import contiguous_format, invert, order_axes
from minigrad.layout import layout as layouts
from minigrad.ops.arguments import as_number, require_bools, sizes
from minigrad.ops.describe import rename
from minigrad.ops.out import require_receiver, write_out
from minigrad.shown_values import shorten, show_value


def place(array: Any, device: Any, requires_grad: bool) -> Tensor:
    """A tensor around `array`, moved to `device` (or the default one)."""
    where = devices.default_device() if device is None else devices.device(device)
    if where.type != "cpu" or type(array) is not np.ndarray:
        array = backend.to_device(array, where)
    made: Tensor = wrap(array)
    return made.requires_grad_() if requires_grad else made


def creates(
    function: Callable[..., Any], in_row: bool = False, usual: Callable[[], Any] = dtypes.get_default_dtype
) -> Callable[..., Tensor]:
    """Makes a creation function of `function(*arguments, xp, dtype)`, which returns an array.

    It adds the keywords that PyTorch's creation functions share. `xp` is the array library of the device; the array may
    also be NumPy's, and is then moved. `dtype` is NumPy's: of the one that the user gives, else of `usual()`, which may
    be None. `in_row` fills an `out` of any shape in order. A `generator` draws in the memory order of an `out`.
    """
    name = function.__name__.lstrip("_")
    own = inspect.signature(function).parameters
    by_name = any(p.kind is p.VAR_POSITIONAL and p.name == "size" for p in own.values())  # zeros(size=(2, 3)) too

    def call(
        *args: Any, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, pin_memory: bool = False, **options: Any
    ) -> Tensor:  # fmt: skip
        if not never_overriding:  # a mode is on
            given = {**options, "out": out, "dtype": dtype, "device": device, "requires_grad": requires_grad or None}
            if (answer := ask(call, args, given)) is not NotImplemented:
                return answer
        if layout is not None or requires_grad.__class__ is not bool:
            check_options(name, layout, requires_grad)
        if by_name and "size" in options:
            args = (*args, as_list(name, options.pop("size")))
        if out is not None:
            dtype, device = _follow(out, name, dtype, device)
            if "generator" in own:
                options["generator"] = _follow_memory(options.get("generator"), out)
        where = devices.default_device() if device is None else devices.device(device)
        chosen = usual() if dtype is None else dtype
        try:
            options["dtype"] = None if chosen is None else dtypes.as_numpy(chosen)
            if where.type == "cpu":
                array = backend.quiet(function, *args, xp=np, **options)
            else:
                array = _compute_on(where, function, args, options)
        except FAILURES as refused:
            explain_failure(refused, call)
            raise
        made: Any = wrap(array).requires_grad_() if requires_grad else wrap(array)
        return made if out is None else _fill(name, out, made, in_row)

    call.__module__ = "minigrad"  # where pickle finds it
    call.__signature__ = make_signature(own, call)  # type: ignore[attr-defined]
    return rename(call, name, function.__doc__)


def _follow(out: Any, name: str, dtype: Any, device: Any) -> tuple[Any, Any]:
    """The dtype and the device of what is made for `out`: its own, unless the user names them."""
    require_receiver(name, out)
    return (out.dtype, out.device) if dtype is None else (dtype, device)


def _follow_memory(generator: Any, out: Any) -> Any:
    """The generator that draws in the memory order of `out`."""
    from minigrad.creation.memory_order import follow_memory

    return follow_memory(generator, out)


def _compute_on(where: Any, function: Callable[..., Any], args: Any, options: Any) -> Any:
    """What `function` makes on a GPU, or elsewhere for it."""
    with backend.on(where):
        return backend.to_device(backend.quiet(function, *args, xp=backend.library(where), **options), where)


def _fill(name: str, out: Any, made: Any, in_row: bool) -> Any:
    """`out`, holding what was `made`; `in_row` in the order of its elements, whatever its shape."""
    if in_row and out.array.size == made.array.size:
        made.array = made.array.reshape(out.array.shape)
    return write_out(name, out, made, ())


def make_signature(own: Any, call: Any, without: str = "") -> inspect.Signature:
    """The public signature: a function's `own` parameters, and the keywords that `call` adds to it, `without` one."""
    kept = [p for name, p in own.items() if name not in ("xp", "dtype") and p.kind is not p.VAR_KEYWORD]
    first = [p for p in kept if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    named = [p for p in kept if p.kind is inspect.Parameter.KEYWORD_ONLY]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=call.__annotations__[name])
        for name, default in call.__kwdefaults__.items()
        if name != without
    ]
    return inspect.Signature([*first, *named, *shared], return_annotation="Tensor")


def check_options(name: str, layout: Any, requires_grad: Any) -> None:
    """Raises TypeError for a layout or a `requires_grad` of another type."""
    require_bools(name, requires_grad=requires_grad)
    if layout is not None and not isinstance(layout, layouts):
        raise TypeError(f"{name}(): argument 'layout' must be minigrad.strided, not {show_value(layout)}")


def as_list(name: str, size: Any) -> Any:
    """`size`, which must be a list of ints; raises for a single int."""
    if not isinstance(size, (tuple, list)):
        from minigrad.ops.complaints import no_list_of_lengths

        raise no_list_of_lengths(name, size)
    return size


def read_size(name: str, size: tuple[Any, ...], numpy_dtype: Any, first: str = "") -> tuple[int, ...]:
    """The shape given as ``f(2, 3)`` or ``f((2, 3))``, for elements of `numpy_dtype`.

    Raises TypeError unless these are ints, RuntimeError for sizes beyond any memory and for negative ones, which begins
    with the words `first`.
    """
    shape = sizes(name, size)
    if shape and min(shape) < 0:
        raise RuntimeError(f"{first}Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    check_countable(shape, numpy_dtype)
    return shape


def check_countable(shape: tuple[int, ...], numpy_dtype: Any) -> None:
    """Raises for a size of more bytes than a pointer can address, for which NumPy raises ValueError."""
    if numpy_dtype.itemsize * prod(shape if 0 not in shape else [n or 1 for n in shape]) >= 2**63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={shorten(list(shape))}")


# ---- tensors filled with one number, or with none ------------------------------------------------
@creates
def zeros(*size: Any, xp: Any, dtype: Any) -> Any:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``.

    Raises RuntimeError for negative sizes, TypeError for sizes that are no ints.

    >>> import minigrad as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return xp.zeros(read_size("zeros", size, dtype, "zeros: Dimension size must be non-negative. "), dtype)


@creates
def ones(*size: Any, xp: Any, dtype: Any) -> Any:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``.

    >>> import minigrad as torch
    >>> torch.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return xp.ones(read_size("ones", size, dtype), dtype)


@creates
def empty(*size: Any, memory_format: Any = contiguous_format, xp: Any, dtype: Any) -> Any:
    """An uninitialized tensor: ``empty(2, 3)`` or ``empty((2, 3))``.

    >>> import minigrad as torch
    >>> torch.empty(2, 3).shape
    minigrad.Size([2, 3])
    """
    shape = read_size("empty", size, dtype)
    if memory_format is contiguous_format:
        return xp.empty(shape, dtype)
    return empty_in_order(xp, shape, order_axes("empty", memory_format, len(shape)), dtype)


def empty_in_order(xp: Any, shape: Any, order: Any, numpy_dtype: Any) -> Any:
    """An uninitialized array of `shape` with its axes in memory in the order `order`, the outermost first."""
    if [*order] == [*range(len(shape))]:  # nearly always
        return xp.empty(shape, numpy_dtype)
    array = xp.empty([shape[axis] for axis in order], numpy_dtype)  # axes in memory order
    return array.transpose(invert(order))  # axes in their own order


@partial(creates, usual=lambda: None)  # that of the number
def full(size: Any, fill_value: Any, *, xp: Any, dtype: Any) -> Any:
    """A tensor of `size` filled with one number, of that number's type unless `dtype` is given.

    >>> import minigrad as torch
    >>> torch.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    value = as_number("full", "fill_value", fill_value)
    dtype = dtypes.result_type([value]) if dtype is None else dtype
    shape = read_size("full", (as_list("full", size),), dtype)
    return xp.full(shape, dtypes.scalar(value, dtype, round_to_infinity=prod(shape) == 1), dtype)
