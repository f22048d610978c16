"""The continuous Bernoulli distribution: PyTorch's draws, moments by numerical integration, gradients, errors."""

import math

import numpy as np
import pytest
from scipy import integrate

import minigrad as torch
from tests.distributions.tables import draws_and_densities_with_seed_1
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
CHANCES = [0.001, 0.1, 0.4, 0.4985, 0.4995, 0.5, 0.5005, 0.502, 0.9, 0.999]

# PyTorch 2.13's, with the seed 1.
DRAWS = {
    "ContinuousBernoulli": (
        lambda: D.ContinuousBernoulli(0.2),
        [0.6058, 0.1696, 0.2597, 0.5776],
        [-0.2255, 0.3792, 0.2543, -0.1864],
    )
}

test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1(DRAWS)


def integrate_density(p, weight=lambda x, density: 1.0, end=1.0):
    """The mean of `weight(x, density)` over [0, end], of a density in proportion to ``p^x (1 - p)^(1 - x)``."""
    whole = integrate.quad(lambda x: p**x * (1 - p) ** (1 - x), 0, 1)[0]

    def weigh(x):
        density = p**x * (1 - p) ** (1 - x) / whole
        return density * weight(x, density)

    return integrate.quad(weigh, 0, end)[0]


@pytest.mark.parametrize("p", CHANCES)
def test_moments_are_integrals_of_the_density(p):
    law = D.ContinuousBernoulli(T(p, dtype=torch.float64))
    mean = integrate_density(p, lambda x, density: x)
    variance = integrate_density(p, lambda x, density: (x - mean) ** 2)
    found = [law.mean, law.variance, law.stddev, law.entropy(), law.cdf(T(0.3, dtype=torch.float64))]
    entropy = integrate_density(p, lambda x, density: -math.log(density))
    expected = [mean, variance, math.sqrt(variance), entropy, integrate_density(p, end=0.3)]
    assert [f.item() for f in found] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_the_series_near_a_half_have_right_coefficients():
    near, exact = (
        D.ContinuousBernoulli(T([0.46, 0.535], dtype=torch.float64), lims=lims) for lims in ((0.4, 0.6), (0.5, 0.5))
    )
    for name, error in (("mean", 3e-7), ("variance", 2e-8)):
        assert getattr(near, name).tolist() == pytest.approx(getattr(exact, name).tolist(), abs=error)
    assert near.log_normalizer().tolist() == pytest.approx(exact.log_normalizer().tolist(), abs=4e-8)
    shares = T([[0.1], [0.7]], dtype=torch.float64)
    np.testing.assert_allclose(near.cdf(shares).numpy(), exact.cdf(shares).numpy(), atol=1e-4)
    np.testing.assert_allclose(near.icdf(shares).numpy(), exact.icdf(shares).numpy(), atol=1e-4)


def test_quantiles_are_the_inverse_of_the_shares_below():
    law = D.ContinuousBernoulli(T(CHANCES, dtype=torch.float64))
    shares = T([[0.0], [0.1], [0.5], [0.99]], dtype=torch.float64)
    x = law.icdf(shares)
    np.testing.assert_allclose(law.cdf(x).numpy(), np.broadcast_to(shares.numpy(), x.shape), atol=1e-8)


def test_logits_are_as_good_as_chances():
    by_logits, by_chances = (
        D.ContinuousBernoulli(logits=T([-2.0, 0.0, 2.0])),
        D.ContinuousBernoulli(T([0.1192, 0.5, 0.8808])),
    )
    assert by_logits.mean.tolist() == pytest.approx(by_chances.mean.tolist(), abs=1e-4)
    assert by_logits.param_shape == by_logits.batch_shape == (3,) and by_logits.expand((2, 3)).sample().shape == (2, 3)
    assert repr(by_logits) == "ContinuousBernoulli(logits: minigrad.Size([3]))"
    assert D.ContinuousBernoulli(logits=T([-200.0, 200.0])).log_prob(T([0.5, 0.5])).isfinite().all()


@pytest.mark.parametrize("p", [0.2, 0.4995, 0.5, 0.85])
def test_everything_has_the_right_gradient_on_both_sides_of_a_half_and_at_it(p):
    x = T([0.3, 0.9], dtype=torch.float64)
    chances = T([p, p], dtype=torch.float64, requires_grad=True)
    for compute in (
        lambda law: law.mean, lambda law: law.variance, lambda law: law.entropy(), lambda law: law.log_prob(x),
        lambda law: law.cdf(x), lambda law: law.icdf(x),
    ):  # fmt: skip
        assert torch.autograd.gradcheck(lambda p, compute=compute: compute(D.ContinuousBernoulli(p)), chances)
    assert D.ContinuousBernoulli(chances).rsample((5,)).requires_grad


REFUSED = {
    "a chance above 1": (lambda: D.ContinuousBernoulli(2.0), ValueError, "parameter probs .* Interval"),
    "a value above 1": (lambda: D.ContinuousBernoulli(0.5).log_prob(T(1.5)), ValueError, "support .*Interval"),
    "both": (lambda: D.ContinuousBernoulli(0.5, 0.0), ValueError, "Either `probs` or `logits`"),
}

test_refused = refusals(REFUSED)


@pytest.mark.parametrize("logits", [-200.0, 50.0, 200.0])
def test_the_entropy_of_extreme_logits_is_that_of_the_probability_kept_inside(logits):
    given = torch.tensor(logits, requires_grad=True)
    entropy = torch.distributions.ContinuousBernoulli(logits=given).entropy()
    entropy.backward()
    assert entropy.item() == pytest.approx(-1.76898, abs=1e-5)  # recorded with PyTorch
    assert given.grad.item() == 0.0
