"""`torch.backends.cudnn`: PyTorch's switches for cuDNN, which is not used here: they can be set, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

enabled = False
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """False: cuDNN is not used.

    >>> import minigrad as torch
    >>> torch.backends.cudnn.is_available()
    False
    """
    return False


def version() -> int | None:
    """None: cuDNN is not used.

    >>> import minigrad as torch
    >>> torch.backends.cudnn.version() is None
    True
    """
    return None


@contextmanager
def flags(
    enabled: bool = False, benchmark: bool = False, benchmark_limit: int = 10, deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:  # fmt: skip
    """A context in which the switches have these values.

    >>> import minigrad as torch
    >>> with torch.backends.cudnn.flags(benchmark=True):
    ...     torch.backends.cudnn.benchmark
    True
    """
    asked = {"enabled": enabled, "benchmark": benchmark, "deterministic": deterministic, "allow_tf32": allow_tf32}
    switches = globals()
    before = {name: switches[name] for name in asked}
    switches.update(asked)
    try:
        yield
    finally:
        switches.update(before)
