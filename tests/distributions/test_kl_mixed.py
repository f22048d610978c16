"""Divergences of two different laws have PyTorch's numbers."""

import math

import pytest

import minigrad as torch

D = torch.distributions
NORMAL, LAPLACE, GUMBEL = D.Normal(0.5, 2.0), D.Laplace(1.0, 2.0), D.Gumbel(1.0, 2.0)
POSITIVE, GAMMA, CHI2 = D.Exponential(0.5), D.Gamma(2.0, 3.0), D.Chi2(3.0)
BETA, PARETO, BAND = D.Beta(2.0, 3.0), D.Pareto(1.0, 3.0), D.Uniform(0.2, 0.5)
GREY = D.ContinuousBernoulli(0.2)

# p, q, and PyTorch's number
PAIRS = [
    (BETA, POSITIVE, 1.1281), (BETA, GAMMA, 0.32102), (BETA, NORMAL, 1.8532), (BETA, D.Uniform(-1.0, 2.0), 1.3335),
    (POSITIVE, GAMMA, 1.9937), (POSITIVE, GUMBEL, 0.32436), (POSITIVE, NORMAL, 0.70019), (CHI2, NORMAL, 1.0892),
    (GAMMA, POSITIVE, 0.54788), (GAMMA, GUMBEL, 1.2592), (GUMBEL, NORMAL, 0.50633),
    (GUMBEL, D.Gumbel(0.0, 1.0), 0.61983),
    (LAPLACE, NORMAL, 0.25704), (NORMAL, GUMBEL, 0.44806), (NORMAL, LAPLACE, 0.096898), (PARETO, POSITIVE, 1.2084),
    (PARETO, GAMMA, 1.7347), (PARETO, NORMAL, 1.5961), (PARETO, D.Pareto(0.5, 2.0), 1.4584), (BAND, BETA, 0.68096),
    (BAND, POSITIVE, 2.0721), (BAND, GAMMA, 1.139), (BAND, GUMBEL, 2.9574), (BAND, NORMAL, 2.8198),
    (BAND, D.Pareto(0.1, 2.0), 1.8691), (D.Cauchy(0.0, 1.0), D.Cauchy(3.0, 0.5), 1.7272),
    (D.HalfNormal(1.0), D.HalfNormal(2.0), 0.31815), (D.Bernoulli(0.3), D.Poisson(0.7), 0.19614),
    (GREY, POSITIVE, 0.96357), (GREY, NORMAL, 1.6996), (GREY, D.Uniform(-1.0, 2.0), 1.175),
    (GREY, D.ContinuousBernoulli(0.4), 0.037849),
    (BETA, GREY, 0.17511), (BAND, GREY, 1.0749),
]  # fmt: skip
APART = [
    (NORMAL, POSITIVE), (LAPLACE, BETA), (GUMBEL, BAND), (GAMMA, PARETO), (PARETO, BAND),
    (D.Poisson(1.0), D.Bernoulli(0.5)), (D.Poisson(1.0), D.Binomial(3, 0.5)),
    (D.Uniform(-1.0, 1.0), POSITIVE), (BAND, D.Pareto(0.3, 2.0)),
    (D.Uniform(0.5, 1.5), BETA), (BETA, BAND), (GREY, PARETO),
    (GREY, BAND), (NORMAL, GREY), (D.Uniform(-1.0, 1.0), GREY),
]  # fmt: skip


def name_pair(pair):
    return f"{type(pair[0]).__name__} to {type(pair[1]).__name__}"


@pytest.mark.parametrize("pair", PAIRS, ids=name_pair)
def test_divergences_of_different_laws_are_pytorchs(pair):
    p, q, expected = pair
    assert torch.distributions.kl_divergence(p, q).item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("pair", APART, ids=name_pair)
def test_a_divergence_is_infinite_where_the_other_law_lacks_values(pair):
    assert torch.distributions.kl_divergence(*pair).item() == math.inf


def test_divergences_of_different_laws_have_gradients():
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: D.kl_divergence(D.Normal(0.5, s), D.Gumbel(1.0, s)), scale)
    assert torch.autograd.gradcheck(lambda s: D.kl_divergence(D.Gamma(s, 3.0), D.Exponential(s)), scale)
