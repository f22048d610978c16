"""Distributions of one real number: PyTorch's draws, SciPy's numbers, gradients, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import closed_forms, draws_and_densities_with_seed_1, draws_with_seed_0, scipys
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


# The draws after manual_seed(0), as PyTorch 2.13 prints them.
DRAWS = {
    "Normal": (lambda: D.Normal(0.0, 1.0).sample((2,)), [1.5410, -0.2934]),
    "Normal of tensors": (lambda: D.Normal(torch.zeros(3), torch.ones(3)).sample(), [1.5410, -0.2934, -2.1788]),
    "Uniform": (lambda: D.Uniform(0.0, 2.0).sample((3,)), [0.9925, 1.5364, 0.1770]),
}  # fmt: skip

test_draws_with_a_seed_are_those_of_pytorch = draws_with_seed_0(DRAWS)


# What PyTorch 2.13 draws after manual_seed(1), and the logarithms of the densities there.
DRAWN = {
    "Laplace": (lambda: D.Laplace(0.0, 1.0), [0.7241, -0.5823, -0.2155, 0.6337], [-1.4173, -1.2754, -0.9086, -1.3268]),
    "Cauchy": (lambda: D.Cauchy(0.0, 1.0), [-5.1495, -1.1742, -1.1042, -1.6080], [-4.4596, -2.0113, -1.9419, -2.4216]),
}  # fmt: skip

test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1(DRAWN)


SCIPYS = {
    "Laplace": (D.Laplace(T(0.5).double(), 0.8), stats.laplace(0.5, 0.8)),
    "Normal": (D.Normal(T(0.5).double(), 0.8), stats.norm(0.5, 0.8)),
    "Uniform": (D.Uniform(T(0.5).double(), 2.5), stats.uniform(0.5, 2)),
    "Exponential": (D.Exponential(T(0.8).double()), stats.expon(scale=1 / 0.8)),
}  # fmt: skip

test_moments_and_quantiles_are_those_of_scipy = scipys(SCIPYS)


CLOSED_FORMS = {
    "Normal": (lambda: D.Normal(1.0, 2.0).log_prob(T(0.3)), stats.norm(1, 2).logpdf(0.3)),
    "Normal cdf": (lambda: D.Normal(1.0, 2.0).cdf(T(0.3)), stats.norm(1, 2).cdf(0.3)),
    "Normal entropy": (lambda: D.Normal(1.0, 2.0).entropy(), stats.norm(1, 2).entropy()),
    "Uniform": (lambda: D.Uniform(0.0, 2.0).log_prob(T(1.0)), -math.log(2)),
    "Uniform cdf": (lambda: D.Uniform(0.0, 2.0).cdf(T(0.5)), 0.25),
    "Uniform entropy": (lambda: D.Uniform(0.0, 2.0).entropy(), math.log(2)),
    "Exponential": (lambda: D.Exponential(2.0).log_prob(T(1.0)), stats.expon(scale=0.5).logpdf(1.0)),
    "Exponential cdf": (lambda: D.Exponential(2.0).cdf(T(1.0)), stats.expon(scale=0.5).cdf(1.0)),
    "Exponential entropy": (lambda: D.Exponential(2.0).entropy(), stats.expon(scale=0.5).entropy()),
}  # fmt: skip

test_densities_and_entropies_have_their_closed_forms = closed_forms(CLOSED_FORMS)


def test_a_law_without_a_mean_says_nan():
    law, expected = D.Cauchy(0.5, 0.8), stats.cauchy(0.5, 0.8)
    assert math.isnan(law.mean) and law.variance == math.inf and law.mode == 0.5
    found = [law.entropy(), law.cdf(T(1.3)), law.log_prob(T(1.3)), law.icdf(T(0.3))]
    numbers = [expected.entropy(), expected.cdf(1.3), expected.logpdf(1.3), expected.ppf(0.3)]
    assert [f.item() for f in found] == pytest.approx(numbers, abs=1e-5)


def test_a_uniform_law_away_from_zero_has_its_closed_forms():
    law = D.Uniform(-1.0, 3.0, validate_args=False)
    assert law.mean.item() == 1.0 and law.variance.item() == pytest.approx(16 / 12)
    assert law.cdf(T([-2.0, -1.0, 0.0, 2.0, 5.0])).tolist() == [0.0, 0.0, 0.25, 0.75, 1.0]
    assert law.icdf(T([0.0, 0.25, 1.0])).tolist() == [-1.0, 0.0, 3.0]
    assert law.log_prob(T([0.0, 4.0])).tolist() == pytest.approx([-math.log(4), -math.inf])
    assert law.entropy().item() == pytest.approx(math.log(4))


def test_gradients_flow_through_rsample_and_log_prob():
    loc, scale = T(1.0, requires_grad=True), T(2.0, requires_grad=True)
    for law in (D.Normal(loc, scale), D.Uniform(loc, loc + scale), D.Exponential(scale)):
        assert law.rsample((2,)).requires_grad and not law.sample((2,)).requires_grad
    (g,) = torch.autograd.grad(D.Normal(loc, scale).log_prob(T(2.0)), loc)
    assert g.item() == pytest.approx(0.25)  # (value - loc) / scale^2


def test_the_most_likely_value():
    assert D.Normal(T([0.2, 0.9]), 1.0).mode.tolist() == pytest.approx([0.2, 0.9]) and D.Laplace(2.0, 1.0).mode == 2
    assert D.Exponential(2.0).mode == 0 and D.Uniform(0.0, 1.0).mode.isnan()


REFUSED = {
    "a scale": (lambda: D.Normal(0.0, -1.0), ValueError, "parameter scale .* GreaterThan"),
    "bounds": (lambda: D.Uniform(2.0, 1.0), ValueError, "parameter low .* LessThan"),
    "a value outside": (lambda: D.Uniform(0.0, 1.0).log_prob(T(3.0)), ValueError, "within the support"),
    "a rate": (lambda: D.Exponential(0.0), ValueError, "parameter rate .* GreaterThan"),
    "a scale of Laplace's": (lambda: D.Laplace(0.0, -1.0), ValueError, "parameter scale .* GreaterThan"),
    "a scale of Cauchy's": (lambda: D.Cauchy(0.0, -1.0), ValueError, "parameter scale .* GreaterThan"),
}  # fmt: skip

test_refused = refusals(REFUSED)


def test_shares_and_quantiles_of_laplace_have_gradients_in_the_middle():
    loc, scale = (torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in (0.3, 2.0))
    for x, share in ((0.3, 0.5), (-1.0, 0.1), (9.0, 0.9)):
        x, share = (torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in (x, share))
        assert torch.autograd.gradcheck(lambda x, loc, scale: D.Laplace(loc, scale).cdf(x), (x, loc, scale))
        assert torch.autograd.gradcheck(lambda p, loc, scale: D.Laplace(loc, scale).icdf(p), (share, loc, scale))
    far = D.Laplace(0.0, 1.0).cdf(torch.tensor([-1000.0, 1000.0], requires_grad=True))
    far.sum().backward()
    assert far.tolist() == [0.0, 1.0]
