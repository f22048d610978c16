"""Tensors of random numbers: the same numbers as PyTorch's for the same `manual_seed`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigrad import backend, dtypes, random
from minigrad.autograd.core import Tensor, TensorBase, value_of
from minigrad.autograd.failed_calls import check_same_library, names_options
from minigrad.autograd.recording import operation
from minigrad.autograd.views import is_in_graph
from minigrad.backend import store
from minigrad.creation.filled import as_list, check_countable, creates, read_size
from minigrad.creation.memory_order import follow_memory, in_memory_order
from minigrad.generator import Generator
from minigrad.ops.arguments import as_int, as_number, as_size
from minigrad.ops.out import require_receiver, write_out
from minigrad.ops.writes import check_memory


@creates
def rand(*size: Any, generator: Any = None, xp: Any, dtype: Any) -> Any:
    """Uniform numbers in [0, 1): ``rand(2, 3)`` or ``rand((2, 3))``.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    return random.source_of(generator, xp).uniform(read_size("rand", size, dtype), dtype)


@creates
def randn(*size: Any, generator: Any = None, xp: Any, dtype: Any) -> Any:
    """Numbers of the standard normal distribution: ``randn(2, 3)`` or ``randn((2, 3))``.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    return random.source_of(generator, xp).normal(read_size("randn", size, dtype), dtype)


@partial(creates, usual=lambda: dtypes.int64)
def randint(low: Any = 0, high: Any = None, size: Any = None, *, generator: Any = None, xp: Any, dtype: Any) -> Any:
    """Integers from `low` to below `high`: ``randint(high, size)`` or ``randint(low, high, size)``.

    Raises TypeError for bounds that are no ints and a size that is no list, RuntimeError for an empty range.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint(0, 10, (4,))
    tensor([4, 9, 3, 0])
    """
    if size is None and isinstance(high, (tuple, list)):  # randint(high, size)
        low, high, size = 0, low, high
    elif high is None:  # randint(high, size=size)
        low, high = 0, low
    if size is None:
        raise TypeError("randint() takes randint(high, size) or randint(low, high, size), size a tuple")
    if as_int(low, "low") < -(2**63) or as_int(high, "high") >= 2**63:
        raise ValueError(f"randint(): bounds must fit into int64, got {low} and {high}")
    shape = read_size("randint", (as_list("randint", size),), dtype)
    return random.source_of(generator, xp).randint(low, high, shape, dtype)


@partial(creates, usual=lambda: dtypes.int64)
def randperm(n: int, *, generator: Any = None, xp: Any, dtype: Any) -> Any:
    """The integers 0 to n-1 in random order.

    >>> import minigrad as torch
    >>> torch.randperm(4).sort().values
    tensor([0, 1, 2, 3])
    """
    n = as_size(n, "n")
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    check_countable((n,), dtype)
    return random.source_of(generator, np if generator is None else xp).permutation(n, dtype)


@creates
def _normal(mean: Any, std: Any, size: Any, *, generator: Any = None, xp: Any, dtype: Any) -> Any:
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    shape = read_size("normal", (as_list("normal", size),), dtype)
    return random.source_of(generator, xp).normal(shape, dtype, mean, std)


# As in PyTorch, the gradient of random numbers with respect to the parameters is zero.
_unmoved = operation("normal", lambda *given, drawn: drawn, lambda g: g * 0)


@names_options
def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, out: Any = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normal random numbers; mean and standard deviation are numbers, with a `size`, or tensors.

    Raises RuntimeError for a negative standard deviation and shapes that do not broadcast.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.normal(torch.tensor([0.0, 100.0]), 1.0)
    tensor([ 1.5410, 99.7066])
    """
    if size is not None:
        mean, std = as_number("normal", "mean", mean), as_number("normal", "std", std)
        return _normal(
            mean, std, size, generator=generator, out=out, dtype=dtype, layout=layout, device=device,
            requires_grad=requires_grad,
        )  # fmt: skip
    given = [x for x in (mean, std) if isinstance(x, TensorBase)]
    if not given:
        raise TypeError("normal() of two numbers needs a size: normal(0.0, 1.0, (2, 3))")
    from minigrad.creation.foreign import as_tensor

    place = backend.device_of(given[0].array) if device is None else device
    if out is not None:
        require_receiver("normal", out)
        generator = follow_memory(generator, out)
    precision = (given[0] if out is None else out).array.dtype
    around = backend.on_gpu_of(given[0], _draw_around, mean, std, given, generator, precision)
    drawn = as_tensor(around, dtype, place)
    needed = [x for x in given if is_in_graph(x)]
    made: Any = _unmoved(*needed, drawn=drawn.array) if needed else drawn
    return made if out is None else write_out("normal", out, made, ())


def _draw_around(mean: Any, std: Any, given: list[TensorBase], generator: Any, dtype: Any) -> Any:
    """An array of normal random numbers, where the mean, the standard deviation or both are tensors (`given`)."""
    shapes = [x.array.shape for x in given]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(f"normal(): shapes of mean and std do not broadcast: {shapes}") from None
    check_same_library("normal", [x.array for x in given])
    shift, scale = value_of(mean), value_of(std)
    if not np.greater_equal(scale, 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    # As in PyTorch, a number `std` is passed to the generator; a tensor scales the numbers afterwards.
    scales = isinstance(std, TensorBase)
    source = random.source_of(generator, backend.array_module(given[0].array))
    drawn = source.normal(shape, dtype, 0.0, 1.0 if scales else scale)
    values = backend.to_device(drawn, backend.device_of(given[0].array))
    if scales:
        values = values * scale.astype(dtype)
    return (values + shift).astype(dtype)


# ---- numbers for a tensor that is there ---------------------------------------------------------------
def draw_in_order(array: Any, draw: Callable[[Generator, tuple[int, ...]], Any], generator: Any = None) -> Any:
    """What `draw(source, shape)` makes on the device of `array`, in its memory order."""

    def run(shape: tuple[int, ...]) -> Any:
        drawn = draw(random.source_of(generator, backend.array_module(array)), shape)
        return backend.to_device(drawn, backend.device_of(array))

    if array.flags.c_contiguous:
        return backend.on_gpu_of(array, run, array.shape)
    return in_memory_order(array, lambda shape: backend.on_gpu_of(array, run, shape))


def draw_start(parameter: Any, bound: float) -> None:
    """Draws the values that a layer's parameter starts with from U(-bound, bound), outside the graph."""
    array = parameter.array
    if not array.flags.c_contiguous:
        check_memory(array, "uniform_")
    drawn = draw_in_order(array, lambda source, shape: source.uniform(shape, array.dtype, -bound, bound))
    parameter.writes[0] += 1
    store(array, ..., drawn)
