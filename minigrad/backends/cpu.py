"""`torch.backends.cpu`: the vector instructions of this processor."""

from __future__ import annotations

from minigrad.kernels.fast.machine import read_features


def get_cpu_capability() -> str:
    """The widest vector instructions that NumPy uses: "AVX512", "AVX2", "NEON" or "DEFAULT".

    >>> import minigrad as torch
    >>> torch.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "NEON", "DEFAULT")
    True
    """
    found = read_features()
    for name, title in (("AVX512F", "AVX512"), ("AVX2", "AVX2"), ("NEON", "NEON")):
        if found.get(name):
            return title
    return "DEFAULT"
