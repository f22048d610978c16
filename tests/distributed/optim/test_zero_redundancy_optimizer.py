"""ZeroRedundancyOptimizer: each rank keeps a part of the state, and the steps are those of the plain optimizer."""

import numpy as np

import minigrad as torch
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed.optim import ZeroRedundancyOptimizer
from tests.distributed.launcher import catch_refusal, ranks

CASES = {
    "sgd": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": (torch.optim.Adam, {"lr": 0.05, "weight_decay": 0.1}),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.1}),
}


def make_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def compute_gradient(model, step):
    torch.manual_seed(step)
    model.zero_grad()
    (model(torch.randn(4, 3)) ** 2).sum().backward()


def check_same(a, b):
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.equal(p, q)


@ranks(1, 2, 3, 4)
def test_sharded_steps_are_those_of_the_plain_optimizer():
    rank, size = dist.get_rank(), dist.get_world_size()
    for kind, options in CASES.values():
        a, b = make_net(), make_net()
        plain = kind(a.parameters(), **options)
        zero = ZeroRedundancyOptimizer(b.parameters(), kind, **options)
        schedules = [torch.optim.lr_scheduler.StepLR(o, 2, 0.5) for o in (plain, zero)]
        for step in range(5):
            for model, optimizer, schedule in zip((a, b), (plain, zero), schedules, strict=True):
                compute_gradient(model, step)
                optimizer.step()
                schedule.step()
        check_same(a, b)
        assert zero.param_groups[0]["lr"] == plain.param_groups[0]["lr"]
        held = sum(p.numel() for p in zero.state)
        assert size == 1 or held < sum(p.numel() for p in a.parameters())
        # Gathered, the state is the plain optimizer's.
        for to in range(size):
            zero.consolidate_state_dict(to)
            if rank == to:
                state, expected = zero.state_dict(), plain.state_dict()
                assert list(state["state"]) == list(expected["state"])
                for i, buffers in expected["state"].items():
                    for name, value in buffers.items():
                        np.testing.assert_array_equal(state["state"][i][name].numpy(), value.numpy())
                options = {k: v for k, v in state["param_groups"][0].items() if k != "initial_lr"}
                assert options == {k: v for k, v in expected["param_groups"][0].items() if k != "initial_lr"}


@ranks(1, 2, 3)
def test_a_plain_optimizers_state_can_be_loaded():
    rank = dist.get_rank()
    a, b = make_net(), make_net()
    plain = torch.optim.Adam(a.parameters(), lr=0.1)
    for step in range(3):
        compute_gradient(a, step)
        plain.step()
    b.load_state_dict(a.state_dict())
    zero = ZeroRedundancyOptimizer(b.parameters(), torch.optim.Adam, lr=0.5)
    zero.load_state_dict(plain.state_dict())
    assert zero.param_groups[0]["lr"] == 0.1
    for step in range(3, 6):
        for model, optimizer in ((a, plain), (b, zero)):
            compute_gradient(model, step)
            optimizer.step()
    check_same(a, b)
    if rank:
        assert len(zero.local_state_dict()["state"]) == len(zero.owned) < 4


@ranks(1, 2)
def test_parameter_groups_are_sharded():
    a, b = make_net(), make_net()
    first, second = ([{"params": list(m[0].parameters())}, {"params": m[2].weight, "lr": 0.01}] for m in (a, b))
    plain = torch.optim.SGD(first, lr=0.1)
    zero = ZeroRedundancyOptimizer(second, torch.optim.SGD, lr=0.1)
    for optimizer, model in ((plain, a), (zero, b)):
        compute_gradient(model, 0)
        optimizer.step()
        optimizer.add_param_group({"params": [model[2].bias], "lr": 1.0})
        compute_gradient(model, 1)
        optimizer.step(lambda: 3.0)
        optimizer.zero_grad()
        assert all(p.grad is None for p in model.parameters())
    check_same(a, b)
    assert [g["lr"] for g in zero.param_groups] == [0.1, 0.01, 1.0]


@ranks(1, 2)
def test_invalid_arguments_and_states_are_refused():
    size = dist.get_world_size()
    w = torch.ones(2, requires_grad=True)
    assert "class of optimizers" in catch_refusal(TypeError, ZeroRedundancyOptimizer, [w], "SGD")
    assert "not offered" in catch_refusal(
        NotImplementedError, ZeroRedundancyOptimizer, [w], torch.optim.SGD, overlap_with_ddp=True
    )
    zero = ZeroRedundancyOptimizer([w], torch.optim.SGD, lr=0.1)
    if size > 1:
        assert "has not been consolidated on this rank" in catch_refusal(RuntimeError, zero.state_dict)
        own = torch.ones(2 + dist.get_rank(), requires_grad=True)
        assert "[(3,)]" in catch_refusal(dist.DistBackendError, ZeroRedundancyOptimizer, [own], torch.optim.SGD)
    assert "no rank of" in catch_refusal(ValueError, zero.consolidate_state_dict, 7)
    assert "other parameter groups" in catch_refusal(
        ValueError, zero.load_state_dict, {"state": {}, "param_groups": []}
    )
