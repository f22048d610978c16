"""`vmap`: turns a function of one example into one of a batch, by calling it for each example and stacking the results.

Source: https://docs.pytorch.org/docs/stable/generated/torch.vmap.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from minigrad.autograd.core import KEEP
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.modes import ModeSwitch
from minigrad.autograd.trees import flatten, structure
from minigrad.backend import array_module
from minigrad.ops.join import cat, stack
from minigrad.ops.rearranging import movedim
from minigrad.random import keep_states, restore_states
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor

Axes = int | tuple[Any, ...] | list[Any] | dict[str, Any] | None


@names_options
def vmap(
    func: Callable[..., Any], in_dims: Axes = 0, out_dims: Axes = 0, randomness: str = "error", *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """`func` of every example along an axis: results are stacked along the axes `out_dims`; None: all are the same.

    `in_dims` says which axis of each argument counts the examples, None that all see the whole of it, as they do of
    keyword arguments; one for all or nested like the arguments. It nests, and goes together with `grad`, `jacrev` and
    the like. It costs as much as a loop: `func` is called once an example, so a function that takes batches itself is
    quicker. With `randomness` 'different' every example draws anew, with 'same' all see the same draws, and 'error'
    refuses draws. If there are no examples, `func` is called once, with zeros, for the shapes of its results.
    Raises ValueError for arguments and results that do not fit, RuntimeError for a write to an argument that all
    examples see. `chunk_size` means nothing here.

    >>> import minigrad as torch
    >>> torch.vmap(torch.dot)(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.ones(2, 2))
    tensor([3., 7.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {shorten(randomness, str)}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        values, rebuild = flatten((args, kwargs))
        named = [None] * len(flatten(kwargs)[0])  # keyword arguments are the same for every example
        given = in_dims if isinstance(in_dims, int) else _list_as_tuple(in_dims)
        dims = [*_spread("in_dims", given, args), *named]
        count, states = _count_examples(values, dims), keep_states()
        results = []
        for i, example in enumerate(_cut_examples(values, dims, count)):
            is_last = i >= count - 1
            arguments, named_arguments = rebuild(example)
            with ModeSwitch(set_flags=0 if is_last else KEEP):
                results.append(func(*arguments, **named_arguments))
            if randomness == "same" and not is_last:
                restore_states(states)
        if randomness == "error":
            _refuse_draws(states)
        return _stack(results, out_dims, count)

    return mapped


def _cut_examples(values: list[Any], dims: list[Any], count: int) -> Iterator[list[Any]]:
    """Yields what each example sees of the arguments. Raises RuntimeError if it has written to what the next one sees.

    If there are no examples, one of zeros tells what the function returns.
    """
    if not count:
        values = [x if d is None else _append_zeros(x, d) for x, d in zip(values, dims, strict=True)]
    shared = [(x, x.writes[0]) for x, d in zip(values, dims, strict=True) if d is None and isinstance(x, Tensor)]
    for i in range(count or 1):
        yield [x if d is None else x.select(d, i) for x, d in zip(values, dims, strict=True)]
        _refuse_writes(shared)


def _list_as_tuple(dims: Axes) -> Any:
    return tuple(dims) if isinstance(dims, list) else dims


def _spread(name: str, dims: Any, tree: Any) -> list[Any]:
    """One axis for each leaf of `tree`, from a single axis, or a tree of the same structure or a prefix of it."""
    leaves, _ = flatten(tree)
    if dims is None or isinstance(dims, int):
        return [dims] * len(leaves)
    children = list(tree.values()) if isinstance(tree, dict) else tree
    given = list(dims.values()) if isinstance(dims, dict) else dims
    if not isinstance(dims, type(tree)) or len(given) != len(children):
        raise ValueError(f"vmap: {name}={dims} is not compatible with the structure {structure(tree)}")
    return [d for part, child in zip(given, children, strict=True) for d in _spread(name, part, child)]


def _count_examples(values: list[Any], dims: list[Any]) -> int:
    """The number of examples in the arguments."""
    if not values:
        raise ValueError("vmap(func)(<inputs>): got no inputs. Maybe you forgot to add inputs")
    counts = []
    for i, (x, d) in enumerate(zip(values, dims, strict=True)):
        if d is None:
            continue
        if not isinstance(x, Tensor):
            detail = "We cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
            raise ValueError(f"vmap: Got in_dim={d} for an input but the input is of type {type(x)}. {detail}")
        if not -x.ndim <= d < x.ndim:
            raise ValueError(
                f"vmap: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.ndim} so "
                f"expected in_dim to satisfy {-x.ndim} <= in_dim < {x.ndim} (argument {i})"
            )
        counts.append(x.shape[d])
    if not counts:
        raise ValueError("vmap: at least one of in_dims must not be None: nothing counts the examples")
    if len(set(counts)) > 1:
        raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got {counts}")
    return int(counts[0])


def _append_zeros(x: Any, dim: int) -> Any:
    """`x` with one more example along `dim`, so that what is computed of it stays in the graph of `x`."""
    shape = list(x.shape)
    shape[dim] = 1
    return cat([x, x.new_zeros(shape)], dim)


def _refuse_writes(shared: list[tuple[Tensor, int]]) -> None:
    """Raises RuntimeError if an example has written to a tensor that the next one would see changed."""
    for x, version in shared:
        if x.writes[0] != version:
            raise RuntimeError(
                f"vmap: inplace arithmetic is not possible on the argument of shape {tuple(x.shape)} that all examples "
                "see (its in_dims is None): each would see what the one before has written. Write to a copy, x.clone()"
            )


def _refuse_draws(states: Any) -> None:
    """Raises RuntimeError if a default generator was used since `states`."""
    for generator, state in states:
        if (generator.get_state() != state).any():
            restore_states(states)  # what is refused has drawn nothing
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )


def _take_common(results: tuple[Tensor, ...]) -> Tensor:
    """The result that all examples share. Raises ValueError if they differ."""
    first = results[0]
    for i, other in enumerate(results):
        if other is not first and not array_module(first.array).array_equal(first.array, other.array, equal_nan=True):
            detail = f"when out_dim is None: examples 0 and {i} gave different results; out_dims=0 stacks them"
            raise ValueError(f"vmap: the function can not return a BatchedTensor {detail}")
    return first


def _stack(results: list[Any], out_dims: Any, count: int) -> Any:
    """Stacks the results of the first `count` examples, each leaf along its axis."""
    rows = [flatten(result)[0] for result in results]
    for x in rows[0]:
        if not isinstance(x, Tensor):
            raise ValueError(f"vmap: the function must only return Tensors, got type {type(x)}")
    dims = _spread("out_dims", _list_as_tuple(out_dims), results[0])
    stacked = []
    for column, d in zip(zip(*rows, strict=True), dims, strict=True):
        whole = _take_common(column) if d is None else stack(list(column))
        whole = whole if count or d is None else whole[:0]
        stacked.append(movedim(whole, 0, d) if d else whole)
    return flatten(results[0])[1](stacked)
