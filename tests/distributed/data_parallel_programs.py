"""Small programs with DistributedDataParallel and collectives, run on every rank: the same with PyTorch and minigrad.

Each takes the library, the rank and the number of ranks, and returns plain numbers.
"""

import contextlib
import importlib


def make_net(torch, rank=0):
    torch.manual_seed(rank)  # all ranks take the parameters of rank 0
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Tanh(), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 3), nn.Tanh(), nn.Linear(3, 2)
    ).double()  # fmt: skip


def make_batch(torch, rank, size, seed=5):
    torch.manual_seed(seed)
    x = torch.rand(12, 1, 6, 6).double()
    y = (torch.arange(12) * 7) % 2
    n = 12 // size
    return x[rank * n : (rank + 1) * n], y[rank * n : (rank + 1) * n]


def to_lists(tensors):
    return [None if t is None else [float(v) for v in t.detach().reshape(-1)] for t in tensors]


def wrap(torch, module, **options):
    return torch.nn.parallel.DistributedDataParallel(module, **options)


def read_gradients(ddp):
    return to_lists([p.grad for p in ddp.parameters()])


def compute_loss(torch, ddp, rank, size, seed=5):
    x, y = make_batch(torch, rank, size, seed)
    return torch.nn.functional.cross_entropy(ddp(x), y)


def average_gradients(torch, rank, size):
    ddp = wrap(torch, make_net(torch, rank))
    compute_loss(torch, ddp, rank, size).backward()
    return {"names": list(ddp.state_dict()), "gradients": read_gradients(ddp), "buffers": to_lists(ddp.buffers())}


def train(torch, rank, size):
    ddp = wrap(torch, make_net(torch, rank), bucket_cap_mb=0.0001)
    optimizer = torch.optim.SGD(ddp.parameters(), lr=0.5, momentum=0.9)
    losses = []
    for step in range(5):
        optimizer.zero_grad()
        value = compute_loss(torch, ddp, rank, size, seed=step)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return {"losses": losses, "parameters": to_lists(ddp.parameters()), "buffers": to_lists(ddp.buffers())}


def accumulate(torch, rank, size):
    """Two batches within no_sync, then two outside it, without zero_grad between them."""
    ddp = wrap(torch, make_net(torch, rank))
    states = []
    for seed, quiet in ((1, True), (2, True), (3, False), (4, False)):
        with ddp.no_sync() if quiet else contextlib.nullcontext():
            compute_loss(torch, ddp, rank, size, seed).backward()
        states.append(read_gradients(ddp))
    return states


def view_gradients(torch, rank, size):
    ddp = wrap(torch, make_net(torch, rank), gradient_as_bucket_view=True)
    states = []
    for seed in (1, 2):
        compute_loss(torch, ddp, rank, size, seed).backward()
        states.append(read_gradients(ddp))
    return states


def use_branches(torch, rank, size):
    """Rank r uses the branches r and r + 1; no rank uses the last one."""
    nn = torch.nn

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList([nn.Linear(2, 1) for _ in range(size + 2)])

        def forward(self, x):
            return {"left": self.branches[rank](x), "right": [self.branches[rank + 1](x)]}

    torch.manual_seed(0)
    ddp = wrap(torch, Branches().double(), find_unused_parameters=True)
    states = []
    for _ in range(2):
        x = torch.tensor([[1.0, 2.0 + rank]]).double()
        out = ddp(x)
        (out["left"] * out["right"][0]).sum().backward()
        states.append(read_gradients(ddp))
    return states


def tie_weights(torch, rank, size):
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
    ddp = wrap(torch, Tied())
    ddp(torch.tensor([[0.5, 1.0, rank + 1.0]]).double()).sum().backward()
    return read_gradients(ddp)


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
    results["others"] = to_lists([y, *([z] if rank == 0 else []), *everybody, flat, part, turned, s])
    return results


def communicate_by_a_hook(torch, rank, size):
    ddp = wrap(torch, make_net(torch, rank), bucket_cap_mb=0.0001)

    def weighted(state, bucket):
        tensor = bucket.buffer().mul_(state[0])
        work = torch.distributed.all_reduce(tensor, async_op=True)
        return work.get_future().then(lambda done: done.value()[0] / 2)

    ddp.register_comm_hook([1.0 + rank], weighted)
    compute_loss(torch, ddp, rank, size).backward()
    return read_gradients(ddp)


def join_unequal_inputs(torch, rank, size):
    join = importlib.import_module(f"{torch.__name__}.distributed.algorithms.join").Join
    results = []
    for by_all, options in ((True, {}), (False, {"find_unused_parameters": True})):
        ddp = wrap(torch, make_net(torch, rank), **options)
        optimizer = torch.optim.SGD(ddp.parameters(), lr=0.5, momentum=0.9)
        losses = []
        with join([ddp], divide_by_initial_world_size=by_all):
            for step in range(2 + 2 * rank):
                optimizer.zero_grad()
                value = compute_loss(torch, ddp, rank, size, seed=step)
                value.backward()
                optimizer.step()
                losses.append(value.item())
        results.append([losses, to_lists(ddp.parameters()), to_lists(ddp.buffers())])
    return results


PROGRAMS = {  # the names are those in tests/data/distributed.json
    "averaged": average_gradients,
    "trained": train,
    "accumulated": accumulate,
    "views": view_gradients,
    "branches": use_branches,
    "tied": tie_weights,
    "collectives": collectives,
    "hooked": communicate_by_a_hook,
    "joined": join_unequal_inputs,
}
