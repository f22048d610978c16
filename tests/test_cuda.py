"""PyTorch's names for GPUs: each works, or says why there is none."""

import pytest

from minigrad import backend, backends, cuda, ones, random

NEEDS_A_GPU = {
    "current_device": (),
    "set_device": (0,),
    "synchronize": (),
    "init": (),
    "get_device_name": (0,),
    "get_device_capability": (),
    "get_device_properties": ("cuda",),
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

    def test_a_device_is_named_without_a_gpu_and_missed_when_entered(self):
        assert cuda.device("cuda:1").idx == 1
        with pytest.raises(RuntimeError, match="device 'cuda:0' was asked for"), cuda.device(0):
            pass  # pragma: no cover

    def test_questions_are_answered_with_none_and_zero(self):
        assert not cuda.is_available()
        assert not cuda.is_initialized() and not backends.cuda.is_built()
        assert cuda.device_count() == cuda.memory_allocated() == cuda.memory_reserved() == 0
        assert cuda.max_memory_allocated() == cuda.max_memory_reserved() == 0

    def test_seeds_for_the_gpu_leave_the_cpus_alone(self):
        random.manual_seed(3)
        cuda.manual_seed(1)
        cuda.manual_seed_all(1)
        cuda.seed_all()
        cuda.empty_cache()
        cuda.reset_peak_memory_stats()
        cuda.ipc_collect()
        assert random.initial_seed() == 3

    def test_changing_nothing_needs_no_gpu(self):
        with cuda.device(None), cuda.device(-1), cuda.device_of(ones(1)):
            assert backend._cuda is None
        with cuda.stream(None):
            assert backend._cuda is None


def test_all_names_are_public():
    assert all(hasattr(cuda, name) for name in cuda.__all__)
