"""The communication backends by PyTorch's names: "mpi" (also called "gloo") and "nccl"."""

from __future__ import annotations

from typing import Any

from minigrad import devices
from minigrad.distributed import mpi, nccl

_BACKENDS = {"mpi": "mpi", "gloo": "mpi", "nccl": "nccl", "cpu:gloo,cuda:nccl": "nccl", "cpu:mpi,cuda:nccl": "nccl"}


class Backend(str):
    """The name of a library that moves data, in small letters: ``Backend("MPI") == Backend.MPI == "mpi"``.

    `init_process_group` says which of them are here. Raises ValueError for what is no name.

    >>> import minigrad as torch
    >>> torch.distributed.Backend("MPI") == torch.distributed.Backend.MPI
    True
    """

    GLOO, MPI, NCCL, UCC, UNDEFINED = "gloo", "mpi", "nccl", "ucc", "undefined"
    backend_list = (UNDEFINED, GLOO, NCCL, UCC, MPI)

    def __new__(cls, name: str) -> Backend:
        """The name that is meant."""
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, got {name!r}")
        return super().__new__(cls, name.lower())


def library_for(name: str | None) -> str:
    """What serves the backend of that name, "mpi" or "nccl". Raises RuntimeError for others."""
    if name is None:
        return "mpi"
    known = _BACKENDS.get(str(name).lower())
    if known is None:
        raise RuntimeError(f"Unknown backend {name!r}: minigrad has 'mpi' (for which 'gloo' also stands) and 'nccl'")
    return known


def is_mpi_available() -> bool:
    """Whether mpi4py is installed, without which a world has one process.

    >>> import minigrad as torch
    >>> isinstance(torch.distributed.is_mpi_available(), bool)
    True
    """
    return mpi.is_installed()


def is_gloo_available() -> bool:
    """Whether "gloo" works as a backend: it stands for MPI here.

    >>> import minigrad as torch
    >>> isinstance(torch.distributed.is_gloo_available(), bool)
    True
    """
    return mpi.is_installed()


def is_nccl_available() -> bool:
    """Whether CuPy with NCCL is installed.

    >>> import minigrad as torch
    >>> isinstance(torch.distributed.is_nccl_available(), bool)
    True
    """
    return nccl.is_installed()


def is_backend_available(backend: str) -> bool:
    """Whether `init_process_group` can take it; "gloo" stands for MPI.

    >>> import minigrad as torch
    >>> torch.distributed.is_backend_available("ucc")
    False
    """
    library = {"mpi": mpi, "nccl": nccl}.get(_BACKENDS.get(Backend(backend), ""))
    return library is not None and library.is_installed()


def get_default_backend_for_device(device: Any) -> str:
    """What moves tensors of that device by itself: "nccl" for GPUs, else "gloo", which is MPI here.

    >>> import minigrad as torch
    >>> torch.distributed.get_default_backend_for_device("cpu")
    'gloo'
    """
    return Backend.NCCL if devices.device(device).type == "cuda" else Backend.GLOO
