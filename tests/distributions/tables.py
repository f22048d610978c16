"""Tables of a distribution's numbers as tests: draws, densities, moments, closed forms, shapes of batches."""

from collections.abc import Callable

import pytest

import minigrad as torch

VECTORS = (  # two vectors with one matrix, and two matrices with one vector
    torch.distributions.MultivariateNormal(
        torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    ),
    torch.distributions.MultivariateNormal(
        torch.tensor([1.0, -1.0]), torch.tensor([[[3.0, -1.0], [-1.0, 2.0]], [[1.0, 0.0], [0.0, 4.0]]])
    ),
)


def draws_with_seed_0(cases: dict) -> Callable:
    """The test that each draw gives PyTorch's numbers after `manual_seed(0)`: name -> (draw, numbers)."""

    @pytest.mark.parametrize("name", cases)
    def test_draws(name):
        draw, expected = cases[name]
        torch.manual_seed(0)
        assert draw().tolist() == pytest.approx(expected, abs=1e-4)

    return test_draws


def draws_and_densities_with_seed_1(cases: dict) -> Callable:
    """The test of four draws after `manual_seed(1)` and their log-densities: name -> (make, draws, log-densities)."""

    @pytest.mark.parametrize("name", cases)
    def test_draws_and_densities(name):
        make, draws, densities = cases[name]
        torch.manual_seed(1)
        drawn = make().sample((4,))
        assert drawn.tolist() == pytest.approx(draws, abs=1e-4)
        assert make().log_prob(drawn).tolist() == pytest.approx(densities, abs=1e-4)

    return test_draws_and_densities


def scipys(cases: dict) -> Callable:
    """The test that moments, entropy, density and quantiles are SciPy's: name -> (distribution, SciPy's)."""

    @pytest.mark.parametrize("name", cases)
    def test_scipys(name):
        law, expected = cases[name]
        x, chance = torch.tensor(1.3, dtype=torch.float64), torch.tensor(0.3, dtype=torch.float64)
        found = [law.mean, law.variance, law.stddev, law.entropy(), law.cdf(x), law.log_prob(x), law.icdf(chance)]
        numbers = (expected.mean(), expected.var(), expected.std(), expected.entropy())
        assert [f.item() for f in found] == pytest.approx(
            [*numbers, expected.cdf(1.3), expected.logpdf(1.3), expected.ppf(0.3)]
        )

    return test_scipys


def closed_forms(cases: dict) -> Callable:
    """The test that each call gives its number: name -> (call, number)."""

    @pytest.mark.parametrize("name", cases)
    def test_closed_forms(name):
        compute, expected = cases[name]
        assert compute().item() == pytest.approx(expected, rel=1e-5)

    return test_closed_forms


def batches(cases: dict) -> Callable:
    """The test that batches broadcast and have PyTorch's values: name -> (call, shape, numbers in order)."""

    @pytest.mark.parametrize("name", cases)
    def test_batches(name):
        compute, shape, expected = cases[name]
        found = compute()
        assert found.shape == shape
        assert found.flatten().tolist() == pytest.approx(expected, abs=1e-4)

    return test_batches
