"""`zeros_like` and its relatives: new tensors with the shape, dtype, device and memory format of another."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from minigrad import backend, dtypes
from minigrad.autograd.core import Tensor, plain_classes, wrap
from minigrad.creation.filled import creates, empty_in_order, make_signature
from minigrad.layout import find_memory_order, order_axes, preserve_format
from minigrad.ops.arguments import as_int, as_number
from minigrad.ops.complaints import ask_or_refuse
from minigrad.ops.describe import rename


@lru_cache(maxsize=256)
def _order_in_memory(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(find_memory_order(shape, [abs(step) for step in strides]))


def like(fill: Callable[..., object]) -> Callable[..., Tensor]:
    """Makes a function of `fill(made, *arguments)`: it fills a new tensor with the properties of the argument `input`.

    It has the keywords of `creates`, except `out`, and `memory_format`.
    """
    name = fill.__name__

    def make(input: Any, *args: Any, xp: Any, dtype: Any, memory_format: Any, **options: Any) -> Any:
        shape, strides = input.array.shape, input.array.strides
        if memory_format in (None, preserve_format):
            order: Any = _order_in_memory(shape, strides)
        else:
            order = order_axes(name, memory_format, len(shape))
        made = wrap(empty_in_order(xp, shape, order, dtype))
        fill(made, *args, **options)
        return made.array

    create: Any = creates(rename(make, name))

    def call(input: Tensor, *args: Any, memory_format: Any = preserve_format, **options: Any) -> Tensor:
        if input.__class__ not in plain_classes:
            answer = ask_or_refuse(call, (input, *args), {"memory_format": memory_format, **options})
            if answer is not NotImplemented:
                return answer
        if "out" in options:
            raise TypeError(f"{name}() got an unexpected keyword argument 'out'")
        if options.get("dtype") is None:
            options["dtype"] = dtypes.from_numpy(input.array.dtype)
        if options.get("device") is None:
            options["device"] = backend.device_of(input.array)
        return create(input, *args, memory_format=memory_format, **options)

    of_call, of_fill = inspect.signature(call).parameters, [*inspect.signature(fill).parameters.items()][1:]
    own = {"input": of_call["input"], **dict(of_fill), "memory_format": of_call["memory_format"]}
    call.__module__ = "minigrad"  # where pickle finds it
    call.__signature__ = make_signature(own, create, without="out")  # type: ignore[attr-defined]
    return rename(call, name, fill.__doc__)


@like
def empty_like(made: Tensor) -> None:
    """An uninitialized tensor with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.empty_like(torch.ones(2, 3).t()).stride()
    (1, 3)
    """


@like
def zeros_like(made: Tensor) -> None:
    """Zeros with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.zeros_like(torch.ones(2))
    tensor([0., 0.])
    """
    made.array.fill(0)


@like
def ones_like(made: Tensor) -> None:
    """Ones with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.ones_like(torch.zeros(2))
    tensor([1., 1.])
    """
    made.array.fill(1)


@like
def full_like(made: Tensor, fill_value: Any) -> None:
    """A tensor filled with one number, with the shape, dtype, device and memory format of `input`.

    Raises RuntimeError for a number that the dtype does not hold.

    >>> import minigrad as torch
    >>> torch.full_like(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    made.fill_(as_number("full_like", "fill_value", fill_value))


@like
def rand_like(made: Tensor, *, generator: Any = None) -> None:
    """Uniform numbers in [0, 1) with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.rand_like(torch.zeros(2, 3)).shape
    minigrad.Size([2, 3])
    """
    made.uniform_(generator=generator)


@like
def randn_like(made: Tensor, *, generator: Any = None) -> None:
    """Numbers of the standard normal distribution with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.randn_like(torch.zeros(2, 3)).shape
    minigrad.Size([2, 3])
    """
    made.normal_(generator=generator)


@like
def randint_like(made: Tensor, low: Any, high: Any = None, *, generator: Any = None) -> None:
    """Integers from `low` to below `high` (one number: from 0) with the shape, dtype and device of `input`.

    >>> import minigrad as torch
    >>> torch.randint_like(torch.zeros(2, 3), 10).shape
    minigrad.Size([2, 3])
    """
    bounds = [as_int(x, "randint_like(): a bound") for x in ((0, low) if high is None else (low, high))]
    made.random_(*bounds, generator=generator)
