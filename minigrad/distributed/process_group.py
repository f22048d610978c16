"""Groups of processes: `ProcessGroup`, `init_process_group` and `destroy_process_group`.

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
        if not self.data.on_gpu:
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
    groups.WORLD = make_group(group_name or "WORLD", range(control.size), kind, control, timeout or default_pg_timeout)
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


# ---- groups that are given ------------------------------------------------------------------------


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


def require_member(
    group: Any, refusal: str = "Invalid process group specified: this process is not in it"
) -> ProcessGroup:
    """The given group, or that of all processes. Raises ValueError with the words `refusal` outside it."""
    member = group_or_world(group)
    if member is None:
        raise ValueError(refusal)
    return member


def make_group(name: str, ranks: Sequence[int], kind: str, control: Communicator, timeout: timedelta) -> ProcessGroup:
    """Makes a group with backend `kind`; all its ranks must call this."""
    data = nccl.world(control) if kind == "nccl" else control.duplicate()
    groups.made.append(ProcessGroup(name, ranks, data, control, timeout))
    return groups.made[-1]
