"""The current GPU: how it is chosen, what is known of it, and what is refused."""

import pytest

from minigrad import cuda, ones


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

    def test_the_gpu_of_a_tensor_is_chosen(self):
        with cuda.device_of(ones(1, device="cuda:1")):
            assert cuda.current_device() == 1
            with cuda.device_of(ones(1)):
                assert cuda.current_device() == 1
        assert cuda.current_device() == 0

    def test_properties_of_a_gpu(self):
        assert cuda.get_device_name() == cuda.get_device_properties(1).name == "Strict stand-in"
        assert cuda.get_device_capability("cuda:1") == (9, 0) and not cuda.is_bf16_supported()
        assert repr(cuda.get_device_properties()) == (
            "_CudaDeviceProperties(name='Strict stand-in', major=9, minor=0, total_memory=8192MB, "
            "multi_processor_count=132)"
        )

    def test_a_gpu_is_there_and_waits(self):
        cuda.init()
        assert cuda.is_initialized() and cuda.is_available() and cuda.why_not() is None
        cuda.synchronize()
        cuda.synchronize("cuda:1")
