"""Random correlation matrices by their Cholesky factors: PyTorch's draws and densities, shapes, errors."""

import math

import pytest

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


def test_draws_and_densities_are_those_of_pytorch():
    law = D.LKJCholesky(3, 0.5)
    torch.manual_seed(1)
    drawn = law.sample((2,))
    expected = [
        1.0, 0.0, 0.0, 0.3436, 0.9391, 0.0, -0.4781, 0.5349, 0.6966, 1.0, 0.0, 0.0, 0.2070, 0.9783, 0.0, 0.5615,
        -0.8039, 0.1960,
    ]  # fmt: skip
    assert drawn.flatten().tolist() == pytest.approx(expected, abs=1e-4)
    assert law.log_prob(drawn).tolist() == pytest.approx([-2.1695, -0.9015], abs=1e-3)


def test_two_by_two_correlations_with_concentration_1_are_uniform():
    # The correlation r is uniform in [-1, 1], and the factor is ((1, 0), (r, sqrt(1 - r^2))).
    factor = T([[1.0, 0.0], [0.6, 0.8]])
    assert D.LKJCholesky(2).log_prob(factor).item() == pytest.approx(math.log(0.5), rel=1e-5)


def test_batches_of_concentrations():
    law = D.LKJCholesky(4, T([0.5, 2.0]))
    drawn = law.sample((3,))
    assert law.batch_shape == (2,) and law.event_shape == (4, 4) and drawn.shape == (3, 2, 4, 4)
    assert law.support.check(drawn).all() and law.log_prob(drawn).shape == (3, 2)
    assert law.expand((5, 2)).sample().shape == (5, 2, 4, 4)
    c, factor = T(2.0, dtype=torch.float64, requires_grad=True), T([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda c: D.LKJCholesky(2, c).log_prob(factor), c)


test_refused = refusals({
    "one number": (lambda: D.LKJCholesky(1), ValueError, "greater than or equal to 2. Found dim=1"),
    "a negative concentration": (lambda: D.LKJCholesky(2, -1.0), ValueError, "parameter concentration .* GreaterThan"),
    "rows of another length": (
        lambda: D.LKJCholesky(2).log_prob(torch.eye(2) * 2), ValueError, "within the support .CorrCholesky"),
})  # fmt: skip
