"""A program alone: a world of one, with or without MPI, and what is said to who asks for more."""

import importlib.util
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import minigrad as torch
import minigrad.distributed as dist
from minigrad.distributed import launch as launching
from minigrad.distributed import mpi
from tests.distributed.launcher import launch, ranks

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "PMI_RANK", "PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")


@pytest.fixture
def _alone(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


pytestmark = pytest.mark.usefixtures("_alone")


def test_before_and_after():
    assert dist.is_available() and not dist.is_initialized()
    for call in (dist.get_rank, dist.get_world_size, dist.barrier, dist.get_backend):
        with pytest.raises(ValueError, match="has not been initialized, please make sure to call init_process_group"):
            call()
    with pytest.raises(AssertionError, match="cannot be None"):
        dist.destroy_process_group()
    for _ in range(2):
        dist.init_process_group("gloo", timeout=timedelta(seconds=5))
        assert (dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (0, 1, "mpi")
        assert dist.group.WORLD.size() == 1 and "WORLD" in repr(dist.group.WORLD)
        with pytest.raises(ValueError, match="twice"):
            dist.init_process_group()
        dist.destroy_process_group()
    assert dist.group.WORLD is None


def test_torchruns_variables_of_one(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    dist.init_process_group(init_method="env://", rank=0, world_size=1)
    assert dist.get_world_size() == 1 and dist.get_node_local_rank() == 0


def test_local_rank_unknown():
    assert dist.get_node_local_rank(3) == 3
    with pytest.raises(RuntimeError, match="LOCAL_RANK is not in the environment"):
        dist.get_node_local_rank()


@pytest.mark.parametrize("ask", ["argument", "environment"])
def test_more_than_one_without_mpi(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(mpi, "is_installed", lambda: False)
    mpi.library.cache_clear()
    if ask == "environment":
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setenv("RANK", "0")
    with pytest.raises(RuntimeError, match=r"doesn't have MPI built in.*pip install mpi4py mpich"):
        dist.init_process_group(**({"world_size": 2, "rank": 0} if ask == "argument" else {}))
    assert not dist.is_initialized()


def test_more_than_one_without_mpiexec(monkeypatch):
    monkeypatch.setattr(mpi, "is_installed", lambda: True)
    with pytest.raises(RuntimeError, match="write mpiexec -n 4 python"):
        dist.init_process_group(world_size=4, rank=0)


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        ({"rank": 3}, ValueError, "rank is 3 by the arguments, but 0 by the launcher"),
        ({"world_size": 0}, ValueError, "world_size is 0 by the arguments, but 1"),
        ({"backend": "carrier pigeon"}, RuntimeError, "Unknown backend 'carrier pigeon'"),
        ({"timeout": 30}, TypeError, r"timedelta\(seconds=30\)"),
    ],
)
def test_refused(arguments, kind, told):
    with pytest.raises(kind, match=told):
        dist.init_process_group(**arguments)
    assert not dist.is_initialized()


def test_nccl_without_gpu():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert not dist.is_nccl_available()
    with pytest.raises(RuntimeError, match="doesn't have NCCL built in"):
        dist.init_process_group("nccl")


def test_what_launchers_tell(monkeypatch):
    told = {
        "mpich": ({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALRANKID": "1"}, (1, 4, 1, True)),
        "open mpi": (
            {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "0"},
            (2, 3, 0, True),
        ),
        "srun": ({"PMIX_RANK": "5", "SLURM_LOCALID": "1"}, (5, None, 1, True)),
        "torchrun": ({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}, (1, 2, 1, False)),
        "nobody": ({}, (None, None, None, False)),
    }
    for environment, expected in told.values():
        assert launching.place(environment) == expected
    with pytest.raises(ValueError, match="WORLD_SIZE must be a number of processes, got 'two'"):
        launching.place({"WORLD_SIZE": "two"})


def test_importing_starts_no_mpi():
    code = "import sys, minigrad.distributed; assert 'mpi4py' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="needs mpi4py")
def test_wrong_world_sizes_are_refused_on_every_rank():
    code = (
        "import sys, minigrad.distributed as dist\n"
        "try: dist.init_process_group(world_size=3)\n"
        "except ValueError as error: print(error)\n"
    )
    done = launch(2, "-c", code)
    assert done.stdout.count("world_size is 3 by the arguments, but 2 by the launcher (mpiexec)") == 2
    done = launch(2, "-c", code.replace("world_size=3", ""), WORLD_SIZE="8")
    assert done.stdout.count("world_size is 8 by the environment variables, but 2 by the launcher (mpiexec)") == 2


@ranks(1, 2, 3, 4)
def test_the_environment_tells_as_torchrun_does():
    rank, size = dist.get_rank(), dist.get_world_size()
    assert [os.environ[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")] == [str(rank), str(size), str(rank)]
    assert dist.get_node_local_rank() == rank
