"""Records the orders of PyTorch's samplers, splits and loaders.

python tests/oracle/record_data.py      # needs torch==2.13.0; writes tests/data/orders.json
"""

import json
from pathlib import Path

import torch
from torch.utils import data

FILE = Path(__file__).resolve().parent.parent / "data" / "orders.json"
SEEDS = (0, 1, 42, 2**40 + 7)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def loader_epochs(seed, **options):
    """Two passes over a loader, and a number drawn before, between and after them."""
    torch.manual_seed(seed)
    drawn = [int(torch.randint(1000, ()))]
    loader = data.DataLoader(torch.arange(10), **options)
    epochs = []
    for _ in range(2):
        epochs.append([batch.tolist() for batch in loader])
        drawn.append(int(torch.randint(1000, ())))
    return {"epochs": epochs, "drawn": drawn}


def generator_epochs(seed, **options):
    loader = data.DataLoader(torch.arange(10), generator=seeded(seed), **options)
    return [[batch.tolist() for batch in loader] for _ in range(3)]


def passes(sampler):
    return [list(sampler) for _ in range(2)]


def record(seed):
    weights = [0.1, 0.9, 0.0, 0.7, 3.0, 0.6]
    return {
        "seed": seed,
        "split": [list(p.indices) for p in data.random_split(range(10), [6, 3, 1], seeded(seed))],
        "fractions": [list(p.indices) for p in data.random_split(range(11), [0.5, 0.25, 0.25], seeded(seed))],
        "shuffled": loader_epochs(seed, batch_size=4, shuffle=True),
        "in_order": loader_epochs(seed, batch_size=5),
        "dropped": loader_epochs(seed, batch_size=4, shuffle=True, drop_last=True),
        "own_generator": generator_epochs(seed, batch_size=3, shuffle=True),
        "random": passes(data.RandomSampler(range(7), generator=seeded(seed))),
        "more": passes(data.RandomSampler(range(7), num_samples=17, generator=seeded(seed))),
        "replaced": passes(data.RandomSampler(range(7), True, num_samples=40, generator=seeded(seed))),
        "subset": passes(data.SubsetRandomSampler([3, 1, 4, 15, 9], generator=seeded(seed))),
        "weighted": passes(data.WeightedRandomSampler(weights, 20, generator=seeded(seed))),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps([record(seed) for seed in SEEDS]))
