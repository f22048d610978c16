"""Inverse gamma, Kumaraswamy and logistic normal laws: PyTorch's draws, SciPy's and closed numbers, gradients."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import closed_forms, draws_and_densities_with_seed_1, draws_with_seed_0
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
INVERSE, SCIPYS = D.InverseGamma(T(3.0), T(2.0)), stats.invgamma(3.0, scale=2.0)
KUMARASWAMY = D.Kumaraswamy(T(2.0), T(3.0))

# What PyTorch 2.13 draws after manual_seed(1), and the logarithms of the densities there.
test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1({
    "InverseGamma": (
        lambda: D.InverseGamma(3.0, 2.0), [0.5130, 0.6396, 1.0027, 0.8318], [0.1576, 0.0469, -0.6190, -0.2814]),
    "Kumaraswamy": (
        lambda: D.Kumaraswamy(2.0, 3.0), [0.2973, 0.5885, 0.5112, 0.3125], [0.3936, 0.4113, 0.5150, 0.4231]),
})  # fmt: skip

test_closed_forms = closed_forms({
    "inverse gamma: mean": (lambda: INVERSE.mean, SCIPYS.mean()),
    "inverse gamma: variance": (lambda: INVERSE.variance, SCIPYS.var()),
    "inverse gamma: mode": (lambda: INVERSE.mode, 0.5),
    "inverse gamma: entropy": (lambda: INVERSE.entropy(), SCIPYS.entropy()),
    "inverse gamma: density": (lambda: INVERSE.log_prob(T(0.7)), SCIPYS.logpdf(0.7)),
    "kumaraswamy: mean": (lambda: KUMARASWAMY.mean, 3 * math.gamma(1.5) * 2 / math.gamma(4.5)),
    "kumaraswamy: variance": (lambda: KUMARASWAMY.variance, 0.25 - (6 * math.gamma(1.5) / math.gamma(4.5)) ** 2),
    "kumaraswamy: mode": (lambda: KUMARASWAMY.mode, 0.2**0.5),
    "kumaraswamy: uniform cdf": (lambda: D.Kumaraswamy(1.0, 1.0).cdf(T(0.25)), 0.25),
    "kumaraswamy: cdf": (lambda: KUMARASWAMY.cdf(T(0.5)), 1 - 0.75**3),
    "kumaraswamy: density": (lambda: KUMARASWAMY.log_prob(T(0.5)), math.log(6 * 0.5 * 0.75**2)),
    "kumaraswamy: uniform entropy": (lambda: D.Kumaraswamy(1.0, 2.0).entropy(), 0.5 - math.log(2)),
})  # fmt: skip

test_sticks_are_broken_as_in_pytorch = draws_with_seed_0({
    "one law": (lambda: D.LogisticNormal(T([0.0, 1.0]), T([1.0, 2.0])).sample(), [0.7001, 0.1805, 0.1194]),
})  # fmt: skip


def test_moments_that_do_not_exist():
    law = D.InverseGamma(T([0.5, 1.5, 3.0]), 1.0)
    assert law.mean.tolist() == [math.inf, 2.0, 0.5] and law.variance.tolist() == [math.inf, math.inf, 0.25]
    assert D.Kumaraswamy(T([0.5, 2.0, 1.0]), T([2.0, 0.5, 1.0])).mode.isnan().all()


def test_the_density_is_largest_at_the_mode():
    law = D.Kumaraswamy(T([2.0, 1.5]).double(), T([3.0, 4.0]).double())
    around = torch.stack([law.mode - 1e-3, law.mode + 1e-3])
    assert (law.log_prob(around) < law.log_prob(law.mode)).all()
    assert D.Kumaraswamy(T([1.0, 4.0]), T([3.0, 1.0])).mode.tolist() == [0.0, 1.0]


def test_logistic_normals_have_one_more_part_than_numbers():
    law = D.LogisticNormal(torch.zeros(2, 3), 1.0)
    assert law.batch_shape == (2,) and law.event_shape == (4,) and law.loc.shape == law.scale.shape == (2, 3)
    drawn = law.sample((5,))
    assert drawn.shape == (5, 2, 4) and torch.allclose(drawn.sum(-1), torch.ones(5, 2))
    assert D.LogisticNormal(0.0, 1.0).event_shape == (2,)
    # the normal density, divided by the product of the three parts, which is the volume change
    half = D.LogisticNormal(torch.zeros(1), torch.ones(1)).log_prob(T([0.5, 0.5]))
    assert half.item() == pytest.approx(-0.5 * math.log(2 * math.pi) - math.log(0.25), rel=1e-5)


def test_parameters_get_gradients():
    point = T([3.0, 2.0], dtype=torch.float64).requires_grad_()
    for law in (D.InverseGamma, D.Kumaraswamy):
        assert torch.autograd.gradcheck(lambda p, law=law: law(*p).log_prob(T(0.4, dtype=torch.float64)), point)
        assert torch.autograd.gradcheck(lambda p, law=law: law(*p).entropy(), point)
        assert law(*point).rsample().requires_grad


def test_divergence_of_inverse_gammas_is_that_of_gammas():
    found = D.kl_divergence(D.InverseGamma(3.0, 1.0), D.InverseGamma(2.0, 2.0))
    assert found.item() == D.kl_divergence(D.Gamma(3.0, 1.0), D.Gamma(2.0, 2.0)).item() > 0


test_refused = refusals({
    "a negative rate": (lambda: D.InverseGamma(1.0, -1.0), ValueError, "parameter rate .* GreaterThan"),
    "a negative concentration": (lambda: D.Kumaraswamy(-1.0, 1.0), ValueError, "parameter concentration1 .* GreaterT"),
    "parts that do not sum to 1": (
        lambda: D.LogisticNormal(torch.zeros(1), 1.0).log_prob(T([0.5, 0.6])), ValueError, "within the support .Simpl"),
})  # fmt: skip
