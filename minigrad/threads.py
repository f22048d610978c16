"""Gets and sets the number of threads of the OpenBLAS that NumPy ships with, and names the kernels that it chose.

`parallel.py` uses as many threads as matrix products do. Inside one of its threads a product uses no others.
"""

from __future__ import annotations

import os
from _thread import allocate_lock  # `threading` itself takes half a millisecond to import
from functools import cache
from typing import Any

import numpy as np

from minigrad.advice import advise

_SPELLINGS = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads64_",
              "openblas_{}_num_threads")  # fmt: skip
UNPACKED = 10**6  # most multiplications of a product for which OpenBLAS does not pack the matrices, with AVX-512


@cache
def _switch() -> tuple[Any, Any, Any] | None:
    """OpenBLAS's functions that get and set the number of threads, and the library; None for another BLAS."""
    try:
        import ctypes
    except ImportError:  # an interpreter without ctypes, such as Pyodide's smallest
        return None
    from pathlib import Path  # imported here, because it is slow to import

    beside = Path(np.__file__).parent
    for folder in (beside.parent / "numpy.libs", beside / ".dylibs"):
        for file in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(file))
            except OSError:
                continue
            for spelling in _SPELLINGS:
                if hasattr(library, spelling.format("set")):
                    return getattr(library, spelling.format("get")), getattr(library, spelling.format("set")), library
    return None


@cache
def core_name() -> str:
    """OpenBLAS's name of the processor type whose kernels it uses."""
    switch = _switch()
    if not switch:
        return "an unknown library"
    asked = getattr(switch[2], switch[0].__name__.replace("get_num_threads", "get_corename"), None)
    if asked is None:
        return "OpenBLAS"
    import ctypes

    asked.restype = ctypes.c_char_p
    name: bytes = asked()
    return name.decode()


class _Alone:
    """The number of nested `products_alone` contexts, and the number of threads to restore."""

    callers = 0
    number = 1
    lock = allocate_lock()


_alone = _Alone()
_asked: int | None = None  # the wanted number, for our own passes if NumPy's library has no setting


def get_count() -> int:
    """The number of threads; if NumPy's library does not say, the number of usable processors."""
    switch = _switch()
    if switch:
        return _alone.number if _alone.callers else int(switch[0]())
    if _asked is not None:
        return _asked
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def set_count(number: int) -> None:
    """Sets the maximal number of threads; gives advice if NumPy's library has no such setting."""
    global _asked
    switch = _switch()
    if switch:
        with _alone.lock:
            _alone.number = number
            if not _alone.callers:
                switch[1](number)
    elif number != get_count():
        _asked = number
        detail = "NumPy's matrix products come from a library that cannot be told how many threads to use"
        advise("threads", f"{detail}; set OMP_NUM_THREADS={number} in the environment before Python starts")


class products_alone:
    """A context in which a matrix product uses only the calling thread, because other threads are busy.

    Also used for a product before such a pass: after its work a thread of OpenBLAS stays awake for about 20 ms, on a
    processor that our threads need. A class, because a generator would take half as long again.
    """

    def __enter__(self) -> None:
        switch = _switch()
        if switch:
            with _alone.lock:
                if not _alone.callers:
                    _alone.number = int(switch[0]())
                    switch[1](1)
                _alone.callers += 1

    def __exit__(self, *_: object) -> None:
        switch = _switch()
        if switch:
            with _alone.lock:
                _alone.callers -= 1
                if not _alone.callers:
                    switch[1](_alone.number)


def start_anew() -> None:
    """Resets the state in a forked child, which has none of its parent's threads."""
    switch = _switch()
    _alone.lock = allocate_lock()
    if switch and _alone.callers:
        switch[1](_alone.number)
    _alone.callers = 0
