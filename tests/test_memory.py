"""Freed memory stays with the process, until it is asked for back."""

import ctypes
import subprocess
import sys

import pytest

from minigrad import backends, memory

resource = pytest.importorskip("resource", reason="page faults are counted on Unix")

GLIBC = hasattr(ctypes.CDLL(None), "mallopt")

STEPS = """
import resource, sys
import numpy as np
if sys.argv[1] == "kept":
    import minigrad
def step():
    return [np.ones(2**18, np.float32) for _ in range(40)]  # 1 MiB each
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", STEPS, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_a_step_finds_the_memory_that_the_last_one_freed() -> None:
    assert faults("kept") < 100  # a fresh 40 MiB is 10,240 pages
    assert faults("plain") > 1000  # what NumPy alone does: the count above can fail


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_freed_memory_is_given_back_when_asked() -> None:
    def resident() -> int:
        with open("/proc/self/statm") as facts:  # noqa: PTH123
            return int(facts.read().split()[1]) * resource.getpagesize()

    import numpy as np

    arrays = [np.ones(2**18, np.float32) for _ in range(64)]
    held = resident()  # before: where much is free already, the C library gives back of itself
    del arrays
    assert memory.release_freed_memory()
    assert resident() < held - 32 * 2**20
    backends.conv.release_workspaces()  # does the same, beside giving up its own


def test_another_c_library_is_let_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not memory.keep_freed_memory()
    assert not memory.release_freed_memory()
