"""What is told of a GPU's memory: how much is in use, and the sizes in the error when there is too little."""

import gc

import numpy as np
import pytest

import minigrad
from minigrad import backend, cuda, find_gpu
from tests import standin


class TestMemory:
    def test_allocated_memory_is_counted(self, stand_in):
        gc.collect()  # other tests' arrays, held by their tracebacks
        before = cuda.memory_allocated()
        held = stand_in.zeros(1000, np.float32)
        assert cuda.memory_allocated() - before == held.nbytes
        assert cuda.memory_reserved() >= cuda.memory_allocated()
        free, total = cuda.mem_get_info()
        assert total - free == cuda.memory_allocated()
        cuda.empty_cache()

    def test_out_of_memory_errors_give_the_sizes(self, stand_in):
        standin.memory_pool.set_limit(cuda.memory_allocated() + 4096)
        try:
            with pytest.raises(cuda.OutOfMemoryError) as caught:
                stand_in.zeros((512, 1024), np.float32)
        finally:
            standin.memory_pool.set_limit(0)
        text = str(caught.value)
        assert text.startswith("CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has 8.00 GiB")
        assert "GiB is free" in text and "empty_cache() gives back" in text
        assert isinstance(caught.value, RuntimeError)
        assert isinstance(caught.value, standin.cuda.memory.OutOfMemoryError)

    def test_a_constructor_raises_the_same_error(self, stand_in):
        standin.memory_pool.set_limit(cuda.memory_allocated() + 4096)
        try:
            with pytest.raises(cuda.OutOfMemoryError, match=r"^CUDA out of memory\. Tried to allocate 2\.00 MiB"):
                minigrad.zeros(512, 1024, device="cuda")
        finally:
            standin.memory_pool.set_limit(0)

    def test_the_allocator_is_wrapped_once(self, stand_in):
        allocator = standin.cuda.get_allocator()
        with backend.use_library(stand_in):
            assert standin.cuda.get_allocator() is allocator

    def test_the_allocator_of_the_real_cupy_can_be_wrapped(self):
        """CuPy's own exception class and allocator can be explained; needs no GPU."""
        cupy = pytest.importorskip("cupy", reason="CuPy is not installed here")
        before = cupy.cuda.get_allocator()
        try:
            find_gpu.explain_exhaustion(cupy)  # `use_library` would ask how many GPUs there are
            assert hasattr(cupy.cuda.get_allocator(), "explains")
        finally:
            cupy.cuda.set_allocator(before)
