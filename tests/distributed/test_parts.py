"""Collectives in which each rank holds a part, on 1 to 4 ranks: gather, scatter, all-to-all."""

import minigrad as torch
import minigrad.distributed as dist
from tests.distributed.launcher import rank_and_size, ranks


@ranks(1, 2, 3, 4)
def test_all_gather_and_gather_collect_from_each_rank():
    rank, size = rank_and_size()
    x = torch.arange(6.0).reshape(3, 2).t() + 10 * rank
    everybody = [torch.zeros(2, 3) for _ in range(size)]
    dist.all_gather(everybody, x)
    for r, y in enumerate(everybody):
        assert torch.equal(y, torch.arange(6.0).reshape(3, 2).t() + 10 * r)
    for dst in range(size):
        kept = [torch.zeros(2, 3) for _ in range(size)] if rank == dst else None
        dist.gather(x, kept, dst)
        for r, y in enumerate(kept or []):
            assert torch.equal(y, everybody[r])
    flat, stacked = torch.zeros(size * 2, 3), torch.zeros(size, 2, 3)
    dist.all_gather_into_tensor(flat, x)
    dist.all_gather_into_tensor(stacked, x)
    assert torch.equal(flat, torch.cat(everybody)) and torch.equal(stacked, torch.stack(everybody))


@ranks(1, 2, 3, 4)
def test_scatter_and_reduce_scatter_give_each_rank_its_part():
    rank, size = rank_and_size()
    for src in range(size):
        parts = [torch.full((2,), 10.0 * src + r) for r in range(size)] if rank == src else None
        dist.scatter(x := torch.zeros(2), parts, src)
        assert torch.equal(x, torch.full((2,), 10.0 * src + rank))
    for dtype in (torch.float16, torch.float32, torch.int64):
        parts = [torch.full((2,), rank + r + 1).to(dtype) for r in range(size)]
        dist.reduce_scatter(y := torch.zeros(2, dtype=dtype), parts)
        dist.reduce_scatter_tensor(z := torch.zeros(2, dtype=dtype), torch.cat(parts))
        expected = sum(r + rank + 1 for r in range(size))
        assert y.tolist() == z.tolist() == [expected, expected]
    dist.reduce_scatter(y := torch.zeros(2), [torch.full((2,), float(rank))] * size, dist.ReduceOp.AVG)
    assert y.tolist() == [(size - 1) / 2] * 2


@ranks(1, 2, 3, 4)
def test_all_to_all_exchanges_parts():
    rank, size = rank_and_size()
    x = torch.arange(2.0 * size) + 100 * rank
    dist.all_to_all_single(y := torch.zeros(2 * size), x)
    assert y.tolist() == [100 * r + 2 * rank + i for r in range(size) for i in (0, 1)]
    # Rank r sends s + 1 rows to rank s.
    sizes = [s + 1 for s in range(size)]
    x = torch.full((sum(sizes), 2), float(rank))
    y = torch.zeros((rank + 1) * size, 2)
    dist.all_to_all_single(y, x, [rank + 1] * size, sizes)
    assert y[:, 0].tolist() == [float(r) for r in range(size) for _ in range(rank + 1)]
    kept = [torch.zeros(1, dtype=torch.int64) for _ in range(size)]
    dist.all_to_all(kept, [torch.tensor([10 * rank + s]) for s in range(size)])
    assert [k.item() for k in kept] == [10 * r + rank for r in range(size)]
