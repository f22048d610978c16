"""Every optimizer follows PyTorch's recorded trajectory, step by step."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim

RECORDED = json.loads((Path(__file__).resolve().parent.parent / "data" / "trajectories.json").read_text())


def start(dtype, device="cpu"):
    """Two parameters, (3,) and (2, 2), as in tests/oracle/record_optim.py."""
    return [
        minigrad.tensor([1.0, -2.0, 0.5], dtype=dtype, device=device, requires_grad=True),
        minigrad.tensor([[0.1, 0.2], [-0.3, 4.0]], dtype=dtype, device=device, requires_grad=True),
    ]


def set_gradients(step, parameters):
    """Numbers from a formula, the same in the oracle's script; the second parameter has none at the third step."""
    for i, p in enumerate(parameters):
        size = int(np.prod(p.shape))
        flat = [((7 * step + 5 * i + 3 * k) % 11 - 5) / 4 for k in range(size)]
        p.grad = minigrad.tensor(flat, dtype=p.dtype, device=p.device).reshape(p.shape)
    if step == 2 and len(parameters) > 1:
        parameters[1].grad = None


def read_options(case):
    return {name: tuple(value) if isinstance(value, list) else value for name, value in case["options"].items()}


def to_json(value):
    """A state dict as JSON gives it back."""
    if isinstance(value, minigrad.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): to_json(entry) for key, entry in value.items()}
    return [to_json(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def assert_close(got, expected, dtype):
    tolerance = 1e-13 if dtype == "float64" else 2e-6
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance / 10)


def case_name(case):
    options = ", ".join(f"{key}={value}" for key, value in case["options"].items())
    return f"{case['optimizer']}({options}) {case['dtype']}"


@pytest.mark.parametrize("case", RECORDED, ids=case_name)
def test_path_state_and_repr_are_pytorchs(case):
    parameters = start(getattr(minigrad, case["dtype"]))
    optimizer = getattr(optim, case["optimizer"])(parameters, **read_options(case))
    for step, expected in enumerate(case["path"]):
        set_gradients(step, parameters)
        optimizer.step()
        for got, wanted in zip(parameters, expected, strict=True):
            assert_close(got.tolist(), wanted, case["dtype"])
    state = to_json(optimizer.state_dict())
    expected = case["state_dict"]
    assert state["param_groups"] == expected["param_groups"]
    assert state["state"].keys() == expected["state"].keys()
    for index, buffers in expected["state"].items():
        assert state["state"][index].keys() == buffers.keys()
        for name, values in buffers.items():
            assert_close(state["state"][index][name], values, case["dtype"])
    assert repr(optimizer) == case["repr"]


@pytest.mark.parametrize("case", RECORDED[::3], ids=case_name)
def test_the_same_path_on_every_device(case, device):
    parameters = start(getattr(minigrad, case["dtype"]), device)
    optimizer = getattr(optim, case["optimizer"])(parameters, **read_options(case))
    for step in range(len(case["path"])):
        set_gradients(step, parameters)
        optimizer.step()
    for got, wanted in zip(parameters, case["path"][-1], strict=True):
        assert got.device.type == ("cpu" if device == "cpu" else "cuda")
        assert_close(got.tolist(), wanted, case["dtype"])


@pytest.mark.parametrize("case", RECORDED[1::2], ids=case_name)
def test_a_loaded_optimizer_continues_with_the_same_numbers(case):
    kind = getattr(optim, case["optimizer"])
    parameters = start(minigrad.float64)
    optimizer = kind(parameters, **read_options(case))
    for step in range(3):
        set_gradients(step, parameters)
        optimizer.step()
    fresh = [p.detach().clone().requires_grad_() for p in parameters]
    resumed = kind(fresh, lr=123.0)
    resumed.load_state_dict(optimizer.state_dict())
    for step in range(3, 6):
        set_gradients(step, parameters)
        set_gradients(step, fresh)
        optimizer.step()
        resumed.step()
    # Their float32 factors, which belong to no dtype of a parameter, are float64 once loaded: so it is in PyTorch.
    tolerance = 1e-7 if kind in (optim.NAdam, optim.ASGD) else 0.0
    for p, q in zip(parameters, fresh, strict=True):
        np.testing.assert_allclose(q.detach().numpy(), p.detach().numpy(), rtol=tolerance)


@pytest.mark.parametrize("make", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_of_an_optimizer_and_its_parameters_continues_with_the_same_numbers(make):
    parameters = start(minigrad.float64)
    optimizer = optim.Adam(parameters)
    set_gradients(0, parameters)
    optimizer.step()
    copied, other = make((parameters, optimizer))
    set_gradients(1, parameters)
    set_gradients(1, copied)
    optimizer.step()
    other.step()
    assert [p.tolist() for p in parameters] == [p.tolist() for p in copied]
    assert copied[0] is other.param_groups[0]["params"][0]


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad])
def test_each_optimizer_quarters_the_loss_of_a_small_network(kind):
    minigrad.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    x = minigrad.randn(64, 2)
    y = (x[:, :1] * x[:, 1:]).detach()
    optimizer = kind(net.parameters(), lr=0.05)
    loss = nn.MSELoss()
    first = loss(net(x), y).item()
    for _ in range(150):
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()
    assert loss(net(x), y).item() < first / 4
