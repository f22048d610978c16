"""PyTorch's names for GPUs: each works, or says why there is none."""

import gc

import numpy as np
import pytest

from minigrad import backend, cuda, find_gpu, random
from tests import standin

NEEDS_A_GPU = {
    "current_device": (),
    "set_device": (0,),
    "device": (0,),
    "synchronize": (),
    "get_device_name": (0,),
    "mem_get_info": (),
    "Event": (),
    "Stream": (),
    "current_stream": (),
    "default_stream": (),
    "initial_seed": (),
    "get_rng_state": (),
    "set_rng_state": (None,),
}


@pytest.mark.usefixtures("no_gpu")
class TestWithoutAGpu:
    @pytest.mark.parametrize("name", NEEDS_A_GPU)
    def test_each_function_says_why_there_is_no_gpu(self, name):
        with pytest.raises(RuntimeError) as caught:
            getattr(cuda, name)(*NEEDS_A_GPU[name])
        assert cuda.why_not() in str(caught.value)
        assert "pip install cupy-cuda12x" in str(caught.value)

    def test_questions_are_answered_with_none_and_zero(self):
        assert not cuda.is_available()
        assert cuda.device_count() == cuda.memory_allocated() == cuda.memory_reserved() == 0

    def test_seeds_for_the_gpu_leave_the_cpus_alone(self):
        random.manual_seed(3)
        cuda.manual_seed(1)
        cuda.manual_seed_all(1)
        cuda.seed_all()
        cuda.empty_cache()
        assert random.initial_seed() == 3

    def test_changing_nothing_needs_no_gpu(self):
        with cuda.device(None), cuda.device(-1):
            assert backend._cuda is None
        with cuda.stream(None):
            assert backend._cuda is None


@pytest.mark.usefixtures("stand_in")
class TestDevices:
    def test_current_device_is_chosen_and_scoped(self):
        assert cuda.current_device() == 0 and cuda.device_count() == 2
        with cuda.device(1):
            assert cuda.current_device() == 1
            with cuda.device("cuda:0"), cuda.device(-1):
                assert cuda.current_device() == 0
            assert cuda.current_device() == 1
        cuda.set_device("cuda:1")
        assert cuda.current_device() == 1
        cuda.set_device(0)

    def test_one_scope_may_be_entered_twice(self):
        scope = cuda.device(1)
        with scope, cuda.device(0):
            with scope:
                assert cuda.current_device() == 1
            assert cuda.current_device() == 0
        assert cuda.current_device() == 0

    def test_a_scope_is_a_decorator_too(self):
        assert cuda.device(1)(cuda.current_device)() == 1

    @pytest.mark.parametrize("function", [cuda.set_device, cuda.device, cuda.get_device_name])
    def test_wrong_devices_are_refused(self, function):
        with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
            function("cpu")
        with pytest.raises(RuntimeError, match="the last one is 'cuda:1'"):
            function(7)

    def test_name_and_synchronization_of_a_gpu(self):
        assert cuda.is_available() and cuda.why_not() is None
        assert cuda.get_device_name() == "Strict stand-in"
        cuda.synchronize()
        cuda.synchronize("cuda:1")


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


@pytest.mark.usefixtures("stand_in")
class TestStreams:
    def test_work_goes_to_the_chosen_stream(self):
        side = cuda.Stream()
        assert cuda.current_stream().stream is cuda.default_stream().stream
        with cuda.stream(side):
            assert cuda.current_stream().stream is side.stream
        assert cuda.current_stream().stream is not side.stream

    def test_events_order_and_time_streams(self):
        side, start, end = cuda.Stream(), cuda.Event(True), cuda.Event(True)
        start.record()
        end.record(side)
        side.wait_event(start)
        side.wait_stream(cuda.default_stream())
        side.synchronize()
        end.synchronize()
        assert end.query() and side.query() and start.elapsed_time(end) > 0
        cuda.set_stream(cuda.default_stream())


def test_all_names_are_public():
    assert all(hasattr(cuda, name) for name in cuda.__all__)
