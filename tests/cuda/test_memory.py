"""The memory of a GPU: what is used, kept for reuse and given back."""

import pytest

from minigrad import cuda, ones
from tests import standin


@pytest.mark.usefixtures("stand_in")
class TestMemory:
    def test_bytes_of_arrays_are_counted(self):
        before = cuda.memory_allocated()
        x = ones(256, device="cuda")
        assert cuda.memory_allocated() - before == x.nbytes
        assert cuda.memory_allocated() <= cuda.max_memory_allocated() == cuda.memory_reserved()
        free, total = cuda.mem_get_info("cuda:1")
        assert 0 < free <= total == cuda.get_device_properties(1).total_memory

    @pytest.mark.parametrize(
        ("call", "devices"),
        [
            (cuda.empty_cache, [0, 1]),
            (cuda.reset_peak_memory_stats, [0]),
            (lambda: cuda.reset_peak_memory_stats(1), [1]),
        ],
    )
    def test_a_pool_is_asked_on_its_gpu(self, call, devices, monkeypatch):
        seen = []
        monkeypatch.setattr(standin.memory_pool, "free_all_blocks", lambda: seen.append(cuda.current_device()))
        call()
        assert seen == devices and cuda.current_device() == 0
