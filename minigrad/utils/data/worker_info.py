"""`get_worker_info`: the number and the dataset of the `DataLoader` worker that calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WorkerInfo:
    """The number of this worker, the number of workers, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


current: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The `WorkerInfo` of this worker process of a `DataLoader`; None in the main process.

    An iterable dataset asks this to yield its own share only. `seed` is the base seed of the pass
    and the worker's number; Python's, NumPy's and minigrad's generators are seeded from it.

    >>> import minigrad as torch
    >>> print(torch.utils.data.get_worker_info())
    None
    """
    return current
