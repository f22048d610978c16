"""The memory of a GPU: what is used, kept for reuse and given back."""

import gc

import pytest

from minigrad import accelerator, cuda, ones
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

    def test_counts_have_pytorchs_keys_and_make_a_table(self):
        x = ones(256, device="cuda")
        stats = cuda.memory_stats("cuda:0")
        assert stats["allocated_bytes.all.current"] == cuda.memory_allocated() >= x.nbytes
        assert stats["reserved_bytes.all.peak"] == cuda.max_memory_reserved()
        assert accelerator.memory_stats() == stats and accelerator.get_memory_info() == cuda.mem_get_info()
        title, *table = cuda.memory_summary(1, abbreviated=True).splitlines()
        assert title == "CUDA memory summary, device ID 1"
        assert (
            table[0] == "| Metric              |   Cur Usage |  Peak Usage |" and len({len(row) for row in table}) == 1
        )
        assert [row.split("|")[1].strip() for row in table[1:]] == ["Allocated memory", "GPU reserved memory"]

    def test_a_share_of_the_memory_is_the_limit(self):
        gc.collect()
        assert cuda.get_per_process_memory_fraction() == 1
        try:
            cuda.set_per_process_memory_fraction(0.25, "cuda:0")
            assert cuda.get_per_process_memory_fraction(0) == 0.25
            cuda.set_per_process_memory_fraction(0.0)
            with pytest.raises(cuda.OutOfMemoryError, match=r"CUDA out of memory\. Tried to allocate 1\.00 KiB"):
                ones(256, device="cuda")
        finally:
            cuda.set_per_process_memory_fraction(1.0)
        assert ones(256, device="cuda").sum().item() == 256

    def test_a_share_that_is_none_is_refused(self):
        with pytest.raises(TypeError, match="Invalid type for fraction argument, must be `float`, got int"):
            cuda.set_per_process_memory_fraction(1)
        with pytest.raises(ValueError, match=r"Invalid fraction value: 1\.5\. Allowed range: 0~1"):
            cuda.set_per_process_memory_fraction(1.5)

    def test_bytes_in_use_are_those_that_are_not_free(self):
        free, total = cuda.mem_get_info()
        assert cuda.device_memory_used() == total - free

    def test_names_of_old_say_the_new_ones(self):
        cuda.reset_accumulated_memory_stats()
        for old, new in {
            "memory_cached": "memory_reserved",
            "max_memory_cached": "max_memory_reserved",
            "reset_max_memory_allocated": "reset_peak_memory_stats",
            "reset_max_memory_cached": "reset_peak_memory_stats",
        }.items():
            with pytest.warns(FutureWarning, match=f"torch.cuda.{old} has been renamed to torch.cuda.{new}"):
                found = getattr(cuda, old)()
            assert found == getattr(cuda, new)()


def test_without_a_gpu_there_is_nothing_to_count(no_gpu):
    assert cuda.memory_stats() == {} and accelerator.memory_allocated() == 0
    with pytest.raises(RuntimeError, match="CuPy is not installed"):
        cuda.memory_summary()
