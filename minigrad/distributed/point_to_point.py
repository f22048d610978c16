"""Transfers from one rank to another: each `send` is matched with a `recv` of the same tag, in the order of the calls.

As `torch.distributed`; MPI 4.1, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.distributed.collectives import for_members, root_of
from minigrad.distributed.errors import DistBackendError
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.transfer import Wire, expect_tensor
from minigrad.distributed.work import Work
from minigrad.tensor import Tensor


@for_members
def isend(
    tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None
) -> Work | None:
    """Starts to send `tensor` to rank `dst`; it must not be changed until the `Work` is done.

    Raises ValueError for a rank outside the group, and for this rank itself.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> if torch.distributed.get_world_size() == 2:
    ...     other = 1 - torch.distributed.get_rank()
    ...     sent = torch.distributed.isend(torch.ones(2), dst=other)
    ...     came = torch.distributed.irecv(x := torch.zeros(2), src=other)
    ...     both = sent.wait() and came.wait()
    >>> torch.distributed.destroy_process_group()
    """
    to = _require_other("destination", group, root_of(group, "dst", dst, group_dst))
    name = f"send({tuple(tensor.shape)}, {tensor.dtype}, dst={group.ranks[to]}, tag={tag})"
    return Work(name, group, [group.data.send(Wire(group, tensor).array, to, tag)], [tensor])


@for_members
def irecv(
    tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None
) -> Work | None:
    """Starts to receive into `tensor` from rank `src`, by default from any rank.

    Raises as `isend`; waiting raises DistBackendError for a message of another size.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> if torch.distributed.get_world_size() == 2:
    ...     other = 1 - torch.distributed.get_rank()
    ...     sent = torch.distributed.isend(torch.ones(2), dst=other)
    ...     came = torch.distributed.irecv(x := torch.zeros(2), src=other)
    ...     both = sent.wait() and came.wait()
    >>> torch.distributed.destroy_process_group()
    """
    source = None
    if src is not None or group_src is not None:
        source = _require_other("source", group, root_of(group, "src", src, group_src))
    wire = Wire(group, tensor)
    request = group.data.receive(wire.array, source, tag)
    whom = "anybody" if source is None else group.ranks[source]
    name = f"recv({tuple(tensor.shape)}, {tensor.dtype}, src={whom}, tag={tag})"

    def arrived() -> None:
        if request.received is not None and request.received != wire.array.nbytes:
            hint = "give both sides the same shape and dtype"
            raise DistBackendError(f"{name} got {request.received} bytes for a tensor of {wire.array.nbytes}: {hint}")
        wire.write_back()

    return Work(name, group, [request], [tensor], arrived)


def _require_other(role: str, member: ProcessGroup, rank: int) -> int:
    if rank == member.rank():
        raise ValueError(f"Invalid {role} rank: {role} rank should not be the same as the rank of the current process.")
    return rank


def send(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None) -> None:
    """Sends `tensor` to rank `dst`; returns when it may be changed again. Raises as `isend`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> if torch.distributed.get_world_size() == 2:
    ...     if torch.distributed.get_rank() == 0:
    ...         torch.distributed.send(torch.ones(2), dst=1)
    ...     else:
    ...         source = torch.distributed.recv(torch.zeros(2), src=0)
    >>> torch.distributed.destroy_process_group()
    """
    work = isend(tensor, dst, group, tag, group_dst)
    if work is not None:
        work.wait()


def recv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None) -> int:
    """Receives into `tensor` from rank `src`, by default from any rank; returns the sender, -1 outside the group.

    Raises as `irecv`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> if torch.distributed.get_world_size() == 2:
    ...     if torch.distributed.get_rank() == 0:
    ...         torch.distributed.send(torch.ones(2), dst=1)
    ...     else:
    ...         source = torch.distributed.recv(torch.zeros(2), src=0)
    >>> torch.distributed.destroy_process_group()
    """
    work = irecv(tensor, src, group, tag, group_src)
    if work is None:
        return -1
    work.wait()
    return work.source_rank()


class P2POp:
    """One of several transfers for `batch_isend_irecv`: ``P2POp(isend, tensor, peer)``, or with `irecv`.

    >>> import minigrad as torch
    >>> op = torch.distributed.P2POp(torch.distributed.isend, torch.ones(2), peer=1)
    >>> op.peer
    1
    """

    def __init__(
        self, op: Callable[..., Any], tensor: Tensor, peer: int | None = None, group: Any = None, tag: int = 0,
        group_peer: int | None = None,
    ) -> None:  # fmt: skip
        if op not in (isend, irecv):
            detail = "Expected ``op`` to be of type ``minigrad.distributed.isend`` or ``irecv``."
            raise ValueError(f"Invalid ``op``. {detail}")
        self.op, self.tensor, self.group, self.tag = op, expect_tensor("tensor", tensor), group, tag
        self.peer, self.group_peer = peer, group_peer


def batch_isend_irecv(p2p_op_list: Sequence[P2POp]) -> list[Work]:
    """Starts several transfers at once, so that ranks can exchange data without waiting for each other.

    Raises RuntimeError for an empty list, and for entries that are no `P2POp`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> if torch.distributed.get_world_size() == 2:
    ...     other, x = 1 - torch.distributed.get_rank(), torch.zeros(2)
    ...     ops = [
    ...         torch.distributed.P2POp(torch.distributed.isend, torch.ones(2), other),
    ...         torch.distributed.P2POp(torch.distributed.irecv, x, other),
    ...     ]
    ...     done = [work.wait() for work in torch.distributed.batch_isend_irecv(ops)]
    >>> torch.distributed.destroy_process_group()
    """
    if not p2p_op_list or not all(isinstance(each, P2POp) for each in p2p_op_list):
        raise RuntimeError("batch_isend_irecv takes a list of P2POp, with at least one in it")
    begun = [each.op(each.tensor, each.peer, each.group, each.tag, each.group_peer) for each in p2p_op_list]
    return [work for work in begun if work is not None]
