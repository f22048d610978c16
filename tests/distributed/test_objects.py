from datetime import timedelta

import minigrad as torch
import minigrad.distributed as dist
from tests.distributed.launcher import ranks, refused


def value(rank):
    return {"rank": rank, "text": "ä" * rank * 100, "list": [1, 2.5, None, (True,)], "x": torch.arange(rank + 1)}


def same(a, b):
    return a["rank"] == b["rank"] and a["text"] == b["text"] and a["list"] == b["list"] and torch.equal(a["x"], b["x"])


@ranks(1, 2, 3, 4)
def test_gathering():
    rank, size = dist.get_rank(), dist.get_world_size()
    dist.all_gather_object(everybody := [None] * size, value(rank))
    assert all(same(everybody[r], value(r)) for r in range(size))
    for dst in range(size):
        kept = [None] * size if rank == dst else None
        dist.gather_object(value(rank), kept, dst)
        assert kept is None or all(same(kept[r], value(r)) for r in range(size))


@ranks(1, 2, 3)
def test_broadcast_and_scatter():
    rank, size = dist.get_rank(), dist.get_world_size()
    for src in range(size):
        given = [value(src), "two", 3] if rank == src else [None] * 3
        dist.broadcast_object_list(given, src)
        assert same(given[0], value(src)) and given[1:] == ["two", 3]
        dist.scatter_object_list(mine := [None], [value(r) for r in range(size)] if rank == src else None, src)
        assert same(mine[0], value(rank))


@ranks(2, 3)
def test_sending():
    rank, size = dist.get_rank(), dist.get_world_size()
    if rank == 0:
        for r in range(1, size):
            dist.send_object_list([value(r), "end"], r)
    else:
        assert dist.recv_object_list(kept := [None, None], 0) == 0
        assert same(kept[0], value(rank)) and kept[1] == "end"


@ranks(1, 2)
def test_only_plain_data_travels():
    size = dist.get_world_size()
    told = refused(TypeError, dist.all_gather_object, [None] * size, timedelta)
    assert "plain data" in told
    assert f"one place per rank: {size}, got length {size + 1}" in refused(
        RuntimeError, dist.all_gather_object, [None] * (size + 1), 1
    )
    assert "at least 1" in refused(ValueError, dist.scatter_object_list, [], [1] * size)
