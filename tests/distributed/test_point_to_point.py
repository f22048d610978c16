"""Tensors sent from one rank to another, one or several at a time, and a barrier that names who is missing."""

from datetime import timedelta

import minigrad as torch
import minigrad.distributed as dist
from tests.distributed.launcher import catch_refusal, ranks


@ranks(2, 3, 4)
def test_send_and_recv_pass_a_tensor_round_the_ranks():
    rank, size = dist.get_rank(), dist.get_world_size()
    token = torch.zeros(2, 3).t()
    if rank == 0:
        dist.send(token + 1, 1)
        assert dist.recv(token, size - 1) == size - 1
        assert torch.equal(token, torch.full((3, 2), float(size)))
    else:
        assert dist.recv(token, rank - 1) == rank - 1
        dist.send(token + 1, (rank + 1) % size)


@ranks(2, 3)
def test_recv_selects_by_tag_and_takes_any_source():
    rank, size = dist.get_rank(), dist.get_world_size()
    if rank == 0:
        dist.recv(second := torch.zeros(1), 1, tag=2)
        dist.recv(first := torch.zeros(1), 1, tag=1)
        assert (first.item(), second.item()) == (1, 2)
        seen = {dist.recv(x := torch.zeros(1), tag=3): x.item() for _ in range(size - 1)}
        assert seen == {r: 10 * r for r in range(1, size)}
    else:
        works = [dist.isend(torch.tensor([float(tag)]), 0, tag=tag) for tag in (1, 2)] if rank == 1 else []
        dist.send(torch.tensor([10.0 * rank]), 0, tag=3)
        assert all(work.wait() for work in works)


@ranks(2, 3)
def test_batch_isend_irecv_exchanges_with_neighbours():
    rank, size = dist.get_rank(), dist.get_world_size()
    received = torch.zeros(50_000)
    works = dist.batch_isend_irecv([
        dist.P2POp(dist.isend, torch.full((50_000,), float(rank)), (rank + 1) % size),
        dist.P2POp(dist.irecv, received, (rank - 1) % size),
    ])  # fmt: skip
    assert all(work.wait() for work in works)
    assert received[0].item() == received[-1].item() == (rank - 1) % size


@ranks(2)
def test_invalid_calls_and_sizes_are_refused():
    rank = dist.get_rank()
    x = torch.ones(2)
    assert "should not be the same as the rank" in catch_refusal(ValueError, dist.send, x, rank)
    assert "source rank should not be" in catch_refusal(ValueError, dist.recv, x, rank)
    assert "not part of group" in catch_refusal(ValueError, dist.send, x, 5)
    assert "Must specify dst" in catch_refusal(ValueError, dist.send, x)
    assert "Expected ``op``" in catch_refusal(ValueError, dist.P2POp, print, x, 0)
    assert "at least one" in catch_refusal(RuntimeError, dist.batch_isend_irecv, [])
    # A tensor of another size.
    if rank == 0:
        dist.send(torch.ones(3), 1)
        dist.send(torch.ones(5), 1)
    else:
        assert "got 12 bytes for a tensor of 16" in catch_refusal(dist.DistBackendError, dist.recv, torch.ones(4), 0)
        assert "more than fits" in catch_refusal(dist.DistBackendError, dist.recv, torch.ones(4), 0)
    # Nobody sends.
    work = dist.irecv(torch.zeros(1), 1 - rank, tag=9)
    message = catch_refusal(dist.DistBackendError, work.wait, timedelta(seconds=0.2))
    assert message.startswith(f"Timed out after 0.2 s in recv((1,), minigrad.float32, src={1 - rank}, tag=9) on rank")


@ranks(1, 2, 3)
def test_monitored_barrier_names_the_missing_ranks():
    rank, size = dist.get_rank(), dist.get_world_size()
    dist.monitored_barrier(timeout=timedelta(seconds=10))
    dist.barrier()
    if rank == 0 and size > 1:
        message = catch_refusal(
            dist.DistBackendError, dist.monitored_barrier, timeout=timedelta(seconds=0.3), wait_all_ranks=True
        )
        who = "Rank 1" if size == 2 else "Ranks 1, 2"
        assert message.startswith(f"{who} failed to pass monitoredBarrier in 300 ms")
    dist.barrier()
