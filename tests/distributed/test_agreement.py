"""The comparison of the calls of all ranks: what differs is refused, unless the level of checks is off."""

import minigrad as torch
import minigrad.distributed as dist
from tests.distributed.launcher import catch_refusal, rank_and_size, ranks


@ranks(2, 3)
def test_different_calls_raise_on_each_rank():
    rank, _ = rank_and_size()
    message = catch_refusal(dist.DistBackendError, dist.all_reduce, torch.ones(2 + (rank == 1)))
    assert "rank 1: all_reduce((3,), minigrad.float32" in message and "all_reduce((2,)" in message
    dtype = torch.float64 if rank == 0 else torch.float32
    assert "minigrad.float64" in catch_refusal(dist.DistBackendError, dist.all_reduce, torch.ones(2, dtype=dtype))
    if rank == 0:
        message = catch_refusal(dist.DistBackendError, dist.barrier)
    else:
        message = catch_refusal(dist.DistBackendError, dist.broadcast, torch.ones(1), 0)
    assert "rank 0: barrier()" in message and "broadcast((1,), minigrad.float32, src=0)" in message
    message = catch_refusal(dist.DistBackendError, dist.broadcast, torch.ones(1), int(rank == 1))
    assert "src=1" in message and "src=0" in message


@ranks(1, 2)
def test_the_debug_level_turns_the_checks_off():
    dist.set_debug_level(dist.DebugLevel.OFF)
    try:
        dist.all_reduce(x := torch.ones(3))
        assert x.tolist() == [dist.get_world_size()] * 3
    finally:
        dist.set_debug_level(dist.DebugLevel.DETAIL)
    assert dist.get_debug_level() is dist.DebugLevel.DETAIL
    assert "DebugLevel" in catch_refusal(TypeError, dist.set_debug_level, "OFF")
