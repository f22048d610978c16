"""The process keeps freed memory until it is told to release it."""

import ctypes
import subprocess
import sys

import pytest

from minigrad import memory

pytest.importorskip("resource", reason="page faults are counted on Unix")

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


def run(program: str, argument: str) -> int:
    """The number that `program` prints in a fresh process."""
    command = [sys.executable, "-c", program, argument]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_a_step_reuses_the_memory_that_the_last_one_freed() -> None:
    assert run(STEPS, "kept") < 100  # a fresh 40 MiB is 10,240 pages
    assert run(STEPS, "plain") > 1000  # what NumPy alone does: the count above can fail


RELEASE = """
import resource, sys
import numpy as np
from minigrad import backends, memory
def resident():
    with open("/proc/self/statm") as facts:
        return int(facts.read().split()[1]) * resource.getpagesize()
release = {"memory": memory.release_freed_memory, "workspaces": backends.conv.release_workspaces}[sys.argv[1]]
arrays = [np.ones(2**18, np.float32) for _ in range(64)]
del arrays
kept = resident()
release()
print(kept - resident())
"""


@pytest.mark.skipif(not (GLIBC and sys.platform == "linux"), reason="resident memory is read as Linux tells it")
@pytest.mark.parametrize("what", ["memory", "workspaces"])
def test_freed_memory_is_given_back_when_asked(what: str) -> None:
    """In a process of its own: glibc gives nothing back from the end of what other threads once allocated from."""
    assert run(RELEASE, what) > 48 * 2**20  # of 64 MiB


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not memory.keep_freed_memory()
    assert not memory.release_freed_memory()


SHAPES = """
import gc, random, sys, tracemalloc
import minigrad as torch
from minigrad import backends, nn
net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3), nn.AdaptiveAvgPool2d(1))
optimizer, draw = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9), random.Random(0)
def steps(count):
    for _ in range(count):
        x = torch.ones(draw.randint(1, 4), 1, draw.randint(12, 40), draw.randint(12, 40))
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()
    backends.conv.release_workspaces()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
tracemalloc.start()
before = steps(600)
print(steps(600) - before)
"""


def test_steps_with_new_shapes_free_the_memory_of_old_ones() -> None:
    """What was found out about a shape is kept for a few hundred shapes, the latest."""
    assert run(SHAPES, "") < 2**17  # bytes; with caches for thousands of shapes it was half a megabyte


def test_glibc_is_asked_by_the_numbers_of_malloc_h(monkeypatch) -> None:
    asked = {}

    class Library:
        def __init__(self, name):
            self.mallopt = lambda parameter, value: asked.update({parameter: value}) or 1

    monkeypatch.setattr(memory.ctypes, "CDLL", Library)
    assert memory.keep_freed_memory()
    assert asked == {-3: 128 * 2**20, -1: 256 * 2**20}  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
