"""Random numbers of the gamma distribution have its shape, by SciPy's test of Kolmogorov and Smirnov."""

import random

import pytest
from scipy import stats

from minigrad.gamma_draws import draw_gamma


@pytest.mark.parametrize("concentration", [0.05, 0.7, 1.0, 2.5, 60.0])
def test_draws_have_the_distribution_of_scipy(concentration):
    source = random.Random(0)
    drawn = [draw_gamma(concentration, source.random, lambda: source.gauss(0, 1)) for _ in range(4000)]
    assert stats.kstest(drawn, stats.gamma(concentration).cdf).pvalue > 0.01
    assert stats.kstest(drawn, stats.gamma(1.3 * concentration).cdf).pvalue < 1e-6  # the test can fail


def test_a_concentration_of_zero_gives_zero_and_draws_nothing():
    assert draw_gamma(0.0, None, None) == 0


def test_a_normal_number_far_below_zero_is_drawn_again():
    normals = iter([-9.0, 0.0])  # 1 + c x is negative for the first
    assert draw_gamma(1.0, lambda: 0.5, lambda: next(normals)) == pytest.approx(2 / 3)
    assert next(normals, "both were used") == "both were used"


def test_a_proposal_above_the_density_is_refused():
    normals, units = iter([2.0, 0.0]), iter([0.0, 0.5])  # 1 - 0 lies above what the first may have
    assert draw_gamma(1.0, lambda: next(units), lambda: next(normals)) == pytest.approx(2 / 3)
