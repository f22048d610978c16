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
    """Some of the processes: made by `init_process_group` and `new_group`, passed as `group=` to the collectives.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.group.WORLD
    <ProcessGroup 'WORLD': ranks [0], by mpi>
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(
        self, name: str, ranks: Sequence[int], data: Communicator, control: Communicator, timeout: timedelta
    ) -> None:
        self.ranks = list(ranks)  # by their number in the group: their number in the world
        self.data, self.control = data, control  # what users send, and what we ask each other
        self.timeout = timeout
        self._name = name
        self._whole: ProcessGroup | None = None  # the group that this is a view of

    def rank(self) -> int:
        """This process's number in the group."""
        return self.control.rank

    def size(self) -> int:
        """How many processes it has."""
        return len(self.ranks)

    def name(self) -> str:
        """What errors call it."""
        return self._name

    def on_host(self) -> ProcessGroup:
        """The same members, for tensors in the host's memory: where the group moves GPUs', its view of the ranks."""
        if self.data.backend != "nccl":
            return self
        view = ProcessGroup(self._name, self.ranks, self.control, self.control, self.timeout)
        view._whole = self
        return view

    def is_one_of(self, made: Sequence[ProcessGroup]) -> bool:
        """Whether it, or what it is a view of, is among the groups that were made."""
        return (self._whole or self) in made

    def departed(self) -> list[int]:
        """Its members that take no further part, by their number in the world."""
        return [rank for rank in self.control.departed() if rank in self.ranks]

    def __repr__(self) -> str:
        return f"<ProcessGroup {self._name!r}: ranks {self.ranks}, by {self.data.backend}>"


class GroupMember:
    """What `new_group` gives to processes that are not in the new group.

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
    """Join the processes that were started together: by ``mpiexec -n 4 python program.py``, by torchrun, or one alone.

    `backend`: "mpi" for tensors in the host's memory (also called "gloo", as in PyTorch's programs), "nccl" for
    tensors on GPUs; without it "mpi", which takes GPUs' tensors too, through the host's memory. Who this is, and of
    how many, is told by mpiexec, which `rank` and `world_size` must not contradict, or else by these two, or the
    variables RANK and WORLD_SIZE. Without mpiexec the processes meet where `init_method` says: ``env://``
    (MASTER_ADDR and MASTER_PORT), ``tcp://host:port`` or ``file:///path``. No call waits longer than `timeout` (30
    minutes).

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
    """Leave the group, or the world and with it all groups; what is still on its way is waited for.

    Others that wait for this process afterwards are told that it left. Raises AssertionError before
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
    failing = sys.exc_info()[0] is not None  # called on the way out of an error: nobody is waited for
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


# ---- who is who ------------------------------------------------------------------------------------


def default_group() -> ProcessGroup:
    """The world. Raises ValueError before `init_process_group`."""
    if groups.WORLD is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return groups.WORLD


def group_or_world(group: Any) -> ProcessGroup | None:
    """The group that is meant; None where this process is not in it. Raises as `default_group`, and TypeError."""
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
    """This process's number in the group, from 0; -1 outside it.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_rank()
    0
    >>> torch.distributed.destroy_process_group()
    """
    member = group_or_world(group)
    return -1 if member is None else member.rank()


def get_world_size(group: Any = None) -> int:
    """How many processes the group has; -1 outside it.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_world_size()
    1
    >>> torch.distributed.destroy_process_group()
    """
    member = group_or_world(group)
    return -1 if member is None else member.size()


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """This process's number on its machine: the GPU to take. Raises RuntimeError where no launcher told it.

    >>> import minigrad as torch
    >>> torch.distributed.get_node_local_rank(fallback_rank=0)
    0
    """
    local = launch.place().local_rank
    if local is None and fallback_rank is None:
        raise RuntimeError("LOCAL_RANK is not in the environment: start the program by mpiexec, or pass fallback_rank")
    return int(local if local is not None else fallback_rank or 0)


def _require_member(group: Any) -> ProcessGroup:
    """The group that is meant. Raises ValueError where this process is not in it."""
    member = group_or_world(group)
    if member is None:
        raise ValueError("Invalid process group specified: this process is not in it")
    return member


def get_backend(group: Any = None) -> str:
    """The library that moves the data, "mpi" or "nccl". Raises ValueError outside the group.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_backend()
    'mpi'
    >>> torch.distributed.destroy_process_group()
    """
    return _require_member(group).data.backend


def get_process_group_ranks(group: Any) -> list[int]:
    """The members by their numbers in the world, in the group's order.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.get_process_group_ranks(torch.distributed.group.WORLD)
    [0]
    >>> torch.distributed.destroy_process_group()
    """
    return list(_require_member(group).ranks)


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number in the world of member `group_rank`. Raises ValueError where there is none.

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
    """The number in `group` of the process `global_rank`. Raises ValueError where it is no member.

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
    """A group of the processes `ranks` (all of them without it); all processes of the world call this, in one order.

    Gives `GroupMember.NON_GROUP_MEMBER` to processes outside it. Raises ValueError for ranks that are not in the
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
    """A group whose tensors the library `kind` moves; all its members call this together."""
    data = nccl.world(control) if kind == "nccl" else control.duplicate()
    groups.made.append(ProcessGroup(name, ranks, data, control, timeout))
    return groups.made[-1]


def new_subgroups(group_size: int, group: Any = None, timeout: timedelta | None = None) -> tuple[Any, list[Any]]:
    """The world cut into groups of `group_size` neighbours: the own one, and all of them (numbers outside their own).

    Raises ValueError where `group_size` does not divide the size.

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
