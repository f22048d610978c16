"""Errors between processes, under PyTorch's class names. Each is a `RuntimeError`."""

from collections.abc import Sequence


class DistError(RuntimeError):
    """An error of the distributed package."""


class DistBackendError(DistError):
    """An error of the communication library, or another process did not take part in time."""


class DistNetworkError(DistError):
    """Another machine cannot be reached."""


def name_ranks(ranks: Sequence[int]) -> str:
    """The text for some ranks in an error.

    >>> name_ranks([1]), name_ranks([1, 2])
    ('rank 1', 'ranks 1, 2')
    """
    return f"rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"
