"""Collectives that gradients flow through, to any order: the gradient of a collective is a collective too.

With L the sum of all ranks' losses: `all_reduce` gives every rank y = x_0 + ... + x_N-1, so dL/dx_r is the sum of all
dL_s/dy, an `all_reduce` again. `broadcast` gives every rank y = x_src, so dL/dx_src is the sum of all dL_s/dy, a
`reduce` to src, and the other ranks' is zero. All ranks must run backward through them, in the same order.
As `torch.distributed.nn.functional`.
"""

from __future__ import annotations

from typing import Any

from minigrad.autograd.function import Function
from minigrad.distributed import collectives
from minigrad.distributed.ranks import get_rank
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.tensor import Tensor


class _AllReduce(Function):
    """The sum over the ranks, whose gradient is the sum of the ranks' gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Any) -> Tensor:
        ctx.group = group
        result = tensor.detach().clone()
        collectives.all_reduce(result, ReduceOp.SUM, group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _AllReduce.apply(gradient, ctx.group), None


class _Broadcast(Function):
    """The tensor of one rank, whose gradient is the sum of the ranks' gradients there, and zero elsewhere."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, src: int, group: Any) -> Tensor:
        ctx.src, ctx.group = src, group
        result = tensor.detach().clone()
        collectives.broadcast(result, src, group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        total = _AllReduce.apply(gradient, ctx.group)
        return total if get_rank() == ctx.src else total * 0, None, None


def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The sum over all ranks as a new tensor, through which gradients flow.

    Raises NotImplementedError for other operations than SUM.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.nn.functional.all_reduce(torch.ones(2))
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    if op is not ReduceOp.SUM:
        raise NotImplementedError(f"gradients flow through sums over ranks alone, not through {op}")
    return _AllReduce.apply(tensor, group)


def broadcast(tensor: Tensor, src: int, group: Any = None) -> Tensor:
    """The tensor of rank `src` as a new tensor, through which gradients flow back to it.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.nn.functional.broadcast(torch.ones(2), src=0)
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    return _Broadcast.apply(tensor, src, group)
