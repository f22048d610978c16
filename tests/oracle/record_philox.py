"""Records the draws of PyTorch's generator on a GPU, for `minigrad/gpu/philox.py`. It needs PyTorch and a GPU:

    python tests/oracle/record_philox.py

It rewrites `tests/data/philox.npz`: for each call and size two draws after seed 42, at some places, then the
generator's state and the five numbers that follow. Recorded with PyTorch 2.11 on an H100 (132 multiprocessors of
2048 threads).
"""

import importlib
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent.parent / "data" / "philox.npz"
SIZES = (1, 5, 1000, 270337, 3000000)
CALLS = {
    "rand": lambda t, n: t.rand(n, device="cuda"),
    "rand of doubles": lambda t, n: t.rand(n, device="cuda", dtype=t.float64),
    "rand of halves": lambda t, n: t.rand(n, device="cuda", dtype=t.float16),
    "randn": lambda t, n: t.randn(n, device="cuda"),
    "randn of doubles": lambda t, n: t.randn(n, device="cuda", dtype=t.float64),
    "uniform_": lambda t, n: t.empty(n, device="cuda").uniform_(-2, 3),
    "normal_": lambda t, n: t.empty(n, device="cuda").normal_(1, 2),
    "exponential_": lambda t, n: t.empty(n, device="cuda").exponential_(),
    "randint": lambda t, n: t.randint(0, 10, (n,), device="cuda"),
    "randint, wide": lambda t, n: t.randint(0, 2**40, (n,), device="cuda"),
    "randint of int32": lambda t, n: t.randint(0, 10, (n,), device="cuda", dtype=t.int32),
    "random_": lambda t, n: t.empty(n, device="cuda").random_(),
    "bernoulli_": lambda t, n: t.empty(n, device="cuda").bernoulli_(0.3),
    "bernoulli": lambda t, n: t.bernoulli(t.full((n,), 0.3, device="cuda")),
    "dropout": lambda t, n: t.nn.functional.dropout(t.ones(n, device="cuda"), 0.3),
    "dropout of a column": lambda t, n: t.nn.functional.dropout(t.ones(n, 2, device="cuda")[:, 0], 0.5),
}
HALVES = 1000  # of which no more were recorded


def choose_places(n):
    """Where a draw of n numbers is looked at."""
    if n <= 5:
        return np.arange(n)
    return np.concatenate([np.arange(10), np.arange(0, n, n // 997 + 1)[::50], np.arange(n - 5, n)])


def record(torch):
    found = {}
    for name, call in CALLS.items():
        for n in SIZES:
            if name == "rand of halves" and n > HALVES:
                continue
            torch.manual_seed(42)
            draws = [call(torch, n).cpu().numpy()[choose_places(n)] for _ in range(2)]
            found[f"{name}/{n}"] = np.stack(draws)
            found[f"{name}/{n}/state"] = np.array(torch.cuda.get_rng_state().tolist(), np.uint8)
            found[f"{name}/{n}/after"] = torch.rand(5, device="cuda").cpu().numpy()
    return found


if __name__ == "__main__":
    np.savez_compressed(FILE, **record(importlib.import_module("torch")))
