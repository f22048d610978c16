"""The names of devices, and the default one."""

import contextvars
import copy
import pickle
import threading

import pytest

from minigrad import devices

pytestmark = pytest.mark.usefixtures("fresh_default")


class TestDevice:
    def test_each_spelling_gives_type_and_index(self):
        for made, kind, index, text in (
            (devices.device("cpu"), "cpu", None, "cpu"),
            (devices.device("cuda"), "cuda", None, "cuda"),
            (devices.device("cuda:1"), "cuda", 1, "cuda:1"),
            (devices.device("cuda", 1), "cuda", 1, "cuda:1"),
            (devices.device(2), "cuda", 2, "cuda:2"),
            (devices.device(type="cuda", index=0), "cuda", 0, "cuda:0"),
            (devices.device(devices.device("cpu:0")), "cpu", 0, "cpu:0"),
        ):
            assert (made.type, made.index, str(made)) == (kind, index, text)

    def test_repr(self):
        assert repr(devices.device("cuda:0")) == "device(type='cuda', index=0)"
        assert repr(devices.device("cpu")) == "device(type='cpu')"

    def test_equality_hash_and_copies(self):
        one = devices.device("cuda:1")
        assert one == devices.device("cuda", 1) and hash(one) == hash(devices.device("cuda", 1))
        assert one != devices.device("cuda") and one != "cuda:1"
        assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one

    @pytest.mark.parametrize(
        ("arguments", "error", "text"),
        [
            (("tpu",), RuntimeError, "Expected one of cpu, cuda device type at start of device"),
            (("",), RuntimeError, "Expected one of cpu, cuda"),
            (("gpu:0",), RuntimeError, "device string: 'gpu:0'; write 'cuda'"),
            (("CPU",), RuntimeError, "device string: 'CPU'; write 'cpu'"),
            (("mps",), RuntimeError, "device string: 'mps'; write 'cpu'"),
            (("xpu:0",), RuntimeError, "device string: 'xpu:0'; write 'cpu'"),
            (("cuda:x",), RuntimeError, "Invalid device string: 'cuda:x'; write it as 'cuda:0'"),
            (("cuda:-1",), RuntimeError, "Invalid device string: 'cuda:-1'"),
            (("cuda:01",), RuntimeError, "Invalid device string: 'cuda:01'"),
            (("cuda:0", 1), RuntimeError, "must not include an index because index was passed"),
            (("cuda", -1), RuntimeError, "must not be negative, got -1"),
            (("cuda", 1.5), TypeError, "argument 'index' must be an int, got 1.5"),
            (("cpu", True), TypeError, "argument 'index' must be an int, got True"),
            ((None,), TypeError, "takes a name ('cpu', 'cuda', 'cuda:1') or a GPU's number, got None"),
            ((True,), TypeError, "got True"),
            ((), TypeError, "or a GPU's number, got None"),
            (("cuda:0", 1), RuntimeError, "because index was passed explicitly: cuda:0"),
        ],
    )
    def test_wrong_names_are_refused(self, arguments, error, text):
        with pytest.raises(error) as caught:
            devices.device(*arguments)
        assert text in str(caught.value)

    def test_a_whole_place_may_be_given_by_name(self):
        assert devices.device(device="cuda:1") == devices.device(type="cuda", index=1) == devices.device("cuda:1")
        assert devices.device(device=1) == devices.device("cuda:1")
        assert devices.device(device=devices.device("cpu")) == devices.device(type="cpu") == devices.device("cpu")

    @pytest.mark.parametrize("others", [{"type": "cuda"}, {"index": 1}, {"type": "cuda", "index": 1}])
    def test_a_whole_place_beside_a_type_or_an_index_is_refused(self, others):
        with pytest.raises(TypeError, match=r"takes a name .* got \(.*, 'cpu'\)"):
            devices.device(device="cpu", **others)

    def test_a_device_is_read_only(self):
        with pytest.raises(AttributeError, match=r"'index' of 'minigrad.device' objects"):
            devices.device("cpu").index = 1


class TestDefault:
    def test_the_default_is_the_cpu(self):
        assert devices.default_device() == devices.device("cpu")

    @pytest.mark.usefixtures("stand_in")
    def test_the_innermost_scope_is_the_default(self):
        gpu = devices.device("cuda")
        devices.set_default_device("cuda:1")
        with gpu:
            assert devices.default_device() == gpu
            with devices.device("cpu"), gpu, gpu:
                assert devices.default_device() == gpu
            assert devices.default_device() == gpu
        assert devices.default_device() == devices.device("cuda:1")
        devices.set_default_device(None)
        assert devices.default_device() == devices.device("cpu")

    @pytest.mark.usefixtures("stand_in")
    def test_a_scope_ends_with_an_exception(self):
        with pytest.raises(KeyError), devices.device("cuda"):
            raise KeyError
        assert devices.default_device() == devices.device("cpu")

    def test_a_device_is_not_called(self):
        with pytest.raises(TypeError, match=r"^'device' object is not callable"):
            devices.device("cpu")()

    @pytest.mark.usefixtures("stand_in")
    def test_a_scope_is_local_to_its_context(self):
        other = contextvars.copy_context()
        seen = []
        with devices.device("cuda"):
            thread = threading.Thread(target=lambda: seen.append(devices.default_device()))
            thread.start()
            thread.join()
            assert other.run(devices.default_device) == devices.device("cpu")
        assert seen == [devices.device("cpu")]

    @pytest.mark.usefixtures("stand_in")
    def test_an_environment_variable_chooses_the_default(self, monkeypatch):
        monkeypatch.setenv("MINIGRAD_DEVICE", "cuda:1")
        assert devices.default_device() == devices.device("cuda:1")

    @pytest.mark.usefixtures("no_gpu")
    @pytest.mark.parametrize("name", ["gpu", "cuda"])
    def test_a_wrong_environment_variable_is_refused(self, monkeypatch, name):
        monkeypatch.setenv("MINIGRAD_DEVICE", name)
        text = f"environment variable MINIGRAD_DEVICE='{name}': "
        with pytest.raises(RuntimeError, match=text):
            devices.default_device()

    @pytest.mark.usefixtures("no_gpu")
    def test_a_gpu_that_is_not_there_is_refused(self):
        with pytest.raises(RuntimeError, match=r"'cuda' was asked for. CuPy is not installed: pip"):
            devices.set_default_device("cuda")
        with pytest.raises(RuntimeError, match="CuPy is not installed"), devices.device("cuda"):
            raise AssertionError
        assert devices.default_device() == devices.device("cpu")
