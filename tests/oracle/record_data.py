"""Records the orders of PyTorch's samplers, splits and loaders, with workers and without.

    python tests/oracle/record_data.py      # needs torch==2.13.0

It writes tests/data/orders.json and workers.json.
"""

import json
import random
from pathlib import Path

import numpy as np
import torch
from torch.utils import data

FOLDER = Path(__file__).resolve().parent.parent / "data"
SEEDS = (0, 1, 42, 2**40 + 7)


def make_generator(seed):
    return torch.Generator().manual_seed(seed)


def record_loader(seed, **options):
    """Two passes over a loader, and a number drawn before, between and after them."""
    torch.manual_seed(seed)
    drawn = [int(torch.randint(1000, ()))]
    loader = data.DataLoader(torch.arange(10), **options)
    epochs = []
    for _ in range(2):
        epochs.append([batch.tolist() for batch in loader])
        drawn.append(int(torch.randint(1000, ())))
    return {"epochs": epochs, "drawn": drawn}


def record_loader_with_generator(seed, **options):
    loader = data.DataLoader(torch.arange(10), generator=make_generator(seed), **options)
    return [[batch.tolist() for batch in loader] for _ in range(3)]


def pass_twice(sampler):
    return [list(sampler) for _ in range(2)]


def record(seed):
    weights = [0.1, 0.9, 0.0, 0.7, 3.0, 0.6]
    return {
        "seed": seed,
        "split": [list(p.indices) for p in data.random_split(range(10), [6, 3, 1], make_generator(seed))],
        "fractions": [list(p.indices) for p in data.random_split(range(11), [0.5, 0.25, 0.25], make_generator(seed))],
        "shuffled": record_loader(seed, batch_size=4, shuffle=True),
        "in_order": record_loader(seed, batch_size=5),
        "dropped": record_loader(seed, batch_size=4, shuffle=True, drop_last=True),
        "own_generator": record_loader_with_generator(seed, batch_size=3, shuffle=True),
        "random": pass_twice(data.RandomSampler(range(7), generator=make_generator(seed))),
        "more": pass_twice(data.RandomSampler(range(7), num_samples=17, generator=make_generator(seed))),
        "replaced": pass_twice(data.RandomSampler(range(7), True, num_samples=40, generator=make_generator(seed))),
        "subset": pass_twice(data.SubsetRandomSampler([3, 1, 4, 15, 9], generator=make_generator(seed))),
        "weighted": pass_twice(data.WeightedRandomSampler(weights, 20, generator=make_generator(seed))),
    }


class Drawn(data.Dataset):
    """Sample i: i, the worker, and numbers that its three generators draw."""

    def __len__(self):
        return 7

    def __getitem__(self, index):
        info = data.get_worker_info()
        own = [] if info is None else [info.id, info.num_workers, info.seed]
        return [index, *own, torch.randint(1000, ()).item(), random.randrange(1000), int(np.random.randint(1000))]


class Counted(data.IterableDataset):
    """Worker w yields w * 100, w * 100 + 1, ...: of the first one more than of the second."""

    def __iter__(self):
        info = data.get_worker_info()
        worker = 0 if info is None else info.id
        return iter(range(worker * 100, worker * 100 + 7 - 3 * worker))


def as_it_is(batch):
    return batch


def record_workers(seed):
    """What loaders with two workers give in two passes, and a number drawn after each."""
    cases = {}
    for name, dataset, options in (
        ("drawn", Drawn(), {"batch_size": 2, "shuffle": True}),
        ("persistent", Drawn(), {"batch_size": 2, "shuffle": True, "persistent_workers": True}),
        ("single", Drawn(), {"batch_size": None, "prefetch_factor": 1}),
        ("stream", Counted(), {"batch_size": 2}),
        ("dropped", Counted(), {"batch_size": 2, "drop_last": True, "persistent_workers": True}),
        ("items", Counted(), {"batch_size": None}),
    ):
        torch.manual_seed(seed)
        loader = data.DataLoader(dataset, num_workers=2, collate_fn=as_it_is, **options)
        cases[name] = [
            {"batches": [to_lists(batch) for batch in loader], "drawn": int(torch.randint(1000, ()))} for _ in range(2)
        ]
    return {"seed": seed, **cases}


def to_lists(batch):
    return [to_lists(entry) for entry in batch] if isinstance(batch, (list, tuple)) else int(batch)


def record_shares():
    """Orders of DistributedSampler."""
    rows = []
    for size, replicas in ((10, 3), (11, 4), (2, 5), (12, 4)):
        for options in ({}, {"shuffle": False}, {"seed": 7}, {"drop_last": True}):
            orders = []
            for rank in range(replicas):
                sampler = data.DistributedSampler(range(size), replicas, rank, **options)
                passes = [list(sampler)]
                sampler.set_epoch(3)
                orders.append([*passes, list(sampler)])
            rows.append({"size": size, "replicas": replicas, "options": options, "orders": orders})
    return rows


if __name__ == "__main__":
    (FOLDER / "orders.json").write_text(json.dumps([record(seed) for seed in SEEDS]))
    recorded = {"workers": [record_workers(seed) for seed in SEEDS[1:]], "shares": record_shares()}
    (FOLDER / "workers.json").write_text(json.dumps(recorded))
