"""The communication backends by PyTorch's names: "mpi" (also called "gloo") and "nccl"."""

from __future__ import annotations

from typing import Any

from minigrad import devices
from minigrad.distributed import mpi, nccl

_BACKENDS = {"mpi": "mpi", "gloo": "mpi", "nccl": "nccl", "cpu:gloo,cuda:nccl": "nccl", "cpu:mpi,cuda:nccl": "nccl"}


class Backend(str):
    """The name of a backend in lower case: ``Backend("MPI") == Backend.MPI == "mpi"``.

    `init_process_group` says which are supported. Raises ValueError unless it is a string.

    >>> import minigrad as torch
    >>> torch.distributed.Backend("MPI") == torch.distributed.Backend.MPI
    True
    """

    GLOO, MPI, NCCL, UCC, UNDEFINED = "gloo", "mpi", "nccl", "ucc", "undefined"
    backend_list = (UNDEFINED, GLOO, NCCL, UCC, MPI)

    def __new__(cls, name: str) -> Backend:
        """Normalizes the name."""
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, got {name!r}")
        return super().__new__(cls, name.lower())


def library_for(name: str | None) -> str:
    """The library for a backend: "mpi" or "nccl". Raises RuntimeError for other names."""
    if name is None:
        return "mpi"
    known = _BACKENDS.get(str(name).lower())
    if known is None:
        raise RuntimeError(f"Unknown backend {name!r}: minigrad has 'mpi' (for which 'gloo' also stands) and 'nccl'")
    return known


def is_mpi_available() -> bool:
    """Whether mpi4py is installed, which several processes need.

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
    """Whether `init_process_group` accepts a backend; "gloo" means MPI.

    >>> import minigrad as torch
    >>> torch.distributed.is_backend_available("ucc")
    False
    """
    library = {"mpi": mpi, "nccl": nccl}.get(_BACKENDS.get(Backend(backend), ""))
    return library is not None and library.is_installed()


def get_default_backend_for_device(device: Any) -> str:
    """The default backend of a device: "nccl" for GPUs, else "gloo", which is MPI here.

    >>> import minigrad as torch
    >>> torch.distributed.get_default_backend_for_device("cpu")
    'gloo'
    """
    return Backend.NCCL if devices.device(device).type == "cuda" else Backend.GLOO
