"""`zeros_like` and its relatives: new tensors with the shape, dtype, device and memory format of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minigrad import backend, devices, dtypes
from minigrad.creation.filled import empty_in_order
from minigrad.creation.options import check_options, place
from minigrad.layout import find_memory_order, order_axes, preserve_format
from minigrad.ops.arguments import as_int, as_number, require_tensor

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


def empty_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: Any = preserve_format,
) -> Tensor:  # fmt: skip
    """An uninitialized tensor with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.empty_like(torch.ones(2, 3).t()).stride()
    (1, 3)
    """
    return _make_like("empty_like", input, dtype, layout, device, requires_grad, memory_format)


def zeros_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: Any = preserve_format,
) -> Tensor:  # fmt: skip
    """Zeros with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.zeros_like(torch.ones(2))
    tensor([0., 0.])
    """
    return _make_like(
        "zeros_like", input, dtype, layout, device, requires_grad, memory_format, lambda x: x.array.fill(0)
    )


def ones_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: Any = preserve_format,
) -> Tensor:  # fmt: skip
    """Ones with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.ones_like(torch.zeros(2))
    tensor([1., 1.])
    """
    return _make_like(
        "ones_like", input, dtype, layout, device, requires_grad, memory_format, lambda x: x.array.fill(1)
    )


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = preserve_format,
) -> Tensor:  # fmt: skip
    """A tensor filled with one number, with the shape, dtype, device and memory format of `input`.

    Raises RuntimeError for a number that the dtype does not hold.

    >>> import minigrad as torch
    >>> torch.full_like(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    number = as_number("full_like", "fill_value", fill_value)
    return _make_like(
        "full_like", input, dtype, layout, device, requires_grad, memory_format, lambda x: x.fill_(number)
    )


def rand_like(
    input: Tensor, *, generator: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = preserve_format,
) -> Tensor:  # fmt: skip
    """Uniform numbers in [0, 1) with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.rand_like(torch.zeros(2, 3)).shape
    minigrad.Size([2, 3])
    """
    return _make_like(
        "rand_like", input, dtype, layout, device, requires_grad, memory_format,
        lambda x: x.uniform_(generator=generator),
    )  # fmt: skip


def randn_like(
    input: Tensor, *, generator: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = preserve_format,
) -> Tensor:  # fmt: skip
    """Numbers of the standard normal distribution with the shape, dtype, device and memory format of `input`.

    >>> import minigrad as torch
    >>> torch.randn_like(torch.zeros(2, 3)).shape
    minigrad.Size([2, 3])
    """
    return _make_like(
        "randn_like", input, dtype, layout, device, requires_grad, memory_format,
        lambda x: x.normal_(generator=generator),
    )  # fmt: skip


def randint_like(
    input: Tensor, low: Any, high: Any = None, *, generator: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = preserve_format,
) -> Tensor:  # fmt: skip
    """Integers from `low` to below `high` (one number: from 0) with the shape, dtype and device of `input`.

    >>> import minigrad as torch
    >>> torch.randint_like(torch.zeros(2, 3), 10).shape
    minigrad.Size([2, 3])
    """
    bounds = [as_int(x, "randint_like(): a bound") for x in ((0, low) if high is None else (low, high))]
    return _make_like(
        "randint_like", input, dtype, layout, device, requires_grad, memory_format,
        lambda x: x.random_(*bounds, generator=generator),
    )  # fmt: skip


def _make_like(
    name: str, input: Any, dtype: Any, layout: Any, device: Any, requires_grad: bool, memory_format: Any,
    fill: Callable[[Tensor], object] | None = None,
) -> Tensor:  # fmt: skip
    """A tensor with the properties of `input`, filled by `fill` if that is given."""
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
        array = empty_in_order(backend.library(where), shape, order, numpy_dtype)
        made = place(array, where, False)
        if fill is not None:
            fill(made)
    return made.requires_grad_() if requires_grad else made
