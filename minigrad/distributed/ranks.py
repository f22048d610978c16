"""Ranks: the numbers of processes, global and in a group."""

from __future__ import annotations

from typing import Any

from minigrad.distributed import launch
from minigrad.distributed.process_group import group_or_world, require_member


def get_rank(group: Any = None) -> int:
    """The rank of this process in the group, from 0; -1 outside it.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_rank()
    0
    >>> torch.distributed.destroy_process_group()
    """
    member = group_or_world(group)
    return -1 if member is None else member.rank()


def get_world_size(group: Any = None) -> int:
    """The number of processes in the group; -1 outside it.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_world_size()
    1
    >>> torch.distributed.destroy_process_group()
    """
    member = group_or_world(group)
    return -1 if member is None else member.size()


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The local rank, which is the number of the GPU to use. Raises RuntimeError if the launcher does not give it.

    >>> import minigrad as torch
    >>> torch.distributed.get_node_local_rank(fallback_rank=0)
    0
    """
    local = launch.place().local_rank
    if local is None and fallback_rank is None:
        raise RuntimeError("LOCAL_RANK is not in the environment: start the program by mpiexec, or pass fallback_rank")
    return int(local if local is not None else fallback_rank or 0)


def get_backend(group: Any = None) -> str:
    """The backend, "mpi" or "nccl". Raises ValueError outside the group.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_backend()
    'mpi'
    >>> torch.distributed.destroy_process_group()
    """
    return require_member(group).data.backend


def get_process_group_ranks(group: Any) -> list[int]:
    """The global ranks of the group, in its order.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_process_group_ranks(torch.distributed.group.WORLD)
    [0]
    >>> torch.distributed.destroy_process_group()
    """
    return list(require_member(group).ranks)


def get_global_rank(group: Any, group_rank: int) -> int:
    """The global rank of group rank `group_rank`. Raises ValueError if there is none.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_global_rank(torch.distributed.new_group([0]), 0)
    0
    >>> torch.distributed.destroy_process_group()
    """
    ranks = get_process_group_ranks(group)
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group}, which has {len(ranks)} members")
    return ranks[group_rank]


def get_group_rank(group: Any, global_rank: int) -> int:
    """The rank in `group` of the process `global_rank`. Raises ValueError if it is not in the group.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_group_rank(torch.distributed.new_group([0]), 0)
    0
    >>> torch.distributed.destroy_process_group()
    """
    ranks = get_process_group_ranks(group)
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}: its ranks are {ranks}")
    return ranks.index(global_rank)
