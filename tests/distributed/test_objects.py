"""Plain Python objects are gathered, broadcast, scattered and sent between ranks."""

from datetime import timedelta

import minigrad as torch
import minigrad.distributed as dist
from tests.distributed.launcher import catch_refusal, ranks


def make_value(rank):
    return {"rank": rank, "text": "ä" * rank * 100, "list": [1, 2.5, None, (True,)], "x": torch.arange(rank + 1)}


def are_same(a, b):
    return a["rank"] == b["rank"] and a["text"] == b["text"] and a["list"] == b["list"] and torch.equal(a["x"], b["x"])


@ranks(1, 2, 3, 4)
def test_objects_are_gathered():
    rank, size = dist.get_rank(), dist.get_world_size()
    dist.all_gather_object(everybody := [None] * size, make_value(rank))
    assert all(are_same(everybody[r], make_value(r)) for r in range(size))
    for dst in range(size):
        kept = [None] * size if rank == dst else None
        dist.gather_object(make_value(rank), kept, dst)
        assert kept is None or all(are_same(kept[r], make_value(r)) for r in range(size))


@ranks(1, 2, 3)
def test_objects_are_broadcast_and_scattered():
    rank, size = dist.get_rank(), dist.get_world_size()
    for src in range(size):
        given = [make_value(src), "two", 3] if rank == src else [None] * 3
        dist.broadcast_object_list(given, src)
        assert are_same(given[0], make_value(src)) and given[1:] == ["two", 3]
        dist.scatter_object_list(mine := [None], [make_value(r) for r in range(size)] if rank == src else None, src)
        assert are_same(mine[0], make_value(rank))


@ranks(2, 3)
def test_objects_are_sent_and_received():
    rank, size = dist.get_rank(), dist.get_world_size()
    if rank == 0:
        for r in range(1, size):
            dist.send_object_list([make_value(r), "end"], r)
    else:
        assert dist.recv_object_list(kept := [None, None], 0) == 0
        assert are_same(kept[0], make_value(rank)) and kept[1] == "end"


@ranks(1, 2)
def test_objects_other_than_plain_data_are_refused():
    size = dist.get_world_size()
    message = catch_refusal(TypeError, dist.all_gather_object, [None] * size, timedelta)
    assert "plain data" in message
    assert f"one place per rank: {size}, got length {size + 1}" in catch_refusal(
        RuntimeError, dist.all_gather_object, [None] * (size + 1), 1
    )
    assert "at least 1" in catch_refusal(ValueError, dist.scatter_object_list, [], [1] * size)
