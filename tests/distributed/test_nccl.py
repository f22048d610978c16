"""Calls of NCCL on the strict stand-in for CuPy, and tensors on GPUs that MPI sends through the host's memory."""

import contextlib
import weakref

import pytest

import minigrad as torch
import minigrad.distributed as dist
from minigrad import backend, nn
from tests import standin
from tests.distributed.launcher import catch_refusal, ranks
from tests.standin import nccl


@contextlib.contextmanager
def use_gpus(kind="nccl"):
    """Inside, 'cuda' is the stand-in, and the group's backend is `kind`."""
    before = standin.cupy.cuda.__dict__.get("nccl")
    standin.cupy.cuda.nccl = nccl
    timeout = dist.group.WORLD.timeout if dist.is_initialized() else None
    if dist.is_initialized():
        dist.destroy_process_group()
    try:
        with backend.use_library(standin.cupy):
            dist.init_process_group(kind, timeout=timeout)
            yield
            dist.destroy_process_group()
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
        if before is None:
            del standin.cupy.cuda.nccl
        dist.init_process_group(timeout=timeout)


def check_collectives():
    rank, size = dist.get_rank(), dist.get_world_size()
    total = size * (size + 1) / 2
    for dtype in (torch.float32, torch.float64, torch.int64):
        x = torch.full((2, 3), rank + 1, dtype=dtype, device="cuda")
        dist.all_reduce(x)
        assert x.tolist() == [[total] * 3] * 2
    x = torch.full((2,), rank + 1.0, device="cuda")
    dist.all_reduce(x, dist.ReduceOp.AVG)
    assert x.tolist() == [total / size] * 2
    dist.all_reduce(flags := torch.tensor([True, rank == 0], device="cuda"), dist.ReduceOp.MIN)
    assert flags.tolist() == [True, size == 1]
    dist.broadcast(x := torch.tensor([rank], device="cuda"), size - 1)
    dist.reduce(y := torch.tensor([rank + 1], device="cuda"), 0)
    assert x.item() == size - 1 and y.item() == (total if rank == 0 else rank + 1)
    dist.all_gather(
        everybody := [torch.zeros(1, device="cuda") for _ in range(size)], torch.ones(1, device="cuda") * rank
    )
    assert [t.item() for t in everybody] == list(range(size))
    kept = [torch.zeros(1, device="cuda") for _ in range(size)] if rank == 0 else None
    dist.gather(torch.ones(1, device="cuda") * rank, kept)
    assert kept is None or [t.item() for t in kept] == list(range(size))
    dist.scatter(x := torch.zeros(1, device="cuda"), kept)
    assert x.item() == rank
    dist.reduce_scatter_tensor(x := torch.zeros(1, device="cuda"), torch.arange(float(size), device="cuda"))
    assert x.item() == rank * size
    dist.all_to_all_single(x := torch.zeros(size, device="cuda"), torch.arange(float(size), device="cuda") + 10 * rank)
    assert x.tolist() == [10 * r + rank for r in range(size)]
    dist.barrier()
    if size > 1:
        works = dist.batch_isend_irecv([dist.P2POp(dist.isend, x, (rank + 1) % size)]) if rank == 0 else []
        if rank == 1:
            dist.recv(y := torch.zeros(size, device="cuda"), 0)
            assert y[1].item() == 10
        assert all(work.wait() for work in works)


def check_data_parallel():
    rank, size = dist.get_rank(), dist.get_world_size()
    for options in ({}, {"gradient_as_bucket_view": True}, {"find_unused_parameters": True}):
        torch.manual_seed(rank)
        net = nn.parallel.DistributedDataParallel(nn.Linear(2, 1).to("cuda"), **options)
        net(torch.full((1, 2), rank + 1.0, device="cuda")).sum().backward()
        grad = net.module.weight.grad
        assert grad.is_cuda and grad.tolist() == [[(size + 1) / 2] * 2]


@ranks(1, 2, 3)
def test_nccl_computes_all_collectives():
    with use_gpus():
        assert dist.get_backend() == "nccl" and dist.is_nccl_available()
        check_collectives()
        check_data_parallel()
        dist.all_gather_object(everybody := [None] * dist.get_world_size(), dist.get_rank())
        assert everybody == list(range(dist.get_world_size()))
        message = catch_refusal(RuntimeError, dist.all_reduce, torch.ones(1))
        assert "No backend type associated with device type cpu" in message
        x = torch.tensor([True], device="cuda")
        assert "does not reduce bool by BXOR" in catch_refusal(RuntimeError, dist.all_reduce, x, dist.ReduceOp.BXOR)
        if dist.get_world_size() > 1:
            assert "name the source" in catch_refusal(RuntimeError, dist.recv, torch.ones(1, device="cuda"))


@ranks(1)
def test_a_transfer_keeps_its_arrays():
    """Freed earlier, their memory would be reused while NCCL reads it."""
    add, empty = dist.ReduceOp.SUM, standin.cupy.empty
    with use_gpus():
        data = dist.group.WORLD.data
        for start in (
            lambda x: data.broadcast(x, 0),
            lambda x: data.reduce(x, add, 0),
            lambda x: data.all_gather(x, empty((1, 2))),
            lambda x: data.gather(x, empty((1, 2)), 0),
            lambda x: data.scatter(x[None], empty(2), 0),
            lambda x: data.reduce_scatter(x[None], empty(2), add),
            lambda x: data.all_to_all(x, [2], empty(2), [2]),
        ):
            x = standin.cupy.ones(2)
            held = weakref.ref(x.data.mem)
            request = start(x)
            del x
            assert held() is not None
            del request
            assert held() is None


@ranks(1, 2)
def test_mpi_computes_all_collectives_of_tensors_on_gpus():
    with use_gpus("mpi"):
        assert dist.get_backend() == "mpi"
        check_collectives()
        check_data_parallel()


def test_cupy_has_every_name_of_nccl_that_is_used():
    """Needs a CuPy with NCCL."""
    cupy_nccl = pytest.importorskip("cupy.cuda.nccl", reason="CuPy with NCCL is not installed")
    for name in (
        *[n for n in vars(nccl) if n.startswith("NCCL_")],
        "get_unique_id",
        "groupStart",
        "groupEnd",
        "NcclError",
    ):
        assert hasattr(cupy_nccl, name)
    for name in ("allReduce", "reduce", "bcast", "allGather", "reduceScatter", "send", "recv", "destroy"):
        assert hasattr(cupy_nccl.NcclCommunicator, name)
