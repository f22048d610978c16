"""The distribution of von Mises: PyTorch's draws, SciPy's density and variance, gradients, errors."""

import math

import pytest
from scipy import special, stats

import minigrad as torch
from tests.distributions.tables import closed_forms, draws_and_densities_with_seed_1
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
LAW = D.VonMises(T(1.0), T(2.0))

test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1({
    "VonMises": (lambda: D.VonMises(1.0, 2.0), [1.0675, 0.7431, 1.2689, 0.8003], [-0.6664, -0.7275, -0.7337, -0.7016]),
    "nearly uniform": (lambda: D.VonMises(1.0, 1e-6), [1.1918, 0.2945, 1.7359, 0.4436], [-1.8379] * 4),
})  # fmt: skip

test_closed_forms = closed_forms({
    "density": (lambda: LAW.log_prob(T(0.3)), stats.vonmises(2.0, 1.0).logpdf(0.3)),
    "density of an angle beyond a turn": (lambda: LAW.log_prob(T(0.3 + 2 * math.pi)), stats.vonmises(2, 1).logpdf(0.3)),
    "a narrow density": (lambda: D.VonMises(0.0, 1e4).log_prob(T(0.0)), stats.vonmises(1e4).logpdf(0.0)),
    "variance": (lambda: LAW.variance, 1 - special.i1(2.0) / special.i0(2.0)),
    "mean": (lambda: LAW.mean, 1.0),
    "mode": (lambda: LAW.mode, 1.0),
})  # fmt: skip


def test_angles_lie_within_a_turn_and_have_their_dtype():
    drawn = D.VonMises(T([-3.0, 3.0]).double(), T([0.5, 50.0]).double()).sample((200,))
    assert drawn.dtype == torch.float64 and drawn.shape == (200, 2) and drawn.abs().max() <= math.pi
    assert not D.VonMises.has_rsample and not drawn.requires_grad


def test_parameters_get_gradients():
    point = T([0.5, 2.0], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: D.VonMises(*p).log_prob(T(0.4, dtype=torch.float64)), point)
    assert torch.autograd.gradcheck(lambda p: D.VonMises(*p).variance, point)


test_refused = refusals({
    "a concentration of 0": (lambda: D.VonMises(0.0, 0.0), ValueError, "parameter concentration .* GreaterThan"),
    "draws with a gradient": (lambda: LAW.rsample(), NotImplementedError, "VonMises has no rsample"),
})  # fmt: skip


def test_a_batch_expands():
    assert D.VonMises(0.0, 1.0).expand((2, 3)).sample((4,)).shape == (4, 2, 3)
    assert D.VonMises(T([0.0, 1.0]), 1.0).log_prob(T(0.0)).tolist() == pytest.approx([-1.0738, -1.5335], abs=1e-4)
