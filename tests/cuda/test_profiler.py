"""Which part of a program NVIDIA's profilers record."""

import pytest

from minigrad import cuda
from tests.standin import devices


def test_the_profiler_records_the_context_and_ends_after_an_error(stand_in):
    devices.shown.clear()
    with pytest.raises(ValueError, match="stop"), cuda.profiler.profile():
        raise ValueError("stop")
    assert devices.shown == ["profiler on", "profiler off"]


def test_without_a_gpu_the_reason_is_given(no_gpu):
    for call in (cuda.profiler.start, cuda.profiler.stop):
        with pytest.raises(RuntimeError, match="CuPy is not installed"):
            call()
