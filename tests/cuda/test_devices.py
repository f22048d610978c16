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
            function(7).__enter__()

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

    def test_what_a_gpu_can_do(self):
        assert cuda.is_tf32_supported()
        assert cuda.can_device_access_peer(0, "cuda:1") and not cuda.can_device_access_peer(1, 1)


def test_without_a_gpu_nothing_can_be_done(no_gpu):
    assert not cuda.is_tf32_supported()
    with pytest.raises(RuntimeError, match="CuPy is not installed"):
        cuda.can_device_access_peer(0, 1)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("utilization", "`nvidia-smi` shows it"),
        ("caching_allocator_alloc", "CuPy's pool allocates"),
        ("set_sync_debug_mode", "a training step does not"),
        ("memory_snapshot", r"memory_summary\(\) give the bytes in use"),
    ],
)
def test_what_is_not_here_says_what_is(name, instead):
    with pytest.raises(AttributeError, match=f"PyTorch has torch.cuda.{name}, minigrad does not; .*{instead}"):
        getattr(cuda, name)
