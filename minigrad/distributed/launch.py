"""Which process of how many this is: what the program that started it left in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

# By launcher: the variables that hold this process's number, the count of processes, and the number on this machine.
# MPICH's and Intel's mpiexec and srun --mpi=pmi2; Open MPI's; srun --mpi=pmix tells no count.
_MPI_VARIABLES = (
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("PMIX_RANK", "", "SLURM_LOCALID"),
)
_TORCHRUN_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")


class Place(NamedTuple):
    """This process among those that were started together; None for what the launcher does not tell."""

    rank: int | None
    world_size: int | None
    local_rank: int | None
    by_mpi: bool  # started by mpiexec or srun, so that MPI finds the others


def place(environment: Mapping[str, str] | None = None) -> Place:
    """What the environment tells: mpiexec's variables first, then torchrun's; a process of its own without either.

    Raises ValueError for a variable that is no number.

    >>> place({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALRANKID": "1"})
    Place(rank=1, world_size=4, local_rank=1, by_mpi=True)
    """
    environment = os.environ if environment is None else environment
    for names in _MPI_VARIABLES:
        if names[0] in environment:
            return _place(environment, names, by_mpi=True)
    return told_by_torchrun(environment)


def told_by_torchrun(environment: Mapping[str, str] | None = None) -> Place:
    """What torchrun's variables alone tell: they must not contradict mpiexec's."""
    environment = os.environ if environment is None else environment
    return _place(environment, _TORCHRUN_VARIABLES, by_mpi=False)


def _place(environment: Mapping[str, str], names: tuple[str, str, str], by_mpi: bool) -> Place:
    rank, world_size, local_rank = [_number(environment, name) for name in names]
    return Place(rank, world_size, local_rank, by_mpi)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    if not text:
        return None
    if not text.isdigit():
        raise ValueError(f"the environment variable {name} must be a number of processes, got {text!r}")
    return int(text)
