"""The stand-in captures as CUDA does: capturing computes nothing, and a replay reads the memory of that moment."""

import numpy as np
import pytest

from tests import standin
from tests.standin import cupy as cp


@pytest.fixture
def stream():
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        yield stream
    stream.recording = None


def test_a_capture_only_records_and_a_replay_computes(stream):
    x, y = cp.asarray(np.arange(4.0)), cp.zeros(4)
    stream.begin_capture()
    a = x * 2 + 1
    y += a
    z = cp.concatenate([a, y])[::2]
    y[1:] = 7
    total = cp.sum(z)
    graph = stream.end_capture()
    assert y.get().tolist() == [0, 0, 0, 0] and np.isnan(a.get()).all() and np.isnan(total.get())
    for value, expected in ((None, 12), (10, 92)):
        if value is not None:
            x[...] = value
        graph.launch()
        assert total.get() == expected


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: x.get(), RuntimeError, "is capturing"),
        (lambda x: x[0].item(), RuntimeError, "is capturing"),
        (lambda x: bool(x[0]), RuntimeError, "is capturing"),
        (lambda x: cp.asarray([1.0]), RuntimeError, "is capturing"),
        (lambda x: cp.nonzero(x), RuntimeError, "is capturing"),
        (lambda x: x[x > 1], RuntimeError, "is capturing"),
        (lambda x: cp.cuda.get_current_stream().synchronize(), RuntimeError, "is capturing"),
        (lambda x: x @ x, NotImplementedError, "cuBLAS"),
    ],
)
def test_a_capture_refuses_what_cuda_refuses(stream, call, error, words):
    x = cp.asarray(np.arange(4.0))
    stream.begin_capture()
    with pytest.raises(error, match=words):
        call(x)


def test_a_stream_that_waits_for_a_capture_takes_part_in_it(stream):
    x, other = cp.zeros(2), cp.cuda.Stream(non_blocking=True)
    stream.begin_capture()
    other.wait_event(stream.record())
    with other:
        x += 1
    stream.wait_event(other.record())
    graph = stream.end_capture()
    graph.launch()
    assert x.get().tolist() == [1, 1]


def test_memory_comes_from_the_allocator_in_use():
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        x = cp.zeros(4)
        with pytest.raises(ValueError, match="using_allocator"):
            cp.cuda.set_allocator(None)
    assert pool.used_bytes() == x.nbytes
    assert standin.memory_pool is not pool
