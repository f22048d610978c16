"""Connects a process to the others: through mpiexec, through minigrad's rendezvous, or not at all if it is alone."""

from __future__ import annotations

import os
from datetime import timedelta

from minigrad.distributed import faults, launch, mpi, rendezvous
from minigrad.distributed.communicator import ALONE, Communicator


def join(init_method: str | None, world_size: int, rank: int, timeout: timedelta) -> Communicator:
    """The communicator of all processes, by the launcher and the arguments. Raises ValueError if these disagree.

    -1 means that a number is not given; other arguments as in `init_process_group`.
    """
    started = launch.place()
    if not started.by_mpi:
        size = (started.world_size or 1) if world_size == -1 else world_size
        if size > 1:
            return _meet(init_method, size, started.rank if rank == -1 else rank, timeout)
    # A single process under an MPI launcher needs no library either.
    alone = not started.by_mpi or (started.world_size == 1 and not mpi.is_installed())
    control = ALONE if alone else mpi.world()
    launcher = "the launcher (mpiexec)" if started.by_mpi else "the launcher (none: the program was started alone)"
    _refuse_other(control, launcher, world_size, rank, "the arguments")
    place = launch.read_torchrun()
    _refuse_other(control, launcher, place.world_size, place.rank, "the environment variables")
    _tell_environment(control, started)
    return control


def _meet(init_method: str | None, world_size: int, rank: int | None, timeout: timedelta) -> Communicator:
    """Starts MPI among processes that know each other from arguments or torchrun's variables."""
    if not mpi.is_installed():
        mpi.library()  # raises an error that says what to install
    if rank is None:
        raise launch.missing_variable("RANK")
    if not 0 <= rank < world_size:
        raise ValueError(f"rank must be at least 0 and less than world_size, got rank {rank} of {world_size}")
    rendezvous.join(launch.meeting(init_method), rank, world_size, timeout.total_seconds())
    control = mpi.world()
    _refuse_other(control, "the first init_process_group", world_size, rank, "this one")
    return control


def _refuse_other(control: Communicator, known_by: str, world_size: int | None, rank: int | None, source: str) -> None:
    """Raises ValueError if given numbers (None or -1: not given) differ from those of `control`."""
    for name, number, known in (("world_size", world_size, control.size), ("rank", rank, control.rank)):
        if number not in (None, -1, known):
            raise ValueError(f"{name} is {number} by {source}, but {known} by {known_by}")


def _tell_environment(control: Communicator, started: launch.Place) -> None:
    """Sets torchrun's variables under other launchers, because programs read them."""
    if not started.by_mpi:
        return
    os.environ.setdefault("RANK", str(control.rank))
    os.environ.setdefault("WORLD_SIZE", str(control.size))
    if started.local_rank is not None:
        os.environ.setdefault("LOCAL_RANK", str(started.local_rank))


def _join_and_leave() -> Communicator:
    """Joins the others for a rank that ends before `init_process_group`, and leaves at once."""
    control = mpi.world()
    control.duplicate()
    return control


if launch.place().by_mpi and launch.place().world_size != 1 and mpi.is_installed():
    faults.watch_start(_join_and_leave)
