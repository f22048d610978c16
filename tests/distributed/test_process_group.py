"""A program in one process: a world of one, with or without MPI, and the errors of calls that need more ranks."""

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
VARIABLES = (
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "PMI_RANK", "PMI_SIZE", "PMIX_RANK",
    "OMPI_COMM_WORLD_RANK",
)  # fmt: skip


@pytest.fixture
def _alone(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


pytestmark = pytest.mark.usefixtures("_alone")


def test_a_process_group_can_be_made_and_destroyed_again():
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
    with pytest.raises(TypeError, match="takes no store, got dict: the processes meet where init_method says"):
        dist.init_process_group(store={})
    assert dist.group.WORLD is None


def test_torchruns_variables_make_a_world_of_one(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    dist.init_process_group(init_method="env://", rank=0, world_size=1)
    assert dist.get_world_size() == 1 and dist.get_node_local_rank() == 0


def test_an_unknown_local_rank_is_the_fallback_or_an_error():
    assert dist.get_node_local_rank(3) == 3
    with pytest.raises(RuntimeError, match="LOCAL_RANK is not in the environment"):
        dist.get_node_local_rank()


@pytest.mark.parametrize("ask", ["argument", "environment"])
def test_several_ranks_without_mpi_are_refused(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(mpi, "is_installed", lambda: False)
    mpi.library.cache_clear()
    if ask == "environment":
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setenv("RANK", "0")
    with pytest.raises(RuntimeError, match=r"doesn't have MPI built in.*pip install mpi4py mpich"):
        dist.init_process_group(**({"world_size": 2, "rank": 0} if ask == "argument" else {}))
    assert not dist.is_initialized()


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ({"rank": 0}, {}, "environment variable MASTER_ADDR expected, but not set.*mpiexec -n 4 python"),
        ({}, {"MASTER_ADDR": "localhost"}, "environment variable RANK expected, but not set"),
        ({"rank": 4}, {}, "rank must be at least 0 and less than world_size, got rank 4 of 4"),
        ({"rank": -2}, {}, "got rank -2 of 4"),
        ({"rank": 0}, {"MASTER_ADDR": "localhost", "MASTER_PORT": "0"}, "MASTER_PORT must be a port, from 1 to 65535"),
        ({"rank": 0}, {"MASTER_ADDR": "localhost", "MASTER_PORT": "x"}, "MASTER_PORT must be a number, got 'x'"),
        ({"rank": 0, "init_method": "http://x"}, {}, "init_method must be env://, tcp://host:port or file:///path"),
        ({"rank": 0, "init_method": "tcp://node1"}, {}, "init_method must be env://, tcp://host:port or file:///path"),
    ],
)
def test_incomplete_rendezvous_arguments_are_refused(arguments, variables, message, monkeypatch):
    monkeypatch.setattr(mpi, "is_installed", lambda: True)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        dist.init_process_group("gloo", world_size=4, **arguments)


def test_meeting_reads_host_port_and_file():
    variables = {"MASTER_ADDR": "node1", "MASTER_PORT": "29500"}
    assert launching.meeting(None, variables) == launching.meeting("env://", variables) == ("node1", 29500, None)
    assert launching.meeting("tcp://10.0.0.1:23456") == ("10.0.0.1", 23456, None)
    assert launching.meeting("tcp://[::1]:23456") == ("::1", 23456, None)
    assert launching.meeting("file:///shared/meet") == ("", 0, Path("/shared/meet"))
    agent = {**variables, "TORCHELASTIC_USE_AGENT_STORE": "True"}  # torchrun itself listens on MASTER_PORT
    assert launching.meeting(None, agent) == ("node1", 30500, None)
    assert launching.meeting(None, {**agent, "MASTER_PORT": "65000"}) == ("node1", 64000, None)
    assert launching.meeting(None, {**agent, "MINIGRAD_PORT": "4711"}) == ("node1", 4711, None)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"rank": 3}, ValueError, "rank is 3 by the arguments, but 0 by the launcher"),
        ({"world_size": 0}, ValueError, "world_size is 0 by the arguments, but 1"),
        ({"backend": "carrier pigeon"}, RuntimeError, "Unknown backend 'carrier pigeon'"),
        ({"timeout": 30}, TypeError, r"timedelta\(seconds=30\)"),
    ],
)
def test_contradicting_arguments_are_refused(arguments, kind, message):
    with pytest.raises(kind, match=message):
        dist.init_process_group(**arguments)
    assert not dist.is_initialized()


def test_backends_have_pytorchs_names():
    assert dist.Backend("GLOO") == dist.Backend.GLOO == "gloo" and dist.Backend.MPI in dist.Backend.backend_list
    with pytest.raises(ValueError, match="must be string-ish, got 3"):
        dist.Backend(3)
    dist.init_process_group(dist.Backend.GLOO)
    assert dist.is_backend_available("MPI") is dist.is_mpi_available() and not dist.is_backend_available("pigeon")
    assert dist.get_default_backend_for_device(torch.device("cuda")) == "nccl"
    assert dist.get_default_backend_for_device("cpu") == "gloo"


@pytest.mark.usefixtures("no_gpu")
def test_nccl_without_a_gpu_is_refused():
    assert not dist.is_nccl_available()
    with pytest.raises(RuntimeError, match="doesn't have NCCL built in"):
        dist.init_process_group("nccl")


def test_place_reads_the_variables_of_each_launcher(monkeypatch):
    launchers = {
        "mpich": ({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALRANKID": "1"}, (1, 4, 1, True)),
        "open mpi": (
            {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "0"},
            (2, 3, 0, True),
        ),
        "srun": ({"PMIX_RANK": "5", "SLURM_LOCALID": "1"}, (5, None, 1, True)),
        "torchrun": ({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}, (1, 2, 1, False)),
        "torchrun under srun": (
            {
                "RANK": "3",
                "WORLD_SIZE": "4",
                "LOCAL_RANK": "1",
                "PMI_RANK": "1",
                "PMI_SIZE": "2",
                "TORCHELASTIC_RUN_ID": "7",
            },
            (3, 4, 1, False),
        ),
        "nobody": ({}, (None, None, None, False)),
    }
    for environment, expected in launchers.values():
        assert launching.place(environment) == expected
    with pytest.raises(ValueError, match="WORLD_SIZE must be a number, got 'two'"):
        launching.place({"WORLD_SIZE": "two"})


def test_importing_does_not_import_mpi4py():
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
def test_the_environment_gets_torchruns_variables():
    rank, size = dist.get_rank(), dist.get_world_size()
    assert [os.environ[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")] == [str(rank), str(size), str(rank)]
    assert dist.get_node_local_rank() == rank
