"""Records PyTorch's Poisson counts as `tests/data/poisson.json`, for `tests/test_poisson_draws.py`.

Run with PyTorch 2.13: `python tests/oracle/record_poisson.py`. For each rate: the counts of one generator, seeded
with 0, and the uniform number that follows, which says how many were taken.
"""

import json
from pathlib import Path

import torch

RATES = (0.1, 1.0, 9.9, 10.0, 37.5, 4000.0)


def record(path):
    """Write the counts of every rate to `path`."""
    rows = []
    for rate in RATES:
        generator = torch.Generator().manual_seed(0)
        counts = torch.poisson(torch.full((12,), rate, dtype=torch.float64), generator=generator).tolist()
        rows.append({"rate": rate, "counts": counts, "next": torch.rand(1, generator=generator).item()})
    path.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")


if __name__ == "__main__":
    record(Path(__file__).parents[1] / "data" / "poisson.json")
