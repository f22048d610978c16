"""The gamma distribution and what is made of it: PyTorch's draws, SciPy's densities and moments, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from minigrad.gamma_draws import draw_gamma
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
A, B = T(2.5, dtype=torch.float64), T(0.8, dtype=torch.float64)
SCIPYS = {
    "Gamma": (D.Gamma(A, B), stats.gamma(2.5, scale=1 / 0.8)),
    "Gamma below 1": (D.Gamma(B, A), stats.gamma(0.8, scale=1 / 2.5)),
    "Chi2": (D.Chi2(A), stats.chi2(2.5)),
    "Beta": (D.Beta(A, B), stats.beta(2.5, 0.8)),
}

# As PyTorch 2.13 prints them.
DRAWN = [
    (lambda: D.Gamma(0.3, 2.0), [0.0, 0.004, 0.0994]),
    (lambda: D.Gamma(2.5, 2.0), [2.6593, 0.8814, 0.4651]),
    (lambda: D.Chi2(40.0), [54.6453, 36.7878, 30.4771]),
    (lambda: D.Beta(0.5, 0.5), [0.0176, 0.2957, 0.5323]),
    (lambda: D.Dirichlet(T([0.5, 2.0])), [0.0012, 0.9988, 0.0236, 0.9764, 0.1432, 0.8568]),
]
AFTER = [0.1734, -1.9653, -2.2509]


@pytest.mark.parametrize("name", SCIPYS)
def test_moments_and_densities_are_those_of_scipy(name):
    law, expected = SCIPYS[name]
    found = [law.mean, law.variance, law.stddev, law.entropy(), law.log_prob(T(0.3, dtype=torch.float64))]
    numbers = [expected.mean(), expected.var(), expected.std(), expected.entropy(), expected.logpdf(0.3)]
    assert [f.item() for f in found] == pytest.approx(numbers)


def test_a_dirichlet_distribution_is_that_of_scipy():
    law, expected = D.Dirichlet(T([0.5, 2.0, 3.0], dtype=torch.float64)), stats.dirichlet([0.5, 2, 3])
    x = T([0.2, 0.3, 0.5], dtype=torch.float64)
    assert law.mean.tolist() == pytest.approx(expected.mean().tolist())
    assert law.variance.tolist() == pytest.approx(expected.var().tolist())
    assert law.entropy().item() == pytest.approx(expected.entropy())
    assert law.log_prob(x).item() == pytest.approx(expected.logpdf([0.2, 0.3, 0.5]))
    assert law.mode.tolist() == pytest.approx([0, 1 / 3, 2 / 3])
    assert D.Dirichlet(T([0.5, 0.75])).mode.tolist() == [0, 1]
    assert law.batch_shape == () and law.event_shape == (3,) and law.expand((2,)).sample((4,)).shape == (4, 2, 3)


def test_draws_with_a_seed_are_those_of_pytorch():
    for make, expected in DRAWN:
        torch.manual_seed(0)
        assert make().sample((3,)).flatten().tolist() == pytest.approx(expected, abs=1e-4)
    torch.manual_seed(0)
    D.Gamma(T([0.5, 3.0]).double(), 1.0).sample((200,))
    assert torch.randn(3).tolist() == pytest.approx(AFTER, abs=1e-4)  # what is drawn next


def test_many_draws_have_the_right_mean_and_spread():
    torch.manual_seed(0)
    for c in (0.3, 1.0, 40.0):
        drawn = D.Gamma(T(c).double(), 2.0).sample((4000,))
        assert drawn.mean().item() == pytest.approx(c / 2, rel=0.1)
        assert drawn.var().item() == pytest.approx(c / 4, rel=0.2)
    assert draw_gamma(0.0, None, None) == 0


def test_modes_and_parameters():
    assert (
        D.Gamma(3.0, 2.0).mode == 1
        and D.Gamma(0.5, 2.0).mode == 0
        and D.Beta(2.0, 3.0).mode.item() == pytest.approx(1 / 3)
    )
    coin = D.Beta(2.0, T([3.0, 4.0]))
    assert coin.concentration1.tolist() == [2, 2] and coin.concentration0.tolist() == [3, 4] and repr(coin) == "Beta()"
    assert coin.expand((5, 2)).sample().shape == (5, 2) and D.Gamma(2.0, 1.0).expand((4,)).sample().shape == (4,)
    assert D.Chi2(3.0).df == 3 and repr(D.Gamma(3.0, 2.0)) == "Gamma(concentration: 3.0, rate: 2.0)"


def test_the_density_of_a_plain_number_has_the_dtype_of_the_parameters():
    law = D.Gamma(torch.tensor(2.0, dtype=torch.float64), 1.0)
    assert law.log_prob(3).item() == pytest.approx(math.log(3) - 3) and law.log_prob(3).dtype == torch.float64


def test_log_prob_and_draws_have_gradients_and_samples_have_none():
    c = T(2.0, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(D.Gamma(c, 1.0).log_prob(T(3.0, dtype=torch.float64)), c)
    assert g.item() == pytest.approx(math.log(3) - 0.4227843350984671)  # log(x) - digamma(2)
    for law in (D.Gamma(c, 1.0), D.Chi2(c), D.Beta(c, 1.0), D.Dirichlet(c.expand(3))):
        assert law.has_rsample and law.rsample().requires_grad and not law.sample().requires_grad


def test_draws_are_no_smaller_than_the_smallest_normal_number():
    least = torch.finfo(torch.float32).tiny
    for rate in (0.01, 1.0, 100.0):
        drawn = D.Gamma(1e-3, rate).sample((50,))
        assert drawn.min().item() == pytest.approx(max(least, least / rate)) and drawn.log().isfinite().all()


REFUSED = {
    "a concentration": (lambda: D.Gamma(-1.0, 1.0), ValueError, "parameter concentration .* GreaterThan"),
    "a concentration of Beta's": (lambda: D.Beta(0.0, 1.0), ValueError, "parameter concentration .* Dirichlet"),
    "a number": (lambda: D.Dirichlet(T(1.0)), ValueError, "must be at least one-dimensional"),
    "a negative value": (lambda: D.Gamma(1.0, 1.0).log_prob(T(-1.0)), ValueError, "GreaterThanEq"),
    "no chance": (lambda: D.Beta(1.0, 1.0).log_prob(T(2.0)), ValueError, "Interval"),
    "no chances": (lambda: D.Dirichlet(T([1.0, 1.0])).log_prob(T([1.0, 1.0])), ValueError, r"Simplex\(\)"),
}

test_refused = refusals(REFUSED)
