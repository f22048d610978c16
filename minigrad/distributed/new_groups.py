"""Further groups of some of the processes: `new_group` and `new_subgroups`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from minigrad.distributed.backends import library_for
from minigrad.distributed.process_group import GroupMember, ProcessGroup, default_group, groups, make_group
from minigrad.distributed.ranks import get_process_group_ranks


def new_group(
    ranks: Sequence[int] | None = None, timeout: timedelta | None = None, backend: str | None = None,
    pg_options: Any = None, use_local_synchronization: bool = False, group_desc: str | None = None,
    device_id: Any = None, sort_ranks: bool = True,
) -> Any:  # fmt: skip
    """A group of the processes `ranks`, by default all; all processes must call this, in the same order.

    Returns `GroupMember.NON_GROUP_MEMBER` to processes outside it. Raises ValueError for ranks that are not in the
    world, or twice in the list. As `torch.distributed.new_group`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_world_size(torch.distributed.new_group([0]))
    1
    >>> torch.distributed.destroy_process_group()
    """
    world = default_group()
    members = list(range(world.size())) if ranks is None else [int(rank) for rank in ranks]
    if sort_ranks:
        members.sort()
    if len(set(members)) < len(members):
        raise ValueError(f"the new group's ranks must differ, got {members}")
    if any(not 0 <= rank < world.size() for rank in members):
        raise ValueError(
            f"the new group's rank should be within the world_size set by init_process_group: got {members} of a world "
            f"of {world.size()}"
        )
    kind = world.data.backend if backend is None else library_for(backend)
    control = world.control.split(members or None)
    groups.count += 1
    if control is None:
        return GroupMember.NON_GROUP_MEMBER
    return make_group(group_desc or f"group {groups.count}", members, kind, control, timeout or world.timeout)


def new_subgroups(group_size: int, group: Any = None, timeout: timedelta | None = None) -> tuple[Any, list[Any]]:
    """Divides all ranks into groups of `group_size` neighbours; returns the own group and the list of all.

    Raises ValueError if `group_size` does not divide the world size.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> own, all_of_them = torch.distributed.new_subgroups(1)
    >>> own.size(), len(all_of_them)
    (1, 1)
    >>> torch.distributed.destroy_process_group()
    """
    ranks = get_process_group_ranks(default_group() if group is None else group)
    if group_size <= 0 or len(ranks) % group_size:
        raise ValueError(f"group_size must divide the world size, got {group_size} and {len(ranks)}")
    made = [new_group(ranks[i : i + group_size], timeout) for i in range(0, len(ranks), group_size)]
    own = next((each for each in made if isinstance(each, ProcessGroup)), GroupMember.NON_GROUP_MEMBER)
    return own, made
