"""The generalized Pareto distribution: PyTorch's draws, SciPy's numbers, gradients, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import draws_and_densities_with_seed_1, scipys
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor

test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1({
    "a heavy tail": (
        lambda: D.GeneralizedPareto(1.0, 2.0, 0.3), [4.5325, 1.6884, 2.1161, 4.2595],
        [-2.5356, -1.1190, -1.3639, -2.4180]),
    "exponential numbers": (
        lambda: D.GeneralizedPareto(1.0, 2.0, 0.0), [3.8346, 1.6551, 2.0319, 3.6537],
        [-2.1104, -1.0207, -1.2091, -2.0200]),
})  # fmt: skip

test_moments_and_quantiles_are_those_of_scipy = scipys({
    "a heavy tail": (D.GeneralizedPareto(T(0.5).double(), 2.0, 0.3), stats.genpareto(0.3, 0.5, 2.0)),
    "an upper bound": (D.GeneralizedPareto(T(0.5).double(), 2.0, -0.5), stats.genpareto(-0.5, 0.5, 2.0)),
    "exponential numbers": (D.GeneralizedPareto(T(0.5).double(), 2.0, 0.0), stats.genpareto(0.0, 0.5, 2.0)),
})  # fmt: skip


def test_the_support_ends_where_the_concentration_is_negative():
    law = D.GeneralizedPareto(T([0.0, 1.0]), 2.0, T([0.5, -0.5]))
    assert law.support.check(T([100.0, 6.0])).tolist() == [True, False] and law.mode.tolist() == [0.0, 1.0]
    assert law.support.upper_bound.tolist() == [math.inf, 5.0]


def test_moments_that_do_not_exist():
    law = D.GeneralizedPareto(0.0, 1.0, T([0.25, 0.5, 1.0]))
    assert law.mean.isnan().tolist() == [False, False, True] and law.variance.isnan().tolist() == [False, True, True]


@pytest.mark.parametrize("concentration", [0.5, 0.0, -0.2])
def test_logarithms_of_chances_are_those_of_scipy(concentration):
    law, scipys_law = D.GeneralizedPareto(T(0.0).double(), 1.0, concentration), stats.genpareto(concentration)
    for x in (0.5, 3.0):
        assert law.log_survival_function(T(x).double()).item() == pytest.approx(scipys_law.logsf(x), rel=1e-6)
        assert law.log_cdf(T(x).double()).item() == pytest.approx(scipys_law.logcdf(x), rel=1e-6)


def test_parameters_get_gradients():
    point = T([0.0, 1.0, 0.3], dtype=torch.float64).requires_grad_()
    x = T(0.4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: D.GeneralizedPareto(*p).log_prob(x), point)
    assert torch.autograd.gradcheck(lambda p: D.GeneralizedPareto(*p).icdf(x), point)
    assert D.GeneralizedPareto(*point).rsample().requires_grad


test_refused = refusals({
    "a scale of 0": (lambda: D.GeneralizedPareto(0.0, 0.0, 1.0), ValueError, "parameter scale .* GreaterThan"),
    "below the threshold": (
        lambda: D.GeneralizedPareto(0.0, 1.0, 1.0).log_cdf(T(-1.0)), ValueError, "within the support .Interval"),
})  # fmt: skip


def test_a_uniform_law_is_one_of_them():
    assert D.GeneralizedPareto(0.0, 2.0, -1.0).cdf(T(0.5)).item() == pytest.approx(0.25)
