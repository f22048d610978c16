"""Small programs with DistributedDataParallel and collectives, run on every rank: the same with PyTorch and minigrad.

Each takes the library, the rank and the number of ranks, and returns plain numbers.
"""

import contextlib
import importlib


def net(torch, rank=0):
    torch.manual_seed(rank)  # the parameters of rank 0 are those that count
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Tanh(), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 3), nn.Tanh(), nn.Linear(3, 2)
    ).double()  # fmt: skip


def batch(torch, rank, size, seed=5):
    torch.manual_seed(seed)
    x = torch.rand(12, 1, 6, 6).double()
    y = (torch.arange(12) * 7) % 2
    n = 12 // size
    return x[rank * n : (rank + 1) * n], y[rank * n : (rank + 1) * n]


def numbers(tensors):
    return [None if t is None else [float(v) for v in t.detach().reshape(-1)] for t in tensors]


def wrapped(torch, module, **options):
    return torch.nn.parallel.DistributedDataParallel(module, **options)


def gradients(ddp):
    return numbers([p.grad for p in ddp.parameters()])


def loss(torch, ddp, rank, size, seed=5):
    x, y = batch(torch, rank, size, seed)
    return torch.nn.functional.cross_entropy(ddp(x), y)


def averaged(torch, rank, size):
    ddp = wrapped(torch, net(torch, rank))
    loss(torch, ddp, rank, size).backward()
    return {"names": list(ddp.state_dict()), "gradients": gradients(ddp), "buffers": numbers(ddp.buffers())}


def trained(torch, rank, size):
    ddp = wrapped(torch, net(torch, rank), bucket_cap_mb=0.0001)
    optimizer = torch.optim.SGD(ddp.parameters(), lr=0.5, momentum=0.9)
    losses = []
    for step in range(5):
        optimizer.zero_grad()
        value = loss(torch, ddp, rank, size, seed=step)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return {"losses": losses, "parameters": numbers(ddp.parameters()), "buffers": numbers(ddp.buffers())}


def accumulated(torch, rank, size):
    """Two batches within no_sync, then one outside; then one more on top, without zero_grad."""
    ddp = wrapped(torch, net(torch, rank))
    states = []
    for seed, quiet in ((1, True), (2, True), (3, False), (4, False)):
        with ddp.no_sync() if quiet else contextlib.nullcontext():
            loss(torch, ddp, rank, size, seed).backward()
        states.append(gradients(ddp))
    return states


def views(torch, rank, size):
    ddp = wrapped(torch, net(torch, rank), gradient_as_bucket_view=True)
    states = []
    for seed in (1, 2):
        loss(torch, ddp, rank, size, seed).backward()
        states.append(gradients(ddp))
    return states


def branches(torch, rank, size):
    """Rank r uses the branches r and r + 1; the last branch is used by nobody."""
    nn = torch.nn

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList([nn.Linear(2, 1) for _ in range(size + 2)])

        def forward(self, x):
            return {"left": self.branches[rank](x), "right": [self.branches[rank + 1](x)]}

    torch.manual_seed(0)
    ddp = wrapped(torch, Branches().double(), find_unused_parameters=True)
    states = []
    for _ in range(2):
        x = torch.tensor([[1.0, 2.0 + rank]]).double()
        out = ddp(x)
        (out["left"] * out["right"][0]).sum().backward()
        states.append(gradients(ddp))
    return states


def tied(torch, rank, size):
    """One weight used twice, a frozen one, and float32 beside float64."""
    nn = torch.nn

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 3, bias=False).double()
            self.second = nn.Linear(3, 3, bias=False).double()
            self.second.weight = self.first.weight
            self.frozen = nn.Linear(3, 3).double().requires_grad_(False)
            self.single = nn.Linear(3, 1)

        def forward(self, x):
            return self.single(self.second(self.frozen(self.first(x)).tanh()).float())

    torch.manual_seed(rank)
    ddp = wrapped(torch, Tied())
    ddp(torch.tensor([[0.5, 1.0, rank + 1.0]]).double()).sum().backward()
    return gradients(ddp)


def collectives(torch, rank, size):
    dist = torch.distributed
    results = {}
    for dtype in ("uint8", "int32", "int64", "float16", "float32", "float64", "bool"):
        x = torch.tensor([rank + 1, 3 - rank, 2, 0]).to(getattr(torch, dtype))
        for op in ("SUM", "AVG", "PRODUCT", "MIN", "MAX", "BAND", "BOR", "BXOR"):
            y = x.clone()
            try:
                dist.all_reduce(y, getattr(dist.ReduceOp, op))
                results[f"{dtype} {op}"] = [float(v) for v in y]
            except RuntimeError:
                results[f"{dtype} {op}"] = "RuntimeError"
    x = torch.arange(6.0).reshape(2, 3).t() + rank
    dist.broadcast(y := x.clone(), size - 1)
    dist.reduce(z := torch.ones(2) * rank, 0)
    dist.all_gather(everybody := [torch.zeros(3, 2) for _ in range(size)], x)
    dist.all_gather_into_tensor(flat := torch.zeros(2 * size), torch.arange(2.0) + rank)
    dist.reduce_scatter_tensor(part := torch.zeros(2), torch.arange(2.0 * size) + rank)
    dist.all_to_all_single(turned := torch.zeros(size), torch.arange(1.0 * size) + 10 * rank)
    dist.scatter(s := torch.zeros(2), [torch.ones(2) * r for r in range(size)] if rank == 0 else None)
    results["others"] = numbers([y, *([z] if rank == 0 else []), *everybody, flat, part, turned, s])
    return results


def hooked(torch, rank, size):
    ddp = wrapped(torch, net(torch, rank), bucket_cap_mb=0.0001)

    def weighted(state, bucket):
        tensor = bucket.buffer().mul_(state[0])
        work = torch.distributed.all_reduce(tensor, async_op=True)
        return work.get_future().then(lambda done: done.value()[0] / 2)

    ddp.register_comm_hook([1.0 + rank], weighted)
    loss(torch, ddp, rank, size).backward()
    return gradients(ddp)


def joined(torch, rank, size):
    join = importlib.import_module(f"{torch.__name__}.distributed.algorithms.join").Join
    results = []
    for by_all, options in ((True, {}), (False, {"find_unused_parameters": True})):
        ddp = wrapped(torch, net(torch, rank), **options)
        optimizer = torch.optim.SGD(ddp.parameters(), lr=0.5, momentum=0.9)
        losses = []
        with join([ddp], divide_by_initial_world_size=by_all):
            for step in range(2 + 2 * rank):
                optimizer.zero_grad()
                value = loss(torch, ddp, rank, size, seed=step)
                value.backward()
                optimizer.step()
                losses.append(value.item())
        results.append([losses, numbers(ddp.parameters()), numbers(ddp.buffers())])
    return results


PROGRAMS = {f.__name__: f for f in (averaged, trained, accumulated, views, branches, tied, collectives, hooked, joined)}
