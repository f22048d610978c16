"""Choosing the device: as an argument, by moving, as a default; and refusing to mix."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend, cuda

pytestmark = pytest.mark.usefixtures("fresh_default")


MAKERS = {
    "tensor": lambda **how: mg.tensor([[1.0, 2.0]], **how),
    "zeros": lambda **how: mg.zeros(2, 3, **how),
    "ones": lambda **how: mg.ones(2, 3, **how),
    "empty": lambda **how: mg.empty(2, 3, **how),
    "full": lambda **how: mg.full((2,), 7.0, **how),
    "arange": lambda **how: mg.arange(3, **how),
    "linspace": lambda **how: mg.linspace(0, 1, 5, **how),
    "eye": lambda **how: mg.eye(2, **how),
    "rand": lambda **how: mg.rand(2, **how),
    "randn": lambda **how: mg.randn(2, **how),
    "randint": lambda **how: mg.randint(9, (2,), **how),
    "randperm": lambda **how: mg.randperm(4, **how),
    "zeros_like": lambda **how: mg.zeros_like(mg.ones(2, device="cpu"), **how),
}


@pytest.mark.parametrize("name", MAKERS)
def test_each_constructor_takes_a_device(device, name):
    mg.manual_seed(0)
    there = MAKERS[name](device=device)
    mg.manual_seed(0)
    here = MAKERS[name](device="cpu")
    assert there.device.type == device and there.dtype == here.dtype
    if name not in ("empty", "rand", "randn", "randint"):  # one seed means other numbers on a GPU
        np.testing.assert_array_equal(there.cpu().numpy(), here.numpy())


@pytest.mark.parametrize("name", [n for n in MAKERS if n != "zeros_like"])
def test_each_constructor_obeys_the_default_device(device, name):
    with mg.device(device):
        assert MAKERS[name]().device.type == device
    mg.set_default_device(device)
    assert MAKERS[name]().device.type == device
    mg.set_default_device(None)
    assert MAKERS[name]().device.type == "cpu"


def test_the_environment_sets_the_default_device(device, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DEVICE", device)
    assert mg.zeros(2).device.type == device
    assert (mg.zeros(2) + 1).sum().item() == 2


def test_to_cpu_and_cuda_move_a_tensor(device):
    x = mg.tensor([1.0, 2.0])
    there = x.to(device)
    assert there.device.type == device and there.tolist() == [1.0, 2.0]
    assert there.to(device) is there and there.to(there.device) is there
    assert x.to(there).device == there.device
    assert there.cpu().device == mg.device("cpu")
    assert there.to(device, mg.float64).dtype == mg.float64
    assert there.to("cpu").numpy().tolist() == [1.0, 2.0]
    if device == "cuda":
        assert x.cuda().device == mg.device("cuda:0") and there.cuda() is there
    else:
        assert there is x and x.cpu() is x


def test_moving_takes_pytorchs_arguments(device):
    x, model = mg.ones(1, 2, 2, 2), mg.ones(1, dtype=mg.float64, device=device)
    if device == "cuda":
        there = x.cuda(non_blocking=True, memory_format=mg.channels_last)
        assert there.is_cuda and there.is_contiguous(memory_format=mg.channels_last)
        assert there.cpu(memory_format=mg.contiguous_format).is_contiguous()
        with pytest.raises(RuntimeError, match="Invalid device, must be cuda device: got cpu"):
            x.cuda("cpu")
    moved = x.type_as(model)
    assert moved.device == model.device and moved.dtype == mg.float64


def test_copy_takes_a_tensor_on_another_device(device):
    x = mg.zeros(2, device=device)
    x.copy_(mg.tensor([1, 2]))
    assert x.tolist() == [1.0, 2.0] and x.device.type == device
    assert mg.zeros(2).copy_(x).device == mg.device("cpu")


def test_indices_on_the_cpu_select_on_every_device(device):
    x = mg.arange(4, device=device)
    assert x[mg.tensor([3, 0])].tolist() == [3, 0]
    assert x[mg.tensor([True, False, True, False])].tolist() == [0, 2]


def test_gradients_go_back_to_the_device_of_the_leaf(device):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (x.to(device) ** 2).sum().cpu().backward()
    assert x.grad.device == mg.device("cpu") and x.grad.tolist() == [2.0, 4.0]


def test_a_gradient_is_on_the_device_of_its_tensor(device):
    x = mg.ones(2, device=device, requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.device == x.device


@pytest.mark.usefixtures("stand_in")
class TestMixing:
    here, there = (property(lambda self: mg.ones(2, 3)), property(lambda self: mg.ones(3, device="cuda")))

    @pytest.mark.parametrize(
        "mix",
        [
            lambda a, b: a + b,
            lambda a, b: b * a,
            lambda a, b: a @ b,
            lambda a, b: mg.cat([a[0], b]),
            lambda a, b: mg.stack([b, a[0]]),
            lambda a, b: mg.maximum(a, b),
            lambda a, b: mg.where(b > 0, a, b),
            lambda a, b: a.add_(b),
            lambda a, b: a.__setitem__(a > 0, b),
            lambda a, b: mg.nn.functional.linear(b, a),
            lambda a, b: mg.nn.functional.mse_loss(a[0], b),
            lambda a, b: mg.nn.functional.cross_entropy(b.reshape(1, 3), mg.tensor([1])),
            lambda a, b: mg.nn.functional.conv2d(a.reshape(1, 1, 2, 3), b.reshape(1, 1, 1, 3)),
        ],
    )
    def test_every_function_refuses_it_and_says_how_to_move(self, mix):
        with pytest.raises(RuntimeError) as caught:
            mix(self.here, self.there)
        text = str(caught.value)
        assert "expected all tensors to be on the same device" in text
        assert "cuda:0" in text and "cpu" in text and ".to('" in text

    def test_the_error_says_which_operand_is_on_which_device(self):
        with pytest.raises(RuntimeError) as caught:
            _ = self.here + self.there
        assert (
            "expected all tensors to be on the same device, but operand 0 of shape (2, 3) is on "
            "cpu and operand 1 of shape (3,) is on cuda:0" in str(caught.value)
        )

    @pytest.mark.parametrize("mix", [lambda a, x: x + a, lambda a, x: mg.where(x > 0, x, x) - a])
    def test_an_array_of_the_host_is_refused_beside_a_tensor_on_a_gpu(self, mix):
        with pytest.raises(RuntimeError) as caught:
            mix(np.ones(3, np.float32), self.there)
        text = str(caught.value)
        assert "is a NumPy array of shape (3,), on cpu, beside a tensor on cuda:0" in text
        assert text.endswith("Move it there with minigrad.from_numpy(array).to('cuda:0')")
        x = mg.from_numpy(np.ones(3, np.float32)).to("cuda:0")
        assert (x + self.there).tolist() == [2.0] * 3

    def test_an_array_of_the_host_is_refused_as_an_argument(self):
        with pytest.raises(TypeError, match=r"must be Tensor, not numpy.ndarray; .* minigrad.from_numpy"):
            mg.nn.functional.linear(self.there, np.ones((2, 3), np.float32))

    def test_a_gradient_on_another_device_is_refused(self):
        x = mg.ones(3, device="cuda", requires_grad=True)
        with pytest.raises(
            RuntimeError, match=r"a gradient on cpu to a tensor on cuda:0; move it with \.to\('cuda:0'\)"
        ):
            x.grad = mg.ones(3)

    def test_numpy_gets_a_copy_only_by_cpu(self):
        for convert in (lambda x: x.numpy(), np.asarray):
            with pytest.raises(TypeError, match=r"Use Tensor.cpu\(\) to copy the tensor"):
                convert(self.there)
        assert np.exp(self.there).device.type == "cuda"

    def test_tensors_on_two_gpus_are_refused_until_one_is_moved(self):
        first, second = mg.ones(2, device="cuda:0"), mg.ones(2, device="cuda:1")
        assert second.device == mg.device("cuda:1")
        with pytest.raises(RuntimeError, match=r"is on cuda:0 and operand 1 of shape \(2,\) is on cuda:1"):
            _ = first + second
        assert (first + second.to("cuda:0")).tolist() == [2.0, 2.0]
        with cuda.device(1):
            assert (mg.ones(2, device="cuda") + second).device == second.device


def test_to_keeps_the_order_of_axes_in_memory(stand_in):
    x = mg.arange(24.0).reshape(2, 3, 4).permute(1, 2, 0)
    for part in (x, x.flip(0), mg.zeros(2, 3, 2, 2).to(memory_format=mg.channels_last)):
        there = part.to("cuda:0")
        assert there.stride() == there.to("cuda:1").stride() == there.cpu().stride() == part.stride()
        assert there.to("cuda:1").tolist() == there.cpu().tolist() == part.tolist()
    for gapped, wanted in ((x[:, ::2], (2, 1, 6)), (mg.zeros(1, 3, 4).expand(2, 3, 4), (12, 4, 1))):
        assert gapped.to("cuda:1").stride() == gapped.to("cuda:1").cpu().stride() == wanted


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_cuda_raises_with_the_reason():
    for ask in (
        lambda: mg.zeros(2, device="cuda"),
        lambda: mg.zeros(2).cuda(),
        lambda: mg.zeros(2).to("cuda:1"),
        lambda: mg.tensor([1.0], device="cuda"),
        lambda: mg.set_default_device("cuda"),
    ):
        with pytest.raises(RuntimeError, match="CuPy is not installed: pip install"):
            ask()
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda device type"):
        mg.zeros(2, device="tpu")


def test_a_move_lays_a_tensor_as_a_clone_does(device):
    """Expanded axes and gaps, too, as `preserve_format` has it in PyTorch."""
    dense, row = mg.arange(24.0, device=device).reshape(2, 3, 4), mg.ones(3, device=device)
    for part, strides in {
        dense.permute(2, 0, 1)[:, :, ::2]: (1, 8, 4),
        dense[:, :, :1].permute(1, 0, 2).expand(3, 2, 4): (4, 12, 1),
        row.expand(4, 3).t(): (4, 1),
    }.items():
        assert part.clone().stride() == strides
        moved = part.to("cpu", copy=True)
        assert moved.stride() == strides and moved.tolist() == part.tolist()


@pytest.mark.usefixtures("stand_in")
class TestPickles:
    def test_a_tensor_comes_back_on_its_gpu(self):
        w = mg.nn.Parameter(mg.arange(6.0, device="cuda:1").reshape(2, 3).t())
        for twin in (pickle.loads(pickle.dumps(w)), copy.copy(w), copy.deepcopy(w)):
            assert type(twin) is mg.nn.Parameter and twin.requires_grad and twin.device == mg.device("cuda:1")
            assert twin.tolist() == w.tolist() and twin.stride() == w.stride()
        assert copy.copy(w).data_ptr() == w.data_ptr() != copy.deepcopy(w).data_ptr()

    def test_without_a_gpu_the_reason_is_given(self, no_gpu, stand_in):
        with backend.use_library(stand_in):
            kept = pickle.dumps(mg.ones(2, device="cuda"))
        assert b"cupy" not in kept
        with pytest.raises(RuntimeError, match=r"device 'cuda:0' was asked for\. CuPy is not installed"):
            pickle.loads(kept)
