"""Which library holds an array, where it lives, and why there is no GPU."""

import contextvars
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from minigrad import backend, devices
from minigrad.backend import array_module, device_of, quiet, to_device
from tests import standin

pytestmark = pytest.mark.usefixtures("fresh_default")


class TestArrays:
    def test_module_and_device_follow_the_array(self, stand_in):
        here, there = np.ones(2), stand_in.ones(2)
        assert array_module(here) is array_module(np.float32(1)) is array_module(2.0) is np
        assert array_module(there) is stand_in
        assert device_of(here) == devices.device("cpu")
        assert device_of(there) == devices.device("cuda:0")

    def test_to_device_copies_only_between_devices(self, stand_in):
        host = np.arange(3.0)
        assert to_device(host, devices.device("cpu")) is host
        there = to_device(host, devices.device("cuda"))
        assert type(there) is stand_in.ndarray
        assert to_device(there, devices.device("cuda")) is there
        assert to_device(there, devices.device("cuda:0")) is there
        second = to_device(there, devices.device("cuda:1"))
        assert device_of(second) == devices.device("cuda:1")
        assert device_of(to_device(host, devices.device("cuda:1"))) == devices.device("cuda:1")
        np.testing.assert_array_equal(to_device(second, devices.device("cpu")), host)

    @pytest.mark.usefixtures("stand_in")
    def test_a_gpu_number_too_high_is_refused(self):
        with pytest.raises(RuntimeError, match=r"2 GPU\(s\), the last one is 'cuda:1'"):
            backend.library(devices.device("cuda:2"))

    def test_on_selects_the_device(self, stand_in):
        with backend.on(devices.device("cuda:1")):
            assert device_of(stand_in.ones(1)) == devices.device("cuda:1")
        with backend.on(devices.device("cpu")), backend.on(devices.device("cuda")):
            assert device_of(stand_in.ones(1)) == devices.device("cuda:0")

    @pytest.mark.usefixtures("stand_in")
    def test_two_gpus_are_counted(self):
        assert backend.is_available() and backend.why_not() is None
        assert backend.device_count() == 2


def fake_cupy(*, driver=13000, devices=1, error=None):
    """Just enough of CuPy for the probe, on a machine of one's choice."""

    def device_count():
        if error is not None:
            raise error
        return devices

    runtime = SimpleNamespace(
        driverGetVersion=lambda: driver, runtimeGetVersion=lambda: 12090, getDeviceCount=device_count
    )
    cuda = SimpleNamespace(
        runtime=runtime,
        memory=standin.cuda.memory,
        get_allocator=standin.cuda.get_allocator,
        set_allocator=standin.cuda.set_allocator,
    )
    return SimpleNamespace(cuda=cuda, arange=np.arange, ndarray=np.matrix)


class TestWhyNot:
    @pytest.fixture(autouse=True)
    def forget(self):
        with backend.use_library(None):
            yield

    def test_cupy_that_is_not_installed_is_the_reason(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "cupy", None)
        assert not backend.is_available() and backend.device_count() == 0
        assert backend.why_not() == (
            "CuPy is not installed: pip install cupy-cuda12x for CUDA 12, cupy-cuda13x for CUDA 13."
        )

    @pytest.mark.parametrize(
        ("machine", "text"),
        [
            ({"driver": 0}, "CuPy is installed, but this machine has no NVIDIA driver"),
            ({"driver": 11040}, "driver is too old: it serves CUDA 11.4, and the CuPy installed"),
            ({"devices": 0}, "CuPy and the NVIDIA driver are there, but no GPU"),
            ({"error": RuntimeError("cudaErrorUnknown")}, "RuntimeError: cudaErrorUnknown"),
        ],
    )
    def test_each_lack_of_a_machine_is_named(self, monkeypatch, machine, text):
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy(**machine))
        assert not backend.is_available()
        assert text in backend.why_not()

    @pytest.mark.parametrize(
        "error", [ImportError("libcudart.so.12"), ModuleNotFoundError("No module", name="fastrlock")]
    )
    def test_a_cupy_that_does_not_import_is_the_reason(self, monkeypatch, error):
        def broken(name):
            raise error

        monkeypatch.setattr(backend.importlib, "import_module", broken)
        assert "CuPy is installed, but does not import" in backend.why_not()
        assert str(error) in backend.why_not()

    def test_a_gpu_whose_first_kernel_runs_is_available(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy())
        assert backend.is_available() and backend.why_not() is None

    def test_a_gpu_whose_first_kernel_is_wrong_is_not_available(self, monkeypatch):
        cupy = fake_cupy()
        cupy.arange = np.zeros
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        assert "a first sum on it came out wrong" in backend.why_not()

    def test_an_array_of_cupy_is_recognized_before_the_probe(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "cupy", standin.cupy)
        assert backend._cuda is None
        assert array_module(standin.cupy.ones(1)) is standin.cupy
        assert backend._cuda is standin.cupy


class TestQuiet:
    def test_inf_and_nan_are_values(self):
        zero = np.zeros(1)
        assert quiet(np.divide, 1, zero)[0] == np.inf
        assert quiet(lambda x, *, by: x / by, zero, by=zero)[0] != 0

    def test_quiet_may_be_nested(self):
        assert quiet(lambda: quiet(lambda: quiet(np.log, np.zeros(1))))[0] == -np.inf

    def test_quiet_may_be_nested_in_another_context(self):
        other = contextvars.Context()
        assert quiet(lambda: other.run(quiet, np.log, np.zeros(1)))[0] == -np.inf

    def test_a_context_error_of_the_function_is_raised_after_one_call(self):
        calls, other = [], contextvars.Context()

        def fails():
            calls.append(1)
            other.run(other.run, calls.append, 2)

        with pytest.raises(RuntimeError, match="cannot enter context"):
            quiet(fails)
        assert calls == [1]

    def test_quiet_may_run_in_several_threads(self):
        meet, results = threading.Barrier(4), []

        def work():
            quiet(lambda: (meet.wait(), results.append(np.log(np.zeros(1))[0])))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [-np.inf] * 4

    def test_an_error_is_raised_after_one_call(self):
        calls = []

        def fails():
            calls.append(1)
            raise RuntimeError("of its own")

        with pytest.raises(RuntimeError, match="of its own"):
            quiet(fails)
        assert calls == [1]

    def test_quiet_leaves_the_callers_settings(self):
        before = np.geterr()
        quiet(np.log, np.zeros(1))
        assert np.geterr() == before


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38])
def test_is_finite_finds_what_is_not_by_one_product(number):
    array = np.ones((2, 3), np.float32)
    assert backend.is_finite(array) and backend.is_finite(array[:, ::2]) and backend.is_finite(array[:0])
    array[1, 1] = number  # of the last one the square overflows
    assert not backend.quiet(backend.is_finite, array)
