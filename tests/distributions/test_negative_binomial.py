"""The negative binomial distribution: PyTorch's draws, SciPy's numbers, edges, and errors."""

import numpy as np
import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import draws_and_densities_with_seed_1
from tests.refusals import refusals

D, T = torch.distributions, torch.tensor

# What PyTorch 2.13 draws after manual_seed(1), and the logarithms of the chances there.
test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1({
    "by chances": (
        lambda: D.NegativeBinomial(3.0, T(0.4)), [3.0, 2.0, 0.0, 1.0], [-1.9788, -1.5733, -1.5325, -1.3502]),
    "by log-odds": (
        lambda: D.NegativeBinomial(3.0, logits=T(0.4)), [6.0, 3.0, 7.0, 8.0], [-2.4849, -1.9755, -2.7466, -3.0365]),
})  # fmt: skip


def test_chances_and_moments_are_those_of_scipy():
    law, expected = D.NegativeBinomial(T(2.5).double(), T(0.3).double()), stats.nbinom(2.5, 0.7)  # chance of a failure
    values = np.arange(9.0)
    assert np.allclose(law.log_prob(torch.from_numpy(values)), expected.logpmf(values))
    assert (law.mean.item(), law.variance.item()) == pytest.approx((expected.mean(), expected.var()))
    assert law.mode.item() == expected.pmf(values).argmax()


def test_no_failure_is_due_so_none_succeeds():
    law = D.NegativeBinomial(T([0.0, 2.0]), T(0.3))
    assert law.log_prob(T(0.0)).tolist() == pytest.approx([0.0, 2 * np.log(0.7)]) and law.mode.tolist() == [0, 0]
    assert law.expand((3, 2)).sample().shape == (3, 2)


def test_the_density_has_gradients():
    point = T([2.0, 0.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: D.NegativeBinomial(p[0], p[1]).log_prob(T(3.0).double()), point)


test_refused = refusals({
    "a negative count": (lambda: D.NegativeBinomial(-1.0, T(0.3)), ValueError, "total_count .* GreaterThanEq"),
    "a certain success": (
        lambda: D.NegativeBinomial(1.0, T(1.0)), ValueError, r"HalfOpenInterval\(lower_bound=0.0, upper_bound=1.0\)"),
    "no chance": (lambda: D.NegativeBinomial(1.0), ValueError, "Either `probs` or `logits` must be specified"),
    "half a success": (lambda: D.NegativeBinomial(1.0, T(0.5)).log_prob(T(0.5)), ValueError, "IntegerGreaterThan"),
})  # fmt: skip
