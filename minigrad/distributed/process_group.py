"""Groups of processes: `init_process_group`, `new_group`, the ranks in a group, and `destroy_process_group`.

A process has a *global rank*, and a rank in each group that it belongs to. Processes started by mpiexec (or srun) are
connected by MPI; a program started alone is a world of one process, and needs no library.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from minigrad.distributed import faults, joining, launch, nccl, work
from minigrad.distributed.backends import library_for
from minigrad.distributed.communicator import Communicator

default_pg_timeout = timedelta(minutes=30)


class ProcessGroup:
    """A group of processes, made by `init_process_group` and `new_group`, and passed as `group=` to collectives.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.group.WORLD
    <ProcessGroup 'WORLD': ranks [0], by mpi>
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(
        self, name: str, ranks: Sequence[int], data: Communicator, control: Communicator, timeout: timedelta
    ) -> None:
        self.ranks = list(ranks)  # group rank -> global rank
        self.data, self.control = data, control  # for the users' data, and for our own messages
        self.timeout = timeout
        self._name = name
        self._whole: ProcessGroup | None = None  # the group of which this is a view

    def rank(self) -> int:
        """The rank of this process in the group."""
        return self.control.rank

    def size(self) -> int:
        """The number of processes."""
        return len(self.ranks)

    def name(self) -> str:
        """The name of the group in errors."""
        return self._name

    def on_host(self) -> ProcessGroup:
        """A view of the group for tensors in the host's memory, if the group itself is for GPUs."""
        if self.data.backend != "nccl":
            return self
        view = ProcessGroup(self._name, self.ranks, self.control, self.control, self.timeout)
        view._whole = self
        return view

    def is_one_of(self, made: Sequence[ProcessGroup]) -> bool:
        """Whether it, or the group of which it is a view, is in `made`."""
        return (self._whole or self) in made

    def departed(self) -> list[int]:
        """The global ranks that take no further part."""
        return [rank for rank in self.control.departed() if rank in self.ranks]

    def __repr__(self) -> str:
        return f"<ProcessGroup {self._name!r}: ranks {self.ranks}, by {self.data.backend}>"


class GroupMember:
    """`new_group` returns `NON_GROUP_MEMBER` to processes outside the new group.

    >>> import minigrad as torch
    >>> torch.distributed.GroupMember.NON_GROUP_MEMBER
    -100
    """

    NON_GROUP_MEMBER = -100


class _Groups:
    """The groups of this process; `WORLD` is the one of all processes."""

    def __init__(self) -> None:
        self.WORLD: ProcessGroup | None = None
        self.made: list[ProcessGroup] = []
        self.count = 0


groups = _Groups()


# ---- beginning and end ----------------------------------------------------------------------------


def init_process_group(
    backend: str | None = None, init_method: str | None = None, timeout: timedelta | None = None,
    world_size: int = -1, rank: int = -1, store: Any = None, group_name: str = "", pg_options: Any = None,
    device_id: Any = None,
) -> None:  # fmt: skip
    """Connects processes that were started by ``mpiexec -n 4 python program.py``, by torchrun, or a single one.

    `backend`: "mpi" for tensors in the host's memory (also called "gloo", as in PyTorch's programs), "nccl" for
    tensors on GPUs; the default "mpi" accepts GPU tensors too, through the host's memory. Rank and world size come
    from mpiexec, which `rank` and `world_size` must not contradict, else from these two, or the variables RANK and
    WORLD_SIZE. Without mpiexec the processes meet at `init_method`: ``env://`` (MASTER_ADDR and MASTER_PORT),
    ``tcp://host:port`` or ``file:///path``. No call waits longer than `timeout` (30 minutes).

    Raises TypeError for a `store`; ValueError when called twice, for numbers that contradict the launcher, and where it
    is not told where to meet; RuntimeError for another backend, where more than one process is asked for without MPI
    (it says what to install), and where the others do not come. As `torch.distributed.init_process_group`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_rank(), torch.distributed.get_world_size()
    (0, 1)
    >>> torch.distributed.destroy_process_group()
    """
    if store is not None:
        kind = type(store).__name__
        raise TypeError(f"init_process_group takes no store, got {kind}: the processes meet where init_method says")
    if groups.WORLD is not None:
        raise ValueError("trying to initialize the default process group twice!")
    if timeout is not None and not isinstance(timeout, timedelta):
        raise TypeError(
            f"Expected timeout argument to be of type datetime.timedelta, got {timeout!r}: "
            "timedelta(seconds=30), for example"
        )
    kind = library_for(backend)
    control = joining.join(init_method, world_size, rank, timeout or default_pg_timeout)
    groups.made, groups.count = [], 0
    groups.WORLD = _make_group(group_name or "WORLD", range(control.size), kind, control, timeout or default_pg_timeout)
    faults.stop_watching()
    if control.size > 1:
        faults.watch(control)


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leaves a group, or all groups; waits for transfers that are under way.

    Ranks that wait for this process afterwards get an error. Raises AssertionError before
    `init_process_group`, ValueError for a group that is none of ours or was left before.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.destroy_process_group()
    >>> torch.distributed.is_initialized()
    False
    """
    if groups.WORLD is None and group is None:
        raise AssertionError("Process group cannot be None: there is none, call init_process_group first")
    if group is not None and group not in groups.made:
        raise ValueError("Invalid process group specified: it was destroyed before, or this process is not in it")
    leaving = groups.WORLD if group is None else group
    assert leaving is not None
    failing = sys.exc_info()[0] is not None  # during the handling of an error: do not wait
    try:
        if not failing:
            work.drain(leaving.timeout)
    finally:
        if leaving is not groups.WORLD:
            groups.made.remove(leaving)
        else:
            if not failing:
                faults.stop_watching()
            faults.depart(leaving.control)
            groups.WORLD, groups.made = None, []


def is_available() -> bool:
    """True: this package is always there, and a program alone needs no more.

    >>> import minigrad as torch
    >>> torch.distributed.is_available()
    True
    """
    return True


def is_initialized() -> bool:
    """Whether `init_process_group` was called, and `destroy_process_group` was not.

    >>> import minigrad as torch
    >>> torch.distributed.is_initialized()
    False
    """
    return groups.WORLD is not None


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process.

    >>> import minigrad as torch
    >>> torch.distributed.is_torchelastic_launched()
    False
    """
    return launch.is_torchelastic_launched()


# ---- ranks ------------------------------------------------------------------------------------


def default_group() -> ProcessGroup:
    """The group of all processes. Raises ValueError before `init_process_group`."""
    if groups.WORLD is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return groups.WORLD


def group_or_world(group: Any) -> ProcessGroup | None:
    """The given group, or that of all processes; None if this process is not in it. Raises as `default_group`."""
    world = default_group()
    if group is None:
        return world
    if group is GroupMember.NON_GROUP_MEMBER or group == GroupMember.NON_GROUP_MEMBER:
        return None
    if not isinstance(group, ProcessGroup):
        raise TypeError(f"group must be a ProcessGroup, as new_group makes it, got {type(group).__name__}")
    if not group.is_one_of(groups.made):
        raise ValueError(f"{group!r} was destroyed")
    return group


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


def _require_member(group: Any) -> ProcessGroup:
    """The given group. Raises ValueError if this process is not in it."""
    member = group_or_world(group)
    if member is None:
        raise ValueError("Invalid process group specified: this process is not in it")
    return member


def get_backend(group: Any = None) -> str:
    """The backend, "mpi" or "nccl". Raises ValueError outside the group.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_backend()
    'mpi'
    >>> torch.distributed.destroy_process_group()
    """
    return _require_member(group).data.backend


def get_process_group_ranks(group: Any) -> list[int]:
    """The global ranks of the group, in its order.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_process_group_ranks(torch.distributed.group.WORLD)
    [0]
    >>> torch.distributed.destroy_process_group()
    """
    return list(_require_member(group).ranks)


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


# ---- more groups -----------------------------------------------------------------------------------


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
    return _make_group(group_desc or f"group {groups.count}", members, kind, control, timeout or world.timeout)


def _make_group(name: str, ranks: Sequence[int], kind: str, control: Communicator, timeout: timedelta) -> ProcessGroup:
    """Makes a group with backend `kind`; all its ranks must call this."""
    data = nccl.world(control) if kind == "nccl" else control.duplicate()
    groups.made.append(ProcessGroup(name, ranks, data, control, timeout))
    return groups.made[-1]


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
