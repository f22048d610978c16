"""Collectives on whole tensors: all ranks of a group call the same function, in the same order.

With x_r the tensor of rank r, of N ranks: `broadcast` gives every rank x_src; `all_reduce` gives every rank
op(x_0, ..., x_N-1), `reduce` only dst. Collectives in which each rank holds a part stand in `parts.py`.

All write into the given tensors. They raise TypeError for anything else, ValueError for ranks outside the group, and
DistBackendError (a RuntimeError) when the ranks call different functions, or a rank does not call in time. With
`async_op=True` they return a `Work` at once. A process outside the group gets a warning, and nothing is done.
As `torch.distributed`; MPI 4.1, chapter 6.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from minigrad.advice import warn
from minigrad.distributed.agreement import agree
from minigrad.distributed.communicator import Request
from minigrad.distributed.process_group import ProcessGroup, default_group, group_or_world
from minigrad.distributed.ranks import get_group_rank
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.reduce_op import check as check_op
from minigrad.distributed.transfer import Wire, expect_tensor, expect_tensors
from minigrad.distributed.work import Work
from minigrad.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")
_CHECKS = {"Tensor": expect_tensor, "Sequence[Tensor]": expect_tensors}  # annotation of a parameter -> its check


def for_members(function: Callable[P, R], outside: Any = None) -> Callable[P, R]:
    """Decorates a collective: it is called with the group; a process outside it gets a warning and `outside`.

    Raises TypeError for arguments annotated as tensors that are none.
    """
    parameters = list(inspect.signature(function).parameters.values())
    checks = [(i, p.name, _CHECKS[p.annotation]) for i, p in enumerate(parameters) if p.annotation in _CHECKS]
    place = [p.name for p in parameters].index("group")

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for i, name, check in checks:
            if i < len(args) or name in kwargs:  # a missing argument is Python's error
                check(name, args[i] if i < len(args) else kwargs[name])
        by_place = place < len(args)
        group = group_or_world(args[place] if by_place else kwargs.get("group"))
        if group is None:
            rank = default_group().rank()
            warn(f"Running {function.__name__} on global rank {rank} which does not belong to the given group.")
            return outside
        if by_place:
            args = (*args[:place], group, *args[place + 1 :])
        else:
            kwargs["group"] = group
        return function(*args, **kwargs)

    return call


def root_of(
    group: ProcessGroup, role: str, rank: int | None, group_rank: int | None, default: int | None = None
) -> int:
    """The group rank of a rank that is given by its global or its group rank."""
    if rank is not None and group_rank is not None:
        raise ValueError(f"Can't specify both group_{role} and {role}")
    if group_rank is not None:
        if not 0 <= group_rank < group.size():
            raise ValueError(f"group_{role} must be a rank of the group of {group.size()}, got {group_rank}")
        return group_rank
    rank = default if rank is None else rank
    if rank is None:
        raise ValueError(f"Must specify {role} or group_{role}: the rank that is meant")
    return get_group_rank(group, rank)


def run(
    member: ProcessGroup, name: str, start: Callable[[], Request], tensors: Sequence[Tensor],
    finish: Callable[[], None] | None, async_op: bool, timeout: timedelta | None = None,
) -> Work | None:  # fmt: skip
    """Compares the call with the other ranks, starts it, and waits, or returns the `Work`."""
    agree(member, name)
    work = Work(name, member, [start()], tensors, finish)
    if async_op:
        return work
    work.wait(timeout)
    return None


def describe(name: str, tensor: Tensor, *more: object) -> str:
    """The description of a call, for the other ranks and for errors."""
    return f"{name}({', '.join(map(str, [tuple(tensor.shape), tensor.dtype, *more]))})"


def replace_mean(wire: Wire, member: ProcessGroup, op: ReduceOp) -> ReduceOp:
    """Replaces a mean by a sum, which is divided afterwards."""
    if op is not ReduceOp.AVG:
        return op
    wire.divisor = member.size()
    return ReduceOp.SUM


@for_members
def barrier(
    group: Any = None, async_op: bool = False, device_ids: Any = None, timeout: timedelta | None = None
) -> Work | None:
    """Waits until all ranks have called it.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.barrier()
    >>> torch.distributed.destroy_process_group()
    """
    return run(group, "barrier()", group.data.barrier, (), None, async_op, timeout)


@for_members
def broadcast(
    tensor: Tensor, src: int | None = None, group: Any = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """Copies `tensor` of rank `src` to all ranks.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.broadcast(x := torch.arange(2), src=0)
    >>> x
    tensor([0, 1])
    >>> torch.distributed.destroy_process_group()
    """
    root = root_of(group, "src", src, group_src)
    name = describe("broadcast", tensor, f"src={group.ranks[root]}")
    wire = Wire(group, tensor)
    finish = None if group.rank() == root else wire.write_back
    return run(group, name, lambda: group.data.broadcast(wire.array, root), [tensor], finish, async_op)


@for_members
def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Reduces `tensor` in place to op(x_0, ..., x_N-1) on all ranks.

    Raises RuntimeError for an operation that its dtype does not have.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.all_reduce(x := torch.ones(2), torch.distributed.ReduceOp.AVG)
    >>> x
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    check_op(op, tensor.array.dtype)
    name = describe("all_reduce", tensor, op)
    wire = Wire(group, tensor, reduced=True)
    how = replace_mean(wire, group, op)
    return run(group, name, lambda: group.data.all_reduce(wire.array, how), [tensor], wire.write_back, async_op)


@for_members
def reduce(
    tensor: Tensor, dst: int | None = None, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """Reduces `tensor` in place to op(x_0, ..., x_N-1) on rank `dst`; on other ranks it is unchanged.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.reduce(x := torch.ones(2), dst=0)
    >>> x
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    check_op(op, tensor.array.dtype)
    root = root_of(group, "dst", dst, group_dst)
    name = describe("reduce", tensor, op, f"dst={group.ranks[root]}")
    wire = Wire(group, tensor, reduced=True)
    how = replace_mean(wire, group, op)
    finish = wire.write_back if group.rank() == root else None
    return run(group, name, lambda: group.data.reduce(wire.array, how, root), [tensor], finish, async_op)
