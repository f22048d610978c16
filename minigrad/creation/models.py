"""`zeros_like` and its relatives: new tensors with the shape, dtype, device and memory format of another."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minigrad import backend, devices, dtypes
from minigrad.autograd.core import wrap
from minigrad.creation.filled import empty_in_order
from minigrad.creation.options import check_options, make_signature
from minigrad.layout import find_memory_order, order_axes, preserve_format
from minigrad.ops.arguments import as_int, as_number, require_tensor
from minigrad.ops.elementwise import rename

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


def like(fill: Callable[..., object]) -> Callable[..., Tensor]:
    """Makes a function of `fill(made, *arguments)`: it fills a new tensor with the properties of the argument `input`.

    It adds the keywords that these functions share.
    """
    name = fill.__name__

    def call(
        input: Tensor,
        *args: Any,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = preserve_format,
        **options: Any,
    ) -> Tensor:
        require_tensor(name, "input", 1, input)
        check_options(name, layout, requires_grad)
        numpy_dtype = input.array.dtype if dtype is None else dtypes.as_numpy(dtype)
        where = backend.device_of(input.array) if device is None else devices.device(device)
        shape, strides = input.array.shape, input.array.strides
        if memory_format in (None, preserve_format):
            order: Any = find_memory_order(shape, [abs(step) for step in strides])
        else:
            order = order_axes(name, memory_format, len(shape))
        with backend.on(where):
            made: Tensor = wrap(empty_in_order(backend.library(where), shape, order, numpy_dtype))
            fill(made, *args, **options)
        return made.requires_grad_() if requires_grad else made

    _, *own = inspect.signature(fill).parameters.items()
    first = inspect.signature(call).parameters["input"]
    call.__module__ = "minigrad"  # where pickle finds it
    call.__signature__ = make_signature({"input": first, **dict(own)}, call)  # type: ignore[attr-defined]
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
