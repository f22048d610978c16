"""Muon and Adafactor follow PyTorch's recorded trajectories; their errors."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from minigrad import optim
from tests.optim.test_trajectories import case_name, read_options, set_gradients, to_json
from tests.refusals import refusals

RECORDED = json.loads((Path(__file__).resolve().parent.parent / "data" / "matrices.json").read_text())
SHAPES = ((3, 4), (6, 2), (12,), (2, 3, 2))


def start(case, device="cpu"):
    """The parameters of tests/oracle/record_optim.py."""
    dtype = getattr(torch, case["dtype"])
    flat = np.sin(np.arange(12.0))
    shapes = SHAPES[: 2 if case["optimizer"] == "Muon" else 4]
    return [torch.tensor(flat.reshape(s), dtype=dtype, device=device, requires_grad=True) for s in shapes]


def assert_close(got, wanted, case):
    tolerance = 1e-12 if case["dtype"] == "float64" and case["optimizer"] != "Muon" else 3e-6
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance / 2)


@pytest.mark.parametrize("case", RECORDED, ids=case_name)
def test_path_state_and_repr_are_pytorchs(case, device):
    parameters = start(case, device)
    optimizer = getattr(optim, case["optimizer"])(parameters, **read_options(case))
    for step, expected in enumerate(case["path"]):
        set_gradients(step, parameters)
        optimizer.step()
        for got, wanted in zip(parameters, expected, strict=True):
            assert_close(got.tolist(), wanted, case)
    state, expected = to_json(optimizer.state_dict()), case["state_dict"]
    assert state["param_groups"] == expected["param_groups"]
    for index, buffers in expected["state"].items():
        assert state["state"][index].keys() == buffers.keys()
        for name, values in buffers.items():
            assert_close(state["state"][index][name], values, case)
    assert repr(optimizer) == case["repr"]


@pytest.mark.parametrize("case", RECORDED[1::3], ids=case_name)
def test_a_loaded_optimizer_continues_with_the_same_numbers(case):
    kind, parameters = getattr(optim, case["optimizer"]), start(case)
    optimizer = kind(parameters, **read_options(case))
    set_gradients(0, parameters)
    optimizer.step()
    fresh = [p.detach().clone().requires_grad_() for p in parameters]
    resumed = kind(fresh, lr=123.0)
    resumed.load_state_dict(optimizer.state_dict())
    for taken, one in ((parameters, optimizer), (fresh, resumed)):
        set_gradients(1, taken)
        one.step()
    assert [p.tolist() for p in parameters] == [p.tolist() for p in fresh]


def test_muon_makes_the_singular_values_of_the_step_equal():
    w = torch.zeros(4, 3, requires_grad=True)
    w.grad = torch.linspace(-1, 1, 12).reshape(4, 3) ** 3
    optim.Muon([w], lr=1.0, weight_decay=0.0, momentum=0.0, nesterov=False, adjust_lr_fn="original").step()
    sizes = np.linalg.svd(w.detach().numpy(), compute_uv=False) / (4 / 3) ** 0.5
    assert ((sizes > 0.6) & (sizes < 1.3)).all()


def test_the_number_of_steps_may_be_numpys():
    taken = []
    for steps in (2, np.int64(2)):
        w = torch.eye(2, requires_grad=True)
        w.grad = torch.ones(2, 2)
        optim.Muon([w], ns_steps=steps).step()
        taken.append(w.tolist())
    assert taken[0] == taken[1]


W, V = torch.ones(2, 2, requires_grad=True), torch.ones(2, requires_grad=True)
REFUSED = {
    "a vector": (lambda: optim.Muon([V]), ValueError, r"only supports 2D parameters.*\[2\].*AdamW"),
    "another way to the rate": (lambda: optim.Muon([W], adjust_lr_fn="x"), ValueError, "Adjust.*x is not supported"),
    "a negative rate": (lambda: optim.Muon([W], lr=-1.0), ValueError, "Invalid learning rate"),
    "a growing memory": (lambda: optim.Adafactor([W], beta2_decay=0.1), ValueError, "beta2_decay should be <= 0"),
    "a negative eps1": (lambda: optim.Adafactor([W], eps=(-1.0, 0.1)), ValueError, "epsilon1 should be >= 0"),
    "a negative eps2": (lambda: optim.Adafactor([W], eps=(None, -0.1)), ValueError, "epsilon2 should be >= 0"),
    "a threshold below 1": (lambda: optim.Adafactor([W], d=0.5), ValueError, "threshold d should be >= 1"),
}


test_refused = refusals(REFUSED)


def test_too_many_steps_of_the_iteration_are_refused():
    w = torch.ones(2, 2, requires_grad=True)
    w.grad = torch.ones(2, 2)
    with pytest.raises(ValueError, match="less than 100"):
        optim.Muon([w], ns_steps=100).step()
