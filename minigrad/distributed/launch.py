"""Rank, world size and meeting address, read from the environment variables of the launcher."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

# By launcher: the variables that hold this process's number, the count of processes, and the number on this machine.
# MPICH's and Intel's mpiexec and srun --mpi=pmi2; Open MPI's; srun --mpi=pmix tells no count.
_MPI_VARIABLES = (
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("PMIX_RANK", "", "SLURM_LOCALID"),
)
_TORCHRUN_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
BESIDE_AGENT = 1000  # torchrun's own server listens on MASTER_PORT; the processes meet so many ports above it


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
    inherited = is_torchelastic_launched(environment) or _is_child()  # what is told of MPI means who started this
    for names in _MPI_VARIABLES:
        if names[0] in environment and not inherited:
            return _read_place(environment, names, by_mpi=True)
    return read_torchrun(environment)


def _is_child() -> bool:
    """Whether `multiprocessing` started this process."""
    library = sys.modules.get("multiprocessing.process")
    return library is not None and library.parent_process() is not None


def is_torchelastic_launched(environment: Mapping[str, str] | None = None) -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in (os.environ if environment is None else environment)


def read_torchrun(environment: Mapping[str, str] | None = None) -> Place:
    """What torchrun's variables alone tell: they must not contradict mpiexec's."""
    environment = os.environ if environment is None else environment
    return _read_place(environment, _TORCHRUN_VARIABLES, by_mpi=False)


def _read_place(environment: Mapping[str, str], names: tuple[str, str, str], by_mpi: bool) -> Place:
    rank, world_size, local_rank = [_read_number(environment, name) for name in names]
    return Place(rank, world_size, local_rank, by_mpi)


def _read_number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    if not text:
        return None
    if not text.isdigit():
        raise ValueError(f"the environment variable {name} must be a number, got {text!r}")
    return int(text)


def name_rank(rank: int | None, world_size: int | None) -> str:
    """[rank 1 of 4, on node7]"""
    return f"[rank {rank} of {world_size}, on {platform.node()}]"


class Meeting(NamedTuple):
    """Where processes meet that no mpiexec brings together: at a host's port, or in a file that names it."""

    host: str
    port: int
    file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.file is None else f"the place that {self.file} names"


def meeting(init_method: str | None, environment: Mapping[str, str] | None = None) -> Meeting:
    """What ``env://`` says (MASTER_ADDR and MASTER_PORT; also without a method), ``tcp://host:port``, ``file:///path``.

    Raises ValueError for other methods, and for variables that are missing or no port.

    >>> print(meeting("tcp://node1:29500"))
    node1:29500
    """
    address = urlsplit(init_method or "env://")
    if address.scheme == "file" and address.path:
        return Meeting("", 0, Path(address.path))
    if address.scheme == "tcp" and address.hostname and address.port:
        return Meeting(address.hostname, address.port)
    if address.scheme == "env":
        return _read_meeting(os.environ if environment is None else environment)
    raise ValueError(f"init_method must be env://, tcp://host:port or file:///path, got {init_method!r}")


def _read_meeting(environment: Mapping[str, str]) -> Meeting:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if not environment.get(name):
            raise missing_variable(name)
    own = environment.get("MINIGRAD_PORT")
    port = _read_number(environment, "MINIGRAD_PORT" if own else "MASTER_PORT") or 0
    if not own and environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        port += BESIDE_AGENT if port + BESIDE_AGENT < 65536 else -BESIDE_AGENT
    if not 0 < port < 65536:
        raise ValueError(f"the environment variable MASTER_PORT must be a port, from 1 to 65535, got {port}")
    return Meeting(environment["MASTER_ADDR"], port)


def missing_variable(name: str) -> ValueError:
    """The error for an environment variable without which the processes do not find each other."""
    return ValueError(
        f"Error initializing torch.distributed using env:// rendezvous: environment variable {name} expected, but not "
        "set; torchrun sets it, and mpiexec -n 4 python program.py needs none"
    )
