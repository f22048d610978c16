"""Joining tensors: `cat`, `stack` and their relatives; `combinations`, `cartesian_prod`, `vander`."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase, plain_classes, wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import array_module, device_of, to_device
from minigrad.ops.arguments import as_int, axis, of_tensors, read_tensors
from minigrad.ops.arithmetic import are_alike, pow
from minigrad.ops.complaints import how_to_give_a_tensor, type_name
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast, in_rows
from minigrad.ops.describe import rename
from minigrad.ops.elementwise import twin_of
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.index import getitem
from minigrad.ops.memory_layout import lay_images
from minigrad.ops.out import require_receiver, write_out
from minigrad.ops.rearranging import reshape_along
from minigrad.ops.reduce import as_summable
from minigrad.ops.shape import expand, reshape, unsqueeze

_cat = operation(
    "cat",
    lambda *tensors, dim, starts: lay_images(array_module(tensors[0]).concatenate(tensors, dim)),
    lambda g, i, dim, starts: g[(slice(None),) * dim + (slice(starts[i], starts[i + 1]),)],
)
_stack = operation(
    "stack",
    lambda *tensors, dim: in_rows(array_module(tensors[0]).concatenate([_widen_at(x, dim) for x in tensors], dim)),
    lambda g, i, dim: g[(slice(None),) * dim + (i,)],
)


def _widen_at(x: Any, dim: int) -> Any:
    """The array `x` with a new axis `dim` of length 1."""
    return x[(slice(None),) * dim + (None,)]


def _read_list(name: str, tensors: Any, if_empty: Exception | None = None) -> list[Any]:
    """The tensors in the sequence `tensors`.

    Raises TypeError if it is no sequence or holds something else, RuntimeError, or `if_empty`, if it is empty.
    """
    if not isinstance(tensors, (list, tuple)):
        several = hasattr(tensors, "__iter__") and not isinstance(tensors, TensorBase)
        got = f"{type(tensors).__name__}; write {name}({'list(...)' if several else '[x, y]'})"
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {got}")
    for place, x in enumerate(tensors):
        if x.__class__ not in plain_classes and not isinstance(x, TensorBase):
            hint = f"{name}() joins tensors; {how_to_give_a_tensor(x, name)}"
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type_name(x)}: {hint}")
    if not tensors:
        raise if_empty or RuntimeError(f"{name} expects a non-empty TensorList")
    return list(tensors)


def _cast_to_common(tensors: list[Any]) -> list[Any]:
    """The tensors in their common dtype."""
    if are_alike(tensors):
        return tensors
    common = dtypes.result_type([x.array for x in tensors])
    return [cast(x, common) for x in tensors]


def _write(name: str, out: Any, tensors: Any, joined: Any) -> Any:
    """`joined`, written into `out`. Raises TypeError if the tensors cannot be cast to its dtype."""
    require_receiver(name, out)
    if dtypes.is_category_downgrade(joined.array.dtype, out.array.dtype):
        detail = f"input types can't be cast to the desired output type {dtypes.from_numpy(out.array.dtype)}"
        raise TypeError(f"{name}(): {detail}, because they make {dtypes.from_numpy(joined.array.dtype)}")
    return write_out(name, out, joined, (tensors,), cast=True, apart="all")


@twin_of(np.concatenate)
@of_tensors
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors one after another along an existing axis; the other axes must agree.

    Raises RuntimeError for shapes that differ elsewhere, naming them.

    >>> import minigrad as torch
    >>> torch.cat([torch.tensor([[1, 2]]), torch.tensor([[3, 4], [5, 6]])])
    tensor([[1, 2],
            [3, 4],
            [5, 6]])
    """
    given = _read_list("cat", tensors, ValueError("torch.cat(): expected a non-empty list of Tensors"))
    shapes = [x.array.shape for x in given]
    solid = next((shape for shape in shapes if shape != (0,)), (0,)) if (0,) in shapes else shapes[0]
    ndim = len(solid)
    if not ndim:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated; use stack")
    d = axis(dim, ndim) if solid != (0,) else 0  # as in PyTorch, which leaves such tensors out
    first = list(solid)
    if ndim > 1 and (0,) in shapes:  # as in PyTorch, an empty 1-d tensor can be joined with anything
        given = [reshape(x, (*first[:d], 0, *first[d + 1 :])) if x.array.shape == (0,) else x for x in given]
    if shapes.count(solid) < len(shapes):  # seldom
        _check_sizes(given, first, d)
    starts = (0, *accumulate([x.array.shape[d] for x in given]))
    joined = _cat(*_cast_to_common(given), dim=d, starts=starts)
    return joined if out is None else _write("cat", out, tensors, joined)


def _check_sizes(tensors: list[Any], first: list[int], dim: int) -> None:
    """Raises if the shapes of tensors to join differ from `first` on other axes than `dim`."""
    for position, x in enumerate(tensors):
        shape = list(x.array.shape)
        if shape == first:  # nearly always
            continue
        if len(shape) != len(first):
            detail = f"got {len(first)} and {len(shape)} (tensor {position} has shape {shape})"
            raise RuntimeError(f"Tensors must have same number of dimensions: {detail}")
        if shape[:dim] + shape[dim + 1 :] != first[:dim] + first[dim + 1 :]:
            due, got = next((a, b) for n, (a, b) in enumerate(zip(first, shape, strict=True)) if n != dim and a != b)
            detail = f"Expected size {due} but got size {got} for tensor number {position} in the list"
            shapes = f"the first has shape {first}, this one {shape}"
            raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. {detail}: {shapes}.")


concat = concatenate = cat


@of_tensors
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors, all of one shape, along a new axis `dim`: n of shape (a, b) -> (n, a, b), (a, n, b) or (a, b, n).

    Raises RuntimeError for shapes that differ. (`cat` joins along an axis that exists.)

    >>> import minigrad as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    given = _read_list("stack", tensors)
    first = given[0].array.shape
    for i, x in enumerate(given):
        if x.array.shape != first:
            detail = f"got {list(first)} at entry 0 and {list(x.array.shape)} at entry {i}"
            hint = "crop, resize or pad them to one shape first"
            raise RuntimeError(f"stack expects each tensor to be equal size, but {detail}: {hint}")
    d = axis(dim, len(first) + 1)
    joined = _stack(*_cast_to_common(given), dim=d)
    return joined if out is None else _write("stack", out, tensors, joined)


@of_tensors
def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Side by side: along the first axis for vectors, the second for the rest.

    >>> import minigrad as torch
    >>> torch.hstack((torch.tensor([1, 2]), torch.tensor([3])))
    tensor([1, 2, 3])
    """
    given = [x if x.array.ndim else reshape(x, 1) for x in _read_list("hstack", tensors)]
    return cat(given, 0 if given[0].array.ndim == 1 else 1, out=out)


@of_tensors
def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """On top of each other, vectors as rows.

    >>> import minigrad as torch
    >>> torch.vstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([x if x.array.ndim > 1 else reshape(x, (1, -1)) for x in _read_list("vstack", tensors)], 0, out=out)


row_stack = vstack


@of_tensors
def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Behind each other, along the third axis; vectors are (1, n, 1), matrices (n, m, 1).

    >>> import minigrad as torch
    >>> torch.dstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[[1, 3],
             [2, 4]]])
    """
    return cat([atleast_3d(x) for x in _read_list("dstack", tensors)], 2, out=out)


@of_tensors
def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Side by side, vectors as columns.

    >>> import minigrad as torch
    >>> torch.column_stack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 3],
            [2, 4]])
    """
    return hstack([reshape(x, -1, 1) if x.array.ndim < 2 else x for x in _read_list("column_stack", tensors)], out=out)


def _make_atleast(name: str, ndim: int, widen: Any) -> Any:
    @names_options
    def call(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], TensorBase):
            return widen(tensors[0])
        return tuple([widen(x) for x in read_tensors(name, tensors)])

    text = f"The tensor, or each of several, with {ndim} axes or more: those of length 1 are added."
    return rename(call, name, text, f"torch.{name}(torch.tensor(5.0)) -> tensor({'[' * ndim}5.{']' * ndim})")


def _widen_to_2d(x: Any) -> Any:
    ndim = x.array.ndim
    if ndim == 0:
        return reshape(x, 1, 1)
    return unsqueeze(x, 0) if ndim == 1 else x  # (n,) -> (1, n)


def _widen_to_3d(x: Any) -> Any:
    ndim = x.array.ndim
    if ndim == 0:
        return reshape(x, 1, 1, 1)
    if ndim == 1:
        return unsqueeze(unsqueeze(x, 0), -1)  # (n,) -> (1, n, 1)
    return unsqueeze(x, -1) if ndim == 2 else x  # (m, n) -> (m, n, 1)


atleast_1d = _make_atleast("atleast_1d", 1, lambda x: x if x.array.ndim else reshape(x, 1))
atleast_2d = _make_atleast("atleast_2d", 2, _widen_to_2d)
atleast_3d = _make_atleast("atleast_3d", 3, _widen_to_3d)


# ---- products of sets ----------------------------------------------------------------------------
@names_options
def cartesian_prod(*tensors: Any) -> Tensor:
    """All ways to take one element from each vector, one a row.

    >>> import minigrad as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    given = read_tensors("cartesian_prod", (tensors,))
    if any(x.array.ndim != 1 for x in given):
        shapes = [tuple(x.array.shape) for x in given]
        raise RuntimeError(f"cartesian_prod: Expect a 1D vector for each, but got shapes {shapes}")
    if len(given) == 1:
        return given[0]
    types = {x.array.dtype for x in given}
    if len(types) > 1:
        names = ", ".join(sorted(map(str, types)))
        raise RuntimeError(f"cartesian_prod: meshgrid expects all tensors to have the same dtype, but got {names}")
    lengths = [x.array.size for x in given]
    return stack([reshape(expand(reshape_along(x, k, len(given)), lengths), -1) for k, x in enumerate(given)], 1)


@of_tensors
@recorded_as("StackBackward0")
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to take `r` of a vector's elements, in their order, one a row.

    >>> import minigrad as torch
    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input.array.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.array.shape)}")
    r = as_int(r, "r")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if not r:
        return getitem(input, slice(0, 0))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    count = math.comb(input.array.size + (r - 1 if with_replacement else 0), r)  # memory for all, before the first
    chosen = np.fromiter(choose(range(input.array.size), r), np.dtype((np.int64, r)), min(count, sys.maxsize))
    return getitem(input, wrap(to_device(chosen, device_of(input.array))))


@of_tensors
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements, one a row: from N - 1 down to 0, or from 0 up.

    >>> import minigrad as torch
    >>> torch.vander(torch.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])
    """
    if x.array.ndim != 1:
        raise RuntimeError(f"x must be a one-dimensional tensor, got {x.array.ndim} dimensions")
    n = x.array.size if N is None else as_int(N, "N")
    if n < 0:
        raise RuntimeError(f"N must be non-negative, got {n}")
    np.empty((x.array.size, n), x.array.dtype)  # refused here where the result does not fit into memory
    order = range(n) if increasing else range(n - 1, -1, -1)
    if not n:
        return getitem(unsqueeze(as_summable(x, None), 1), (slice(None), slice(0, 0)))
    return name_last_call(stack_powers(x, order), "FlipBackward0")


def stack_powers(x: Any, exponents: range) -> Tensor:
    """The powers of each number along a new last axis: (..., n) -> (..., n, N). Integers are raised as int64."""
    summable = as_summable(x, None)
    return stack([pow(summable, k) for k in exponents], -1)
