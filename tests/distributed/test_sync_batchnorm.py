"""SyncBatchNorm: several ranks normalize as one process with the whole batch does."""

import numpy as np

import minigrad as torch
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed.nn import functional
from tests.distributed.launcher import catch_refusal, ranks


def make_data(shape=(12, 2, 3)):
    torch.manual_seed(1)
    x = torch.randn(*shape).double() * 3 + 1
    return x, torch.randn(*shape).double()


@ranks(1, 2, 3, 4)
def test_sync_batchnorm_is_batchnorm_of_the_whole_batch():
    rank, size = dist.get_rank(), dist.get_world_size()
    x, g = make_data()
    lengths = [12 // size + (1 if r == 0 else -1 if r == 1 else 0) for r in range(size)] if size > 1 else [12]
    start = sum(lengths[:rank])
    rows = slice(start, start + lengths[rank])
    for momentum in (0.1, None):
        plain = nn.BatchNorm1d(2, momentum=momentum).double()
        sync = nn.SyncBatchNorm(2, momentum=momentum).double()
        for layer in (plain, sync):
            layer.weight.data.copy_(torch.tensor([0.5, 2.0]))
            layer.bias.data.copy_(torch.tensor([1.0, -1.0]))
        for _ in range(2):
            whole, part = x.clone().requires_grad_(), x[rows].clone().requires_grad_()
            y, z = plain(whole), sync(part)
            np.testing.assert_allclose(z.detach().numpy(), y[rows].detach().numpy(), rtol=1e-10, atol=1e-12)
            # First order, then second: of a function of the gradient.
            (first,) = torch.autograd.grad((y * g).sum(), whole, create_graph=True)
            (ours,) = torch.autograd.grad((z * g[rows]).sum(), part, create_graph=True)
            np.testing.assert_allclose(ours.detach().numpy(), first[rows].detach().numpy(), rtol=1e-8, atol=1e-10)
            (second,) = torch.autograd.grad((first**2).sum(), whole)
            (ours,) = torch.autograd.grad((ours**2).sum(), part)
            np.testing.assert_allclose(ours.numpy(), second[rows].numpy(), rtol=1e-7, atol=1e-8)
        for name, buffer in plain.named_buffers():
            np.testing.assert_allclose(dict(sync.named_buffers())[name].numpy(), buffer.numpy(), rtol=1e-10)
        plain.eval(), sync.eval()
        np.testing.assert_allclose(sync(x).detach().numpy(), plain(x).detach().numpy(), rtol=1e-10)


@ranks(2)
def test_a_converted_module_trains_in_data_parallel():
    rank, size = dist.get_rank(), dist.get_world_size()
    x, _ = make_data((8, 1, 5, 5))
    torch.manual_seed(2)
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 1)).double()
    torch.manual_seed(2)
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 1)).double()
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(other)
    assert type(converted[1]) is nn.SyncBatchNorm and list(converted.state_dict()) == list(plain.state_dict())
    ddp = nn.parallel.DistributedDataParallel(converted)
    (plain(x) ** 2).mean().backward()
    (ddp(x[rank * 4 : (rank + 1) * 4]) ** 2).mean().backward()
    for p, q in zip(plain.parameters(), ddp.parameters(), strict=True):
        np.testing.assert_allclose(q.grad.numpy(), p.grad.numpy(), rtol=1e-9, atol=1e-11)
    assert size == 2


@ranks(1, 2)
def test_too_few_dimensions_or_values_are_refused():
    message = catch_refusal(ValueError, nn.SyncBatchNorm(2), torch.ones(3))
    assert "at least 2D input (got 1D input)" in message
    one = torch.ones(1 if dist.get_rank() == 0 else 0, 2)
    assert "more than 1 value per channel" in catch_refusal(ValueError, nn.SyncBatchNorm(2), one)


@ranks(1, 2, 3)
def test_gradients_flow_through_collectives():
    rank, size = dist.get_rank(), dist.get_world_size()
    x = torch.tensor([rank + 1.0], requires_grad=True)
    y = functional.all_reduce(x * x)
    (first,) = torch.autograd.grad((y * (rank + 1)).sum(), x, create_graph=True)
    total = size * (size + 1) / 2
    assert first.item() == 2 * (rank + 1) * total
    (second,) = torch.autograd.grad(first.sum(), x)
    assert second.item() == 2 * total
    y = functional.broadcast(x * 3, src=size - 1)
    assert y.item() == 3 * size
    (first,) = torch.autograd.grad(y.sum(), x)
    assert first.item() == (3 * size if rank == size - 1 else 0)
    assert "RedOpType.MAX" in catch_refusal(NotImplementedError, functional.all_reduce, x, dist.ReduceOp.MAX)
