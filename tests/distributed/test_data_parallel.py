"""DistributedDataParallel compared with PyTorch's on gloo and with one process on the whole batch; and its errors."""

import contextlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed.algorithms.ddp_comm_hooks import default_hooks
from minigrad.distributed.algorithms.join import Join
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.nn.parallel.buckets import fill_buckets
from tests.distributed import data_parallel_programs
from tests.distributed.launcher import catch_refusal, ranks

RECORDED = Path(__file__).parents[1] / "data" / "distributed.json"


def rank_and_size():
    return dist.get_rank(), dist.get_world_size()


def check_same(ours, theirs, name, rtol):
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            check_same(ours[key], theirs[key], f"{name} {key}", rtol)
    elif isinstance(theirs, list) and any(isinstance(x, (list, dict)) or x is None for x in theirs):
        assert len(ours) == len(theirs), name
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            check_same(a, b, f"{name}[{i}]", rtol)
    elif isinstance(theirs, list) and theirs and not isinstance(theirs[0], str):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol, err_msg=name)
    else:
        assert ours == theirs, name


@ranks(2, 3)
def test_each_program_computes_what_pytorch_computes():
    rank, size = rank_and_size()
    recorded = json.loads(RECORDED.read_text())[str(size)][rank]
    for name, program in data_parallel_programs.PROGRAMS.items():
        rtol = 1e-6 if name == "tied" else 1e-12  # it has a layer in float32
        check_same(json.loads(json.dumps(program(torch, rank, size))), recorded[name], name, rtol)


@ranks(1, 2, 3, 4)
def test_the_averaged_gradient_is_that_of_the_whole_batch():
    rank, size = rank_and_size()
    for options in ({}, {"bucket_cap_mb": 0.0002}, {"gradient_as_bucket_view": True}, {"static_graph": True}):
        torch.manual_seed(3)
        plain = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 10), nn.ReLU(), nn.Linear(10, 2)
        )
        x, y = torch.rand(12, 1, 6, 6), torch.arange(12) % 2
        nn.functional.cross_entropy(plain(x), y).backward()
        torch.manual_seed(100 + rank)
        ddp = DistributedDataParallel(
            nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 10), nn.ReLU(), nn.Linear(10, 2)),
            **options,
        )
        # The parameters of `plain` are loaded under the names that the wrapper gives them.
        ddp.load_state_dict({f"module.{k}": v for k, v in plain.state_dict().items()})
        n = 12 // size
        nn.functional.cross_entropy(ddp(x[rank * n : (rank + 1) * n]), y[rank * n : (rank + 1) * n]).backward()
        for p, q in zip(ddp.parameters(), plain.parameters(), strict=True):
            assert torch.allclose(p.grad, q.grad, rtol=1e-6, atol=1e-8)


@ranks(2)
def test_several_forwards_are_averaged_in_one_backward():
    rank, _ = rank_and_size()
    ddp = DistributedDataParallel(nn.Linear(1, 1, bias=False))
    for _ in range(2):
        ddp.zero_grad()
        (ddp(torch.ones(1, 1)) * (rank + 1) + ddp(torch.ones(1, 1)) * 10).sum().backward()
        assert ddp.module.weight.grad.item() == 11.5
    with torch.no_grad():
        ddp(torch.ones(1, 1))
    ddp.eval()
    ddp(torch.ones(1, 1))


@ranks(2)
def test_gradients_of_halves_are_averaged():
    rank, _ = rank_and_size()
    ddp = DistributedDataParallel(nn.Linear(2, 1, bias=False).half())
    ddp(torch.full((1, 2), rank + 1.0).half()).sum().backward()
    assert ddp.module.weight.grad.dtype is torch.float16
    assert ddp.module.weight.grad.tolist() == [[1.5, 1.5]]


@ranks(2, 3)
def test_parameters_and_buffers_become_those_of_rank_0():
    rank, _ = rank_and_size()

    def model():
        torch.manual_seed(rank)
        module = nn.BatchNorm1d(2)
        module.running_mean.fill_(rank + 1.0)
        module.weight.data.fill_(rank + 1.0)
        return module

    ddp = DistributedDataParallel(model())
    assert ddp.module.weight.tolist() == ddp.module.running_mean.tolist() == [1.0, 1.0]
    ddp(torch.rand(3, 2) + rank)
    assert ddp.module.running_mean.tolist() != [1.0, 1.0]
    mean = ddp.module.running_mean.clone()
    ddp.eval()(torch.rand(3, 2))
    if rank:
        assert not torch.equal(ddp.module.running_mean, mean)  # now it is that of rank 0
    apart = DistributedDataParallel(model(), init_sync=False, broadcast_buffers=False)
    apart(torch.rand(3, 2))
    assert apart.module.weight.tolist() == [rank + 1.0] * 2


@ranks(2, 3)
def test_models_that_differ_are_refused_on_every_rank():
    rank, size = rank_and_size()
    message = catch_refusal(RuntimeError, DistributedDataParallel, nn.Linear(2, 3 if rank else 4))
    others = "rank 1" if size == 2 else "ranks 1, 2"
    assert f"(4, 2) minigrad.float32 on rank 0; weight (3, 2) minigrad.float32 on {others}" in message
    first, second = nn.Linear(2, 2), nn.Linear(2, 2, bias=False)
    order = {"a": first, "b": second} if rank else {"b": second, "a": first}
    message = catch_refusal(RuntimeError, DistributedDataParallel, nn.ModuleDict(order))
    assert "parameter or buffer 0 is b.weight" in message and "a.weight" in message
    message = catch_refusal(RuntimeError, DistributedDataParallel, nn.Linear(2, 2, bias=rank > 0))
    assert "nothing on rank 0" in message
    message = catch_refusal(
        RuntimeError, DistributedDataParallel, nn.Linear(2, 2).double() if rank else nn.Linear(2, 2)
    )
    assert "float64" in message


@ranks(2)
def test_parameters_without_a_gradient_are_named():
    class Forgetful(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.forgotten = nn.Linear(1, 1), nn.Linear(1, 1)

        def forward(self, x):
            return self.used(x)

    ddp = DistributedDataParallel(Forgetful())
    ddp(torch.ones(1, 1)).sum().backward()
    message = catch_refusal(RuntimeError, ddp, torch.ones(1, 1))
    assert "finished reduction" in message and "forgotten.weight, forgotten.bias" in message
    assert "find_unused_parameters=True" in message
    ddp = DistributedDataParallel(Forgetful(), find_unused_parameters=True)
    for _ in range(2):
        ddp(torch.ones(1, 1)).sum().backward()
    assert ddp.module.forgotten.weight.grad is None and ddp.module.used.weight.grad.item() == 2


@ranks(2)
def test_create_graph_is_refused():
    ddp = DistributedDataParallel(nn.Linear(1, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the warning that create_graph makes a cycle
        message = catch_refusal(RuntimeError, (ddp(torch.ones(1, 1)) ** 2).sum().backward, create_graph=True)
    assert "autograd.grad(..., create_graph=True)" in message


@ranks(2)
def test_penalties_on_gradients_are_averaged():
    rank, _ = rank_and_size()
    ddp = DistributedDataParallel(nn.Linear(1, 1, bias=False))
    x = torch.full((1, 1), rank + 1.0, requires_grad=True)
    (g,) = torch.autograd.grad(((ddp(x) * x) ** 2).sum(), x, create_graph=True)
    (g * 1).sum().backward()
    # g = 4 w^2 x^3, dg/dw = 8 w x^3
    w = ddp.module.weight.item()
    np.testing.assert_allclose(ddp.module.weight.grad.item(), 8 * w * (1 + 8) / 2, rtol=1e-5)


@ranks(4)
def test_gradients_are_averaged_within_the_group():
    rank, _ = rank_and_size()
    own, _ = dist.new_subgroups(2)
    ddp = DistributedDataParallel(nn.Linear(1, 1, bias=False), process_group=own)
    ddp(torch.full((1, 1), float(rank))).sum().backward()
    assert ddp.module.weight.grad.item() == [0.5, 2.5][rank // 2]


@ranks(1)
def test_one_rank_alone_needs_no_communication():
    ddp = DistributedDataParallel(nn.Linear(2, 1))
    assert list(ddp.state_dict()) == ["module.weight", "module.bias"] and ddp.reducer is None
    with ddp.no_sync():
        ddp(torch.ones(3, 2)).sum().backward()
    assert ddp.module.bias.grad.item() == 3
    frozen = nn.Linear(2, 1).requires_grad_(False)
    message = catch_refusal(RuntimeError, DistributedDataParallel, frozen)
    assert message.startswith("DistributedDataParallel is not needed when a module doesn't have any parameters")
    message = catch_refusal(ValueError, DistributedDataParallel, nn.Linear(2, 1), device_ids=[0])
    assert "only work with GPU modules" in message


def test_no_process_group_is_refused():
    with pytest.raises(ValueError, match="call init_process_group"):
        DistributedDataParallel(nn.Linear(1, 1))


def test_fill_makes_buckets_of_one_dtype_up_to_the_limit():
    single, double = torch.ones(100), torch.ones(50, dtype=torch.float64)  # 400 bytes each
    assert fill_buckets([single] * 5, cap=800) == [[4, 3], [2, 1], [0]]
    assert fill_buckets([single, double, single, double], cap=800) == [[3, 1], [2, 0]]
    assert fill_buckets([single, torch.ones(1000), single], cap=800) == [[2], [1], [0]]
    assert fill_buckets([single], cap=1) == [[0]]


class TwoDtypes(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2).double()

    def forward(self, x):
        return self.last(self.second(self.first(x).tanh()).tanh().double())


def compute_gradients_with(hook, state=None):
    """Gradients of a model in several buckets, with different inputs on each rank; None: without a hook."""
    torch.manual_seed(3)
    ddp = DistributedDataParallel(TwoDtypes(), bucket_cap_mb=0.0003)
    if hook is not None:
        ddp.register_comm_hook(state, hook)
    for _ in range(2):
        ddp.zero_grad()
        ddp(torch.full((3, 4), rank_and_size()[0] + 1.0)).sum().backward()
    return [p.grad for p in ddp.parameters()]


@ranks(1, 2, 3)
def test_default_communication_hooks_average():
    plain = compute_gradients_with(None)
    for hook, tolerance in (
        (default_hooks.allreduce_hook, 1e-6), (default_hooks.fp16_compress_hook, 2e-3),
        (default_hooks.fp16_compress_wrapper(default_hooks.allreduce_hook), 2e-3),
    ):  # fmt: skip
        for state in (None, dist.group.WORLD):
            for ours, theirs in zip(compute_gradients_with(hook, state), plain, strict=True):
                assert ours.dtype == theirs.dtype
                assert torch.allclose(ours, theirs, rtol=tolerance, atol=tolerance * theirs.abs().max().item())


@ranks(1, 2)
def test_a_users_communication_hook_replaces_the_average():
    rank, size = rank_and_size()
    seen = []

    def largest(state, bucket):
        seen.append((bucket.index(), bucket.is_last()))
        assert sum(g.numel() for g in bucket.gradients()) == bucket.buffer().numel() == state["numbers"]
        assert [g.shape for g in bucket.gradients()] == [p.shape for p in bucket.parameters()]
        work = dist.all_reduce(bucket.buffer(), dist.ReduceOp.MAX, async_op=True)
        return work.get_future()

    torch.manual_seed(3)
    ddp = DistributedDataParallel(nn.Linear(3, 2))
    ddp.register_comm_hook({"numbers": 8}, largest)
    ddp(torch.full((1, 3), rank + 1.0)).sum().backward()
    assert ddp.module.weight.grad.tolist() == [[float(size)] * 3] * 2
    assert seen == [(0, True)]

    def constant(state, bucket):
        (future := torch.futures.Future()).set_result(torch.full_like(bucket.buffer(), 7))
        return future

    ddp = DistributedDataParallel(nn.Linear(3, 2))
    ddp.register_comm_hook(None, constant)
    ddp(torch.ones(1, 3)).sum().backward()
    assert ddp.module.bias.grad.tolist() == [7.0, 7.0]
    assert "can only be called once" in catch_refusal(RuntimeError, ddp.register_comm_hook, None, constant)
    assert "must be callable, got 3" in catch_refusal(TypeError, ddp.register_comm_hook, None, 3)


def make_batches(rank, count):
    return [torch.full((2, 3), 1.0 + rank + 10 * i) for i in range(count)]


@ranks(2, 3)
def test_join_lets_ranks_have_different_numbers_of_inputs():
    rank, size = rank_and_size()
    for options, divides_by_all in (({}, True), ({"find_unused_parameters": True}, True), ({}, False)):
        torch.manual_seed(3)
        ddp = DistributedDataParallel(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), **options)
        optimizer = torch.optim.SGD(ddp.parameters(), lr=0.01)
        seen = 0
        with ddp.join(divide_by_initial_world_size=divides_by_all):
            for x in make_batches(rank, 2 + 2 * rank):
                optimizer.zero_grad()
                with contextlib.nullcontext() if seen != 1 else ddp.no_sync():
                    ddp(x).sum().backward()
                optimizer.step()
                seen += 1
        assert seen == 2 + 2 * rank
        everybody = [None] * size
        dist.all_gather_object(everybody, {name: x.tolist() for name, x in ddp.state_dict().items()})
        assert all(state == everybody[0] for state in everybody)
        assert everybody[0]["module.1.num_batches_tracked"] == 2 * size  # the last one's


@ranks(2)
def test_join_divides_by_all_ranks_or_by_those_that_have_inputs():
    rank, _ = rank_and_size()
    for divides_by_all, share in ((True, 0.5), (False, 1.0)):
        ddp = DistributedDataParallel(nn.Linear(3, 1))
        with ddp.join(divide_by_initial_world_size=divides_by_all):
            for i in range(1 + rank):
                ddp.zero_grad()
                ddp(torch.ones(1, 3)).sum().backward()
                assert ddp.module.bias.grad.item() == (1.0 if i == 0 else share)


@ranks(2, 3)
def test_join_takes_a_sharded_optimizer():
    rank, _ = rank_and_size()
    made = []
    for shards in (False, True):
        torch.manual_seed(3)
        ddp = DistributedDataParallel(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1)))
        kind = dist.optim.ZeroRedundancyOptimizer
        optimizer = (
            kind(ddp.parameters(), torch.optim.SGD, lr=0.01) if shards else torch.optim.SGD(ddp.parameters(), 0.01)
        )
        with Join([ddp, optimizer] if shards else [ddp]):
            for x in make_batches(0, 1 + rank):
                optimizer.zero_grad()
                ddp(x).sum().backward()
                optimizer.step()
        made.append([p.detach() for p in ddp.parameters()])
    for sharded, plain in zip(*made, strict=True):
        assert torch.allclose(sharded, plain)


@ranks(2)
def test_join_can_raise_on_early_termination():
    rank, _ = rank_and_size()
    ddp = DistributedDataParallel(nn.Linear(3, 1))

    def train():
        with ddp.join(throw_on_early_termination=True):
            for _ in range(1 + rank):
                ddp(torch.ones(1, 3)).sum().backward()

    assert "at least one rank that exhausted inputs" in catch_refusal(RuntimeError, train)
    with ddp.join(enable=False):
        ddp(torch.ones(1, 3)).sum().backward()
    assert "requires at least one joinable" in catch_refusal(ValueError, Join, [])
    other = DistributedDataParallel(nn.Linear(3, 1), process_group=dist.new_group([0, 1]))
    assert "multiple process groups" in catch_refusal(ValueError, Join, [ddp, other])
