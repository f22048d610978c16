"""A checkpoint computes its values again in backward, with the same gradients."""

import math
import subprocess
import sys

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    get_device_states,
    set_checkpoint_early_stop,
    set_device_states,
)


def wave(x):
    return x.sin().exp().sin()


def test_gradients_are_those_without_a_checkpoint():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.randn(5, 3, requires_grad=True)
    net(x).sum().backward()
    expected = [p.grad.clone() for p in [x, *net.parameters()]]
    for run in (lambda: checkpoint_sequential(net, 2, x), lambda: checkpoint(net, x, use_reentrant=False)):
        for p in [x, *net.parameters()]:
            p.grad = None
        run().sum().backward()
        for p, g in zip([x, *net.parameters()], expected, strict=True):
            assert torch.allclose(p.grad, g)


def test_backward_computes_again_with_the_same_random_numbers():
    calls = []

    def function(x, scale=1.0):
        calls.append(torch.rand(1).item())
        return x * scale * torch.rand(2), x + 1

    x = torch.ones(2, requires_grad=True)
    y, _ = checkpoint(function, x, scale=3.0)
    drawn = torch.get_rng_state()
    y.sum().backward()
    assert calls[0] == calls[1] and len(calls) == 2 and torch.equal(torch.get_rng_state(), drawn)
    assert torch.allclose(x.grad, y.detach())


def test_parameters_get_gradients_although_no_argument_requires_one():
    net = nn.Linear(2, 1)
    checkpoint(net, torch.ones(3, 2)).sum().backward()
    assert net.weight.grad.tolist() == [[3.0, 3.0]]
    with torch.no_grad():
        assert not checkpoint(net, torch.ones(3, 2)).requires_grad


def test_a_tensor_that_is_also_closed_over_gets_its_whole_gradient():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad(checkpoint(lambda x: x * w, w).sum(), w)
    assert g.tolist() == [2.0, 4.0]
    (g,) = torch.autograd.grad(checkpoint(lambda x: (x * w).sin(), torch.ones(2)).sum(), w)
    assert torch.equal(g, w.detach().cos())
    assert torch.autograd.gradgradcheck(lambda x: checkpoint(lambda v: (v * v).sin(), x), w.double())


def test_requires_grad_is_that_without_a_checkpoint():
    assert not checkpoint(lambda x: x * 2, torch.ones(2)).requires_grad
    same, more = checkpoint(lambda x: (x > 1, x * 2), torch.ones(2, requires_grad=True))
    assert not same.requires_grad and more.grad_fn.name() == "MulBackward0"


def test_values_overwritten_inside_are_saved_before():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    checkpoint(lambda x: x.exp().mul_(2), x).sum().backward()
    assert torch.equal(x.grad, 2 * x.detach().exp())


def test_a_second_backward_computes_a_third_time():
    calls, x = [], torch.ones(2, requires_grad=True)
    y = checkpoint(lambda x: (calls.append(1), (x * x).sin())[1], x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert len(calls) == 3 and torch.allclose(x.grad, 4 * torch.ones(2).cos())
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_a_second_run_may_differ_where_the_check_is_off():
    runs, x = [], torch.ones(2, requires_grad=True)

    def compute(x):
        runs.append(1)
        return x.sin() if len(runs) == 1 else x.sin().exp()

    checkpoint(compute, x, determinism_check="none").sum().backward()
    assert len(runs) == 2 and torch.equal(x.grad, torch.ones(2).cos())
    with pytest.raises(ValueError, match=r"determinism_check should be one of \['default', 'none'\], but got no"):
        checkpoint(compute, x, determinism_check="no")


def test_a_second_run_that_differs_is_refused():
    h = torch.ones(2, requires_grad=True) * 1
    y = checkpoint(lambda x: x * x, h)
    h.mul_(2)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation: an argument of checkpoint.*clone"):
        y.sum().backward()
    more = []
    y = checkpoint(lambda x: (more.append(1), x.sin() if len(more) == 1 else x.sin().exp())[1], torch.ones(2) + 0 * h)
    with pytest.raises(CheckpointError, match=r"different number of tensors.*: 1, then 2"):
        y.sum().backward()
    widths = iter([1, 2])
    y = checkpoint(lambda x: x.sin() * torch.ones(next(widths)), torch.ones(1, requires_grad=True))
    with pytest.raises(CheckpointError, match=r"different metadata .*tensor 1 had shape \(1,\) and .*, then \(2,\)"):
        y.sum().backward()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda slope, kept: slope(kept(slope(kept(wave)))),
        lambda slope, kept: kept(slope(slope(kept(wave)))),
        lambda slope, kept: slope(kept(slope(wave))),
        lambda slope, kept: slope(kept(kept(slope(kept(kept(wave)))))),
    ],
)
def test_checkpoints_and_derivatives_can_be_nested(wrap):
    def slope(function):
        return lambda x: torch.autograd.grad(function(x), x, create_graph=True)[0]

    x = torch.tensor(0.3, requires_grad=True)
    expected = slope(slope(wave))(x)
    found = wrap(slope, lambda function: lambda x: checkpoint(function, x))(x)
    (third,) = torch.autograd.grad(expected, x)
    assert torch.allclose(found, expected) and torch.allclose(torch.autograd.grad(found, x)[0], third)


def test_a_write_before_the_second_run_is_refused():
    def function(x):
        y = x.detach().sin().requires_grad_()
        z = (y * y).sum()
        with torch.no_grad():
            y += calls.pop()
        return x.sin() * torch.autograd.grad(z, y)[0].sum()

    calls = [1.0, 0.0]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        checkpoint(function, torch.ones(2, requires_grad=True)).sum().backward()


def test_invalid_arguments_are_refused():
    with pytest.raises(TypeError, match="takes a function"):
        checkpoint(3, torch.ones(1))
    with pytest.raises(NotImplementedError, match=r"context_fn=...\) is not supported"):
        checkpoint(wave, torch.ones(1), context_fn=lambda: (None, None), debug=True, early_stop=False)
    with pytest.raises(ValueError, match=r"segments must lie in \[1, 1\], got 2"):
        checkpoint_sequential([nn.ReLU()], 2, torch.ones(1))


def test_utils_checkpoint_is_imported_with_minigrad():
    code = "import minigrad as torch; torch.utils.checkpoint.checkpoint"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("early", [True, False])
def test_early_stopping_may_be_asked_for_and_changes_no_gradient(early):
    x = torch.tensor([0.5], requires_grad=True)
    with set_checkpoint_early_stop(early):
        checkpoint(lambda v: v.exp().sin(), x).backward()
    assert x.grad.item() == pytest.approx(math.exp(0.5) * math.cos(math.exp(0.5)))


@pytest.mark.device
def test_states_of_the_generators_of_gpus_can_be_kept(device):
    numbers, states = get_device_states(torch.ones(1, device=device), 3, torch.ones(1, device="cpu"))
    assert numbers == ([0] if device == "cuda" else []) and len(states) == len(numbers)
    drawn = torch.rand(4, device=device)
    set_device_states(numbers, states)
    assert device != "cuda" or torch.equal(torch.rand(4, device=device), drawn)
