"""Collectives in which each rank holds a part: gather, scatter, reduce_scatter, all_to_all.

With x_r the tensor of rank r, of N ranks: `all_gather` gives every rank (x_0, ..., x_N-1), `gather` only dst;
`scatter` gives rank r the part r of src's list; `reduce_scatter` gives rank r the reduction of all ranks' parts r;
`all_to_all` gives rank r the parts r of all ranks. What they write to, raise and return stands in `collectives.py`.
As `torch.distributed`; MPI 4.1, chapter 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad.distributed.collectives import describe, for_members, replace_mean, root_of, run
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.reduce_op import check as check_op
from minigrad.distributed.transfer import Wire, expect_tensors, make_rows, require_same_dtype, write_rows
from minigrad.distributed.work import Work
from minigrad.tensor import Tensor


def _expect_one_each(member: ProcessGroup, name: str, tensors: Sequence[Tensor], tensor: Tensor) -> None:
    """Raises unless a list holds one tensor of this shape and dtype for each rank."""
    require_same_dtype(*tensors, tensor)
    if len(tensors) != member.size():
        raise RuntimeError(f"{name} must hold one tensor per rank: expected length {member.size()}, got {len(tensors)}")
    for i, each in enumerate(tensors):
        if each.numel() != tensor.numel():
            detail = f"expected {tuple(tensor.shape)}, got {tuple(each.shape)}"
            raise RuntimeError(f"{name} holds a tensor of another size at index {i}: {detail}")


@for_members
def all_gather(tensor_list: Sequence[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False) -> Work | None:
    """Copies the tensor of rank r to ``tensor_list[r]`` on all ranks; all have the same shape and dtype.

    Raises RuntimeError for a list of another length or with other shapes, ValueError for other dtypes.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.all_gather(everybody := [torch.zeros(2)], torch.ones(2))
    >>> everybody
    [tensor([1., 1.])]
    >>> torch.distributed.destroy_process_group()
    """
    _expect_one_each(group, "tensor_list", tensor_list, tensor)
    name = describe("all_gather", tensor)
    sent = Wire(group, tensor).array
    everybody = make_rows(group, sent)  # (N, ...)
    finish = partial(write_rows, everybody, tensor_list)
    return run(group, name, lambda: group.data.all_gather(sent, everybody), tensor_list, finish, async_op)


@for_members
def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Copies the tensors of all ranks to `output_tensor`, concatenated (N * n, ...) or stacked (N, n, ...).

    Raises RuntimeError for an output of another size, ValueError for another dtype.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.all_gather_into_tensor(everybody := torch.zeros(2), torch.ones(2))
    >>> everybody
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    _expect_multiple(group, "output_tensor", output_tensor, input_tensor)
    name = describe("all_gather_into_tensor", input_tensor)
    sent, kept = Wire(group, input_tensor).array, Wire(group, output_tensor)
    everybody = kept.array.reshape(group.size(), *sent.shape)
    return run(group, name, lambda: group.data.all_gather(sent, everybody), [output_tensor], kept.write_back, async_op)


all_gather_single = all_gather_into_tensor  # PyTorch's newer name


def _expect_multiple(member: ProcessGroup, role: str, large: Tensor, small: Tensor) -> None:
    require_same_dtype(large, small)
    if large.numel() != small.numel() * member.size():
        raise RuntimeError(
            f"{role} must have world_size times as many elements as the other tensor: {member.size()} * "
            f"{small.numel()}, got {large.numel()} (shapes {tuple(large.shape)} and {tuple(small.shape)})"
        )


@for_members
def gather(
    tensor: Tensor, gather_list: Sequence[Tensor] | None = None, dst: int | None = None, group: Any = None,
    async_op: bool = False, group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """Copies the tensor of rank r to ``gather_list[r]`` on rank `dst` (default 0); only that rank passes a list.

    Raises ValueError if the list is missing there, or given on another rank; else as `all_gather`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.gather(torch.ones(2), everybody := [torch.zeros(2)])
    >>> everybody
    [tensor([1., 1.])]
    >>> torch.distributed.destroy_process_group()
    """
    tensors = expect_tensors("gather_list", gather_list or [])
    root = root_of(group, "dst", dst, group_dst, 0)
    here = _expect_list_at_root(group, root, "gather_list", "destination", tensors, tensor)
    name = describe("gather", tensor, f"dst={group.ranks[root]}")
    sent = Wire(group, tensor).array
    everybody = make_rows(group, sent) if here else None  # (N, ...)
    finish = partial(write_rows, everybody, tensors) if here else None
    return run(group, name, lambda: group.data.gather(sent, everybody, root), tensors, finish, async_op)


def _expect_list_at_root(
    member: ProcessGroup, root: int, name: str, role: str, tensors: Sequence[Tensor], tensor: Tensor
) -> bool:
    """Whether this rank passes the list; raises if it is missing there, or given on another rank."""
    here = member.rank() == root
    if here and not tensors:
        raise ValueError(f"Argument ``{name}`` must be specified on {role} rank.")
    if not here and tensors:
        raise ValueError(f"Argument ``{name}`` must NOT be specified on non-{role} ranks.")
    if here:
        _expect_one_each(member, name, tensors, tensor)
    return here


@for_members
def scatter(
    tensor: Tensor, scatter_list: Sequence[Tensor] | None = None, src: int | None = None, group: Any = None,
    async_op: bool = False, group_src: int | None = None,
) -> Work | None:  # fmt: skip
    """Copies ``scatter_list[r]`` of rank `src` (default 0) to `tensor` of rank r; only `src` passes a list.

    Raises ValueError if the list is missing there, or given on another rank; else as `all_gather`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.scatter(x := torch.zeros(2), [torch.ones(2)])
    >>> x
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    tensors = expect_tensors("scatter_list", scatter_list or [])
    root = root_of(group, "src", src, group_src, 0)
    here = _expect_list_at_root(group, root, "scatter_list", "source", tensors, tensor)
    name = describe("scatter", tensor, f"src={group.ranks[root]}")
    kept = Wire(group, tensor)
    parts = _stack(group, tensors, kept) if here else None  # (N, ...)
    return run(group, name, lambda: group.data.scatter(parts, kept.array, root), [tensor], kept.write_back, async_op)


def _stack(member: ProcessGroup, tensors: Sequence[Tensor], like: Wire, *, reduced: bool = False) -> Any:
    """The tensors of a list as rows of one array (N, ...)."""
    parts = make_rows(member, like.array)
    for row, tensor in zip(parts, tensors, strict=True):
        row[...] = Wire(member, tensor, reduced=reduced).array.reshape(row.shape)
    return parts


@for_members
def reduce_scatter(
    output: Tensor, input_list: Sequence[Tensor], op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduces ``input_list[r]`` over all ranks into `output` of rank r.

    Raises as `all_gather` and `all_reduce`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.reduce_scatter(x := torch.zeros(2), [torch.ones(2)])
    >>> x
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    check_op(op, output.array.dtype)
    _expect_one_each(group, "input_list", input_list, output)
    return _reduce_scatter("reduce_scatter", group, output, input_list, op, async_op)


def _reduce_scatter(
    function: str, member: ProcessGroup, output: Tensor, parts: Sequence[Tensor], op: ReduceOp, async_op: bool
) -> Work | None:
    name = describe(function, output, op)
    kept = Wire(member, output, reduced=True)
    rows = _stack(member, parts, kept, reduced=True)  # (N, ...)
    how = replace_mean(kept, member, op)
    start = partial(member.data.reduce_scatter, rows, kept.array, how)
    return run(member, name, start, [output], kept.write_back, async_op)


@for_members
def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduces part r of `input`, (N * n, ...) or (N, n, ...), over all ranks into `output` of rank r.

    Raises as `all_gather_into_tensor` and `all_reduce`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.reduce_scatter_tensor(x := torch.zeros(2), torch.ones(2))
    >>> x
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    check_op(op, output.array.dtype)
    _expect_multiple(group, "input", input, output)
    parts = list(input.detach().reshape(group.size(), -1).unbind())
    return _reduce_scatter("reduce_scatter_tensor", group, output, parts, op, async_op)


reduce_scatter_single = reduce_scatter_tensor  # PyTorch's newer name


@for_members
def all_to_all_single(
    output: Tensor, input: Tensor, output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None, group: Any = None, async_op: bool = False,
) -> Work | None:  # fmt: skip
    """Sends part r of `input` to rank r, and receives the parts for this rank in `output`, ordered by rank.

    Parts are slices of the first axis, equal or of the given lengths. Raises RuntimeError for lengths with the wrong
    sum, ValueError for other dtypes.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.all_to_all_single(x := torch.zeros(2), torch.ones(2))
    >>> x
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    require_same_dtype(output, input)
    counts = _count_elements(group, input, input_split_sizes)
    out_counts = _count_elements(group, output, output_split_sizes)
    name = f"all_to_all_single({input.dtype})"
    sent, kept = Wire(group, input).array, Wire(group, output)
    start = partial(group.data.all_to_all, sent, counts, kept.array, out_counts)
    return run(group, name, start, [output], kept.write_back, async_op)


def _count_elements(member: ProcessGroup, tensor: Tensor, lengths: Sequence[int] | None) -> list[int]:
    """The number of elements of `tensor` for each rank, from its number of rows."""
    shape, size = tuple(tensor.shape), member.size()
    if not lengths:
        if not shape or shape[0] % size:
            detail = f"{size} does not divide that of {shape}"
            raise RuntimeError(f"all_to_all_single cuts the first axis into one part per rank: {detail}")
        return [tensor.numel() // size] * size
    if len(lengths) != size or sum(lengths) != shape[0]:
        got = f"got {list(lengths)}"
        raise RuntimeError(f"Split sizes must be one per rank ({size}) and add up to the first axis of {shape}, {got}")
    return [n * (tensor.numel() // shape[0]) if shape[0] else 0 for n in lengths]


@for_members
def all_to_all(
    output_tensor_list: Sequence[Tensor], input_tensor_list: Sequence[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """Sends ``input_tensor_list[r]`` to rank r, and receives from rank r into ``output_tensor_list[r]``.

    Raises RuntimeError for lists of another length, ValueError for other dtypes.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.all_to_all(kept := [torch.zeros(2)], [torch.ones(2)])
    >>> kept
    [tensor([1., 1.])]
    >>> torch.distributed.destroy_process_group()
    """
    outputs, inputs = list(output_tensor_list), list(input_tensor_list)
    require_same_dtype(*outputs, *inputs)
    for role, tensors in (("output_tensor_list", outputs), ("input_tensor_list", inputs)):
        if len(tensors) != group.size():
            raise RuntimeError(f"{role} must hold one tensor per rank: {group.size()}, got {len(tensors)}")
    sent, kept = ([Wire(group, tensor).array.reshape(-1) for tensor in each] for each in (inputs, outputs))
    flat, room = np.concatenate(sent), np.concatenate(kept)
    start = partial(group.data.all_to_all, flat, [a.size for a in sent], room, [a.size for a in kept])

    def finish() -> None:
        begin = 0
        for tensor, part in zip(outputs, kept, strict=True):
            write_rows([room[begin : begin + part.size]], [tensor])
            begin += part.size

    return run(group, f"all_to_all({inputs[0].dtype})", start, outputs, finish, async_op)
