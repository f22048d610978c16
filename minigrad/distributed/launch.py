"""Rank, world size and meeting address, read from the environment variables of the launcher."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

# For each launcher the variables with the rank, the world size, and the local rank:
# MPICH's and Intel's mpiexec and srun --mpi=pmi2; Open MPI's; srun --mpi=pmix, which gives no world size.
_MPI_VARIABLES = (
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("PMIX_RANK", "", "SLURM_LOCALID"),
)
_TORCHRUN_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
BESIDE_AGENT = 1000  # torchrun itself listens on MASTER_PORT; the processes use MASTER_PORT plus this


class Place(NamedTuple):
    """Rank, world size and local rank; None for numbers that the launcher does not give."""

    rank: int | None
    world_size: int | None
    local_rank: int | None
    by_mpi: bool  # started by mpiexec or srun, so that MPI finds the others


def place(environment: Mapping[str, str] | None = None) -> Place:
    """The place of this process from mpiexec's variables, else torchrun's, else a single process.

    Raises ValueError for a variable that is no number.

    >>> place({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALRANKID": "1"})
    Place(rank=1, world_size=4, local_rank=1, by_mpi=True)
    """
    environment = os.environ if environment is None else environment
    inherited = is_torchelastic_launched(environment) or _is_child()  # MPI's variables are the parent's
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
    """The place from torchrun's variables, which must not contradict mpiexec's."""
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
    """The prefix of messages: "[rank 1 of 4, on node7]"."""
    return f"[rank {rank} of {world_size}, on {platform.node()}]"


class Meeting(NamedTuple):
    """The address of the rendezvous without mpiexec: a host and a port, or a file that holds them."""

    host: str
    port: int
    file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.file is None else f"the place that {self.file} names"


def meeting(init_method: str | None, environment: Mapping[str, str] | None = None) -> Meeting:
    """The address of ``env://`` (MASTER_ADDR and MASTER_PORT, the default), ``tcp://host:port`` or ``file:///path``.

    Raises ValueError for other methods, and for missing variables or an invalid port.

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
    """The error for a missing environment variable."""
    return ValueError(
        f"Error initializing torch.distributed using env:// rendezvous: environment variable {name} expected, but not "
        "set; torchrun sets it, and mpiexec -n 4 python program.py needs none"
    )
