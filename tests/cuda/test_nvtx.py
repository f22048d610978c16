"""Names for parts of a program, as the profiler gets them."""

import threading

import pytest

from minigrad import cuda
from tests.standin import devices


@pytest.fixture
def shown(stand_in):
    devices.shown.clear()
    return devices.shown


class TestRanges:
    def test_ranges_are_nested_and_numbered_by_depth(self, shown):
        assert cuda.nvtx.range_push("step") == 0 and cuda.nvtx.range_push("forward") == 1
        assert cuda.nvtx.range_pop() == 1 and cuda.nvtx.range_pop() == 0
        assert shown == ["push step", "push forward", "pop", "pop"]

    def test_a_pop_without_a_push_is_said(self, shown):
        assert cuda.nvtx.range_pop() == -1 and cuda.nvtx.range_push("again") == 0
        assert cuda.nvtx.range_pop() == 0

    def test_each_thread_has_a_depth_of_its_own(self, shown):
        found = []
        with cuda.nvtx.range("main"):
            thread = threading.Thread(target=lambda: found.append(cuda.nvtx.range_push("worker")))
            thread.start()
            thread.join()
        assert found == [0]

    def test_a_context_formats_its_name_and_ends_after_an_error(self, shown):
        with pytest.raises(ValueError, match="stop"), cuda.nvtx.range("layer {} of {n}", 3, n=4):
            raise ValueError("stop")
        assert shown == ["push layer 3 of 4", "pop"]

    def test_a_range_is_a_decorator_too(self, shown):
        assert cuda.nvtx.range("sum")(sum)([1, 2]) == 3 and shown == ["push sum", "pop"]

    def test_ranges_that_overlap_are_ended_by_number(self, shown):
        first, second = cuda.nvtx.range_start("a"), cuda.nvtx.range_start("b")
        cuda.nvtx.range_end(first)
        cuda.nvtx.range_end(second)
        cuda.nvtx.mark("here")
        assert shown == ["start a", "start b", f"end {first}", f"end {second}", "mark here"]


def test_without_a_gpu_the_reason_is_given(no_gpu):
    for call in (cuda.nvtx.range_pop, lambda: cuda.nvtx.range_push("a"), lambda: cuda.nvtx.mark("a")):
        with pytest.raises(RuntimeError, match="CuPy is not installed"):
            call()
