"""Collectives on 1 to 4 ranks: every dtype and operation, tensors of any stride, and the calls that are refused."""

import numpy as np

import minigrad as torch
import minigrad.distributed as dist
from tests.distributed.launcher import catch_refusal, rank_and_size, ranks

DTYPES = (torch.float16, torch.float32, torch.float64, torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)
OPS = {
    "SUM": np.add.reduce, "PRODUCT": np.multiply.reduce, "MIN": np.minimum.reduce, "MAX": np.maximum.reduce,
    "BAND": np.bitwise_and.reduce, "BOR": np.bitwise_or.reduce, "BXOR": np.bitwise_xor.reduce,
}  # fmt: skip


@ranks(1, 2, 3, 4)
def test_broadcast_copies_from_each_rank():
    rank, size = rank_and_size()
    for src in range(size):
        for dtype in (*DTYPES, torch.bool):
            x = (torch.arange(6).reshape(2, 3) + 10 * rank).to(dtype)
            dist.broadcast(x, src)
            assert torch.equal(x, (torch.arange(6).reshape(2, 3) + 10 * src).to(dtype))


@ranks(1, 2, 3, 4)
def test_all_reduce_takes_every_dtype_and_operation():
    rank, size = rank_and_size()
    rng = np.random.default_rng(0)
    for dtype in DTYPES:
        everybody = [torch.tensor(rng.integers(1, 4, (2, 3))).to(dtype) for _ in range(size)]
        for name, reduction in OPS.items():
            if dtype.is_floating_point and name.startswith("B"):
                continue
            x = everybody[rank].clone()
            dist.all_reduce(x, getattr(dist.ReduceOp, name))
            expected = reduction([y.numpy() for y in everybody]).astype(x.numpy().dtype)
            assert x.dtype is dtype
            np.testing.assert_array_equal(x.numpy(), expected)


@ranks(2, 3)
def test_all_reduce_takes_bools():
    rank, size = rank_and_size()
    everybody = [torch.tensor([True, r == 0, False]) for r in range(size)]
    for name, expected in {
        "SUM": [True, True, False], "MAX": [True, True, False], "BOR": [True, True, False],
        "PRODUCT": [True, False, False], "MIN": [True, False, False], "BAND": [True, False, False],
        "BXOR": [size % 2 == 1, True, False],
    }.items():  # fmt: skip
        x = everybody[rank].clone()
        dist.all_reduce(x, getattr(dist.ReduceOp, name))
        assert x.tolist() == expected, name


@ranks(1, 2, 3, 4)
def test_all_reduce_averages_floats():
    rank, size = rank_and_size()
    for dtype in (torch.float16, torch.float32, torch.float64):
        x = torch.full((3,), rank + 1.0, dtype=dtype)
        dist.all_reduce(x, dist.ReduceOp.AVG)
        assert torch.equal(x, torch.full((3,), (size + 1) / 2, dtype=dtype))
    assert "int64" in catch_refusal(RuntimeError, dist.all_reduce, torch.ones(2, dtype=torch.int64), dist.ReduceOp.AVG)
    assert "BAND" in catch_refusal(RuntimeError, dist.all_reduce, torch.ones(2), dist.ReduceOp.BAND)


@ranks(2)
def test_a_sum_that_is_too_large_is_infinite():
    dist.all_reduce(x := torch.full((2,), 60000.0).half())
    assert x.tolist() == [float("inf")] * 2
    dist.all_reduce(x := torch.tensor([float("nan"), float("inf")]), dist.ReduceOp.AVG)
    assert str(x.tolist()) == "[nan, inf]"


@ranks(2, 3)
def test_all_reduce_writes_into_strided_views():
    rank, size = rank_and_size()
    base = torch.zeros(4, 6)
    view = base[::2, ::3].t()
    view.fill_(rank + 1.0)
    version = base._version
    dist.all_reduce(view)
    total = size * (size + 1) / 2
    assert torch.equal(base[::2, ::3], torch.full((2, 2), total))
    assert float(base.sum()) == 4 * total
    assert base._version > version
    empty = torch.zeros(0, 3)
    dist.all_reduce(empty)
    scalar = torch.tensor(1.0)
    dist.all_reduce(scalar)
    assert scalar.item() == size


@ranks(1, 2, 3, 4)
def test_reduce_changes_the_destination_alone():
    rank, size = rank_and_size()
    for dst in range(size):
        x = torch.full((2,), rank + 1.0)
        dist.reduce(x, dst, dist.ReduceOp.MAX)
        assert torch.equal(x, torch.full((2,), float(size if rank == dst else rank + 1)))


@ranks(2, 3)
def test_asynchronous_calls_return_work_to_wait_for():
    rank, size = rank_and_size()
    tensors = [torch.full((1000,), float(i + rank)) for i in range(8)]
    works = [dist.all_reduce(x, async_op=True) for x in tensors]
    for i, (work, x) in enumerate(zip(works, tensors, strict=True)):
        assert work.wait() and work.is_completed() and work.is_success() and work.exception() is None
        assert work.result() == [x] or work.result()[0] is x
        assert x[0].item() == sum(i + r for r in range(size))
    work = dist.barrier(async_op=True)
    assert work.get_future().wait() == []


@ranks(2, 3, 4)
def test_a_group_communicates_among_its_ranks_alone():
    rank, size = rank_and_size()
    evens = list(range(0, size, 2))
    group = dist.new_group(evens)
    x = torch.ones(1)
    if rank in evens:
        assert dist.get_rank(group) == evens.index(rank) and dist.get_world_size(group) == len(evens)
        assert dist.get_process_group_ranks(group) == evens
        assert [dist.get_group_rank(group, r) for r in evens] == list(range(len(evens)))
        assert [dist.get_global_rank(group, i) for i in range(len(evens))] == evens
        dist.all_reduce(x, group=group)
        dist.broadcast(y := torch.tensor([rank]), evens[-1], group)
        dist.broadcast(z := torch.tensor([rank]), group=group, group_src=0)
        assert (x.item(), y.item(), z.item()) == (len(evens), evens[-1], 0)
        assert "is not part of group" in catch_refusal(ValueError, dist.broadcast, x, 1, group)
        dist.destroy_process_group(group)
        assert "destroyed" in catch_refusal(ValueError, dist.all_reduce, x, group=group)
    else:
        assert group == dist.GroupMember.NON_GROUP_MEMBER
        assert dist.get_rank(group) == dist.get_world_size(group) == -1
        message = catch_refusal(UserWarning, dist.all_reduce, x, group=group)
        assert message == f"Running all_reduce on global rank {rank} which does not belong to the given group."
    dist.all_reduce(x := torch.ones(1))
    assert x.item() == size


@ranks(4)
def test_new_subgroups_divides_the_ranks():
    own, made = dist.new_subgroups(2)
    assert len(made) == 2 and dist.get_process_group_ranks(own) == [[0, 1], [2, 3]][dist.get_rank() // 2]
    dist.all_reduce(x := torch.tensor([dist.get_rank()]), group=own)
    assert x.item() == [1, 5][dist.get_rank() // 2]
    assert "divide" in catch_refusal(ValueError, dist.new_subgroups, 3)


@ranks(1, 2)
def test_invalid_arguments_are_refused():
    _, size = rank_and_size()
    x = torch.ones(2)
    assert "`tensor` of type minigrad.Tensor but got <class 'list'>" in catch_refusal(TypeError, dist.all_reduce, [x])
    assert "ReduceOp" in catch_refusal(TypeError, dist.all_reduce, x, "sum")
    assert "not part of group" in catch_refusal(ValueError, dist.broadcast, x, 7)
    assert "Must specify src" in catch_refusal(ValueError, dist.broadcast, x)
    assert "Can't specify both" in catch_refusal(ValueError, dist.broadcast, x, 0, group_src=0)
    assert "List[minigrad.Tensor]" in catch_refusal(TypeError, dist.all_gather, x, x)
    assert f"expected length {size}" in catch_refusal(RuntimeError, dist.all_gather, [x] * (size + 1), x)
    assert "another size" in catch_refusal(RuntimeError, dist.all_gather, [torch.ones(3)] * size, x)
    assert "different dtypes" in catch_refusal(ValueError, dist.all_gather, [x] * size, x.double())
    assert "world_size times" in catch_refusal(RuntimeError, dist.all_gather_into_tensor, torch.ones(7), x)
    lists = {"gather": "destination", "scatter": "source"}
    for name, role in lists.items():
        here = dist.get_rank() == 0
        message = catch_refusal(ValueError, getattr(dist, name), x, None if here else [x] * size)
        assert (
            message.startswith(f"Argument ``{name}_list`` must {'be' if here else 'NOT be'} specified")
            and role in message
        )
    assert "twice" in catch_refusal(ValueError, dist.init_process_group)
    assert "must differ" in catch_refusal(ValueError, dist.new_group, [0, 0])
    assert "world_size" in catch_refusal(ValueError, dist.new_group, [9])
    assert "ProcessGroup" in catch_refusal(TypeError, dist.all_reduce, x, group="all")
    assert "add up" in catch_refusal(RuntimeError, dist.all_to_all_single, x, x, [5] * size, None)
