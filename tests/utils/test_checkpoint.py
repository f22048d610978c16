"""Values within a checkpoint are computed again on the way back, to the same gradients."""

import subprocess
import sys

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.utils.checkpoint import checkpoint, checkpoint_sequential


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


def test_inner_values_are_computed_twice_and_random_ones_are_the_same():
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


def test_parameters_inside_are_trained_where_no_argument_asks_for_a_gradient():
    net = nn.Linear(2, 1)
    checkpoint(net, torch.ones(3, 2)).sum().backward()
    assert net.weight.grad.tolist() == [[3.0, 3.0]]
    with torch.no_grad():
        assert not checkpoint(net, torch.ones(3, 2)).requires_grad


def test_refused():
    with pytest.raises(TypeError, match="takes a function"):
        checkpoint(3, torch.ones(1))
    with pytest.raises(ValueError, match=r"segments must lie in \[1, 1\], got 2"):
        checkpoint_sequential([nn.ReLU()], 2, torch.ones(1))


def test_it_is_there_without_an_import_of_its_own():
    code = "import minigrad as torch; torch.utils.checkpoint.checkpoint"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
