"""Modules train on every array library, and a step copies nothing between host and GPU that was not requested."""

import sys

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import backend, cuda, nn, optim
from minigrad.serialization import load, save
from tests import standin

LARGEST_EIGENVALUE = 60  # of the summed loss's Hessian in the 1x2 kernel, on the 6x8 bars


def make_bars(device):
    """The 6x8 image of bars, and its edges found with [1, -1]."""
    image = mg.ones(1, 1, 6, 8, device=device)
    image[:, :, :, 2:6] = 0
    return image, F.conv2d(image, mg.tensor([[[[1.0, -1.0]]]], device=device))


def test_steps_written_by_hand_learn_the_edge_kernel(device):
    image, edges = make_bars(device)
    mg.manual_seed(0)
    layer = nn.Conv2d(1, 1, (1, 2), bias=False, device=device)
    for _ in range(30):
        loss = ((layer(image) - edges) ** 2).sum()
        layer.zero_grad()
        loss.backward()
        layer.weight.data[:] -= 3e-2 * layer.weight.grad
    assert layer.weight.device.type == device
    np.testing.assert_allclose(layer.weight.detach().cpu().numpy().ravel(), [1, -1], atol=(1 - 0.03 * 6) ** 30 * 2)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1}])
def test_sgd_takes_the_steps_of_plain_numpy(device, options):
    """Five steps of SGD + MSELoss, moved over with `to`, against the same in plain NumPy."""
    mg.manual_seed(1)
    layer = nn.Conv2d(1, 1, (1, 2), bias=False, dtype=mg.float64)
    kernel = layer.weight.detach().numpy().ravel().copy()
    image, edges = (t.double() for t in make_bars(device))
    layer.to(device)
    optimizer, criterion = optim.SGD(layer.parameters(), lr=0.1, **options), nn.MSELoss()
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = criterion(layer(image), edges)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    x = image.cpu().numpy()[0, 0]
    momentum, velocity = options.get("momentum", 0), None
    for loss in losses:
        wrong = kernel[0] * x[:, :-1] + kernel[1] * x[:, 1:] - (x[:, :-1] - x[:, 1:])
        assert loss == pytest.approx((wrong**2).mean(), rel=1e-12)
        g = 2 * np.array([(wrong * x[:, :-1]).mean(), (wrong * x[:, 1:]).mean()])
        g += options.get("weight_decay", 0) * kernel
        velocity = g if velocity is None else momentum * velocity + g
        kernel -= 0.1 * (g + momentum * velocity if options.get("nesterov") else velocity)
    np.testing.assert_allclose(layer.weight.detach().cpu().numpy().ravel(), kernel, rtol=1e-12)


def test_power_iteration_finds_the_largest_eigenvalue(device):
    """Power iteration on Hessian-vector products: the largest eigenvalue is 60 on every library."""
    image, edges = make_bars(device)
    kernel = mg.tensor([[[[0.3, 0.1]]]], device=device, requires_grad=True)
    direction = mg.tensor([[[[1.0, 0.5]]]], device=device)
    loss = ((F.conv2d(image, kernel) - edges) ** 2).sum()
    (gradient,) = mg.autograd.grad(loss, kernel, create_graph=True)
    for _ in range(30):
        (product,) = mg.autograd.grad((gradient * direction).sum(), kernel, retain_graph=True)
        size = (product * product).sum() ** 0.5
        direction = product / size
    assert size.item() == pytest.approx(LARGEST_EIGENVALUE, rel=1e-5)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad])
def test_a_training_step_copies_nothing_between_host_and_gpu(stand_in, make):
    image, edges = make_bars("cuda")
    layer = nn.Conv2d(1, 1, (1, 2), device="cuda")
    optimizer = make(layer.parameters(), lr=1e-2)
    standin.crossings.clear()
    for _ in range(2):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(image), edges)
        loss.backward()
        optimizer.step()
    assert standin.crossings == []
    loss.item()
    assert standin.crossings == ["to host: item"]
    assert type(layer.weight.array) is stand_in.ndarray


def test_load_state_dict_takes_tensors_on_another_device(device):
    mg.manual_seed(2)
    there, here = nn.Conv2d(1, 2, 3, device=device), nn.Conv2d(1, 2, 3)
    here.load_state_dict(there.state_dict())
    assert here.weight.device == mg.device("cpu")
    np.testing.assert_array_equal(here.weight.detach().numpy(), there.weight.detach().cpu().numpy())
    there.load_state_dict({name: 2 * value for name, value in here.state_dict().items()})
    assert there.weight.device.type == device
    np.testing.assert_array_equal(there.bias.detach().cpu().numpy(), 2 * here.bias.detach().numpy())


def test_to_moves_a_module_with_its_gradients(device):
    layer = nn.Linear(3, 2)
    weight = layer.weight
    layer(mg.ones(1, 3)).sum().backward()
    assert layer.to(device).weight is weight
    assert weight.device.type == weight.grad.device.type == device
    assert layer(mg.ones(1, 3, device=device)).device.type == device
    assert layer.cpu().weight.device == mg.device("cpu")


def test_a_checkpoint_loads_without_a_gpu(device, tmp_path, monkeypatch):
    mg.manual_seed(3)
    layer = nn.Conv2d(1, 2, 3, device=device)
    expected = [t.detach().cpu().numpy() for t in layer.parameters()]
    save(layer.state_dict(), tmp_path / "layer.mg")
    monkeypatch.setitem(sys.modules, "cupy", None)
    with backend.use_library(None):
        if device == "cuda":
            with pytest.raises(RuntimeError, match="map_location"):
                load(tmp_path / "layer.mg")
        state = load(tmp_path / "layer.mg", map_location="cpu")
        assert state["weight"].device == mg.device("cpu")
    for tensor, numbers in zip(state.values(), expected, strict=True):
        np.testing.assert_array_equal(tensor.numpy(), numbers)


@pytest.mark.usefixtures("stand_in")
def test_a_training_step_runs_on_the_second_gpu():
    with cuda.device(1):
        image, edges = make_bars("cuda")
        layer = nn.Conv2d(1, 1, (1, 2), device="cuda:1")
        loss = F.mse_loss(layer(image), edges)
        loss.backward()
        optim.SGD(layer.parameters(), lr=0.1, momentum=0.9).step()
        assert loss.device == layer.weight.grad.device == mg.device("cuda:1")
    assert layer.to("cuda:0").weight.device == mg.device("cuda:0")


def test_tensors_that_shared_an_array_share_it_when_loaded(device, tmp_path):
    x = mg.arange(12.0, device=device).reshape(3, 4)
    save({"whole": x, "same": x.detach(), "turned": x.t(), "none": x[:0]}, tmp_path / "views.mg")
    loaded = load(tmp_path / "views.mg")
    assert loaded["none"].shape == (0, 4) and loaded["turned"].tolist() == x.t().tolist()
    loaded["whole"].fill_(7.0)
    assert loaded["same"].tolist() == [[7.0] * 4] * 3 and loaded["same"].device.type == device
