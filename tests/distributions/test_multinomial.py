"""Counts of outcomes: SciPy's probabilities, moments by counting all cases, shapes, errors."""

import itertools
import math

import pytest
from scipy import stats

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
CHANCES = [0.2, 0.3, 0.5]


def test_probabilities_are_those_of_scipy_and_sum_to_one():
    law, expected, total = D.Multinomial(4, T(CHANCES, dtype=torch.float64)), stats.multinomial(4, CHANCES), 0.0
    for counts in itertools.product(range(5), repeat=3):
        if sum(counts) == 4:
            found = law.log_prob(T(counts, dtype=torch.float64)).item()
            assert found == pytest.approx(expected.logpmf(counts))
            total += math.exp(found)
    assert total == pytest.approx(1)


def test_moments_are_means_over_all_sequences_of_outcomes():
    law = D.Multinomial(3, T(CHANCES, dtype=torch.float64))
    mean, square = [0.0] * 3, [0.0] * 3
    for outcomes in itertools.product(range(3), repeat=3):
        chance = math.prod(CHANCES[i] for i in outcomes)
        for i in range(3):
            mean[i] += chance * outcomes.count(i)
            square[i] += chance * outcomes.count(i) ** 2
    assert law.mean.tolist() == pytest.approx(mean)
    assert law.variance.tolist() == pytest.approx([s - m * m for s, m in zip(square, mean, strict=True)])


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("chances", [CHANCES, [0.9, 0.0, 0.1]])
def test_entropy_is_the_mean_of_the_log_probability_over_all_counts(n, chances):
    rows = D.Multinomial(n, T([chances, CHANCES], dtype=torch.float64))
    all_counts = [counts for counts in itertools.product(range(n + 1), repeat=3) if sum(counts) == n]
    likely = [[stats.multinomial.pmf(counts, n, row) for counts in all_counts] for row in (chances, CHANCES)]
    expected = [-sum(p * math.log(p) for p in row if p) for row in likely]
    assert rows.entropy().tolist() == pytest.approx(expected)
    assert rows.expand((3, 2)).entropy().shape == (3, 2) and D.Multinomial(0, T(chances)).entropy() == 0


def test_entropy_has_a_gradient():
    chances = T(CHANCES, dtype=torch.float64, requires_grad=True)
    D.Multinomial(5, chances).entropy().backward()
    assert chances.grad.tolist() == pytest.approx([1.2400, 0.2282, -0.6329], abs=1e-4)  # recorded with PyTorch


def test_draws_have_these_means_and_sums():
    torch.manual_seed(0)
    drawn = D.Multinomial(10, T(CHANCES)).sample((2000,))
    assert drawn.shape == (2000, 3) and (drawn.sum(-1) == 10).all()
    assert drawn.mean(0).tolist() == pytest.approx([2, 3, 5], abs=0.15)


def test_shapes_of_counts():
    counts = D.Multinomial(3, logits=torch.zeros(4, 2))
    assert counts.batch_shape == (4,) and counts.event_shape == (2,) and repr(counts) == "Multinomial()"
    assert counts.sample((5,)).shape == (5, 4, 2) and counts.sample().sum(-1).tolist() == [3.0] * 4
    assert counts.expand((2, 4)).sample().shape == (2, 4, 2)


def test_a_multinomial_without_a_count_has_one_trial():
    law = D.Multinomial(probs=T([1.0, 3.0]))
    assert law.total_count == 1 and law.sample((4,)).sum(-1).tolist() == [1.0] * 4


def test_an_outcome_of_probability_zero_has_the_right_limit():
    assert D.Multinomial(3, logits=T([1.0, -math.inf])).log_prob(T([3.0, 0.0])).item() == 0


REFUSED = {
    "negative chances of counts": (
        lambda: D.Multinomial(3, T([-1.0, 2.0])), ValueError, "parameter probs .* Simplex"),
    "no chances of counts": (
        lambda: D.Multinomial(3), ValueError, "Either `probs` or `logits` must be specified"),
    "one chance of counts": (
        lambda: D.Multinomial(3, logits=T(1.0)), ValueError, "`logits` parameter must be at least one-dimensional"),
    "no number of trials": (
        lambda: D.Multinomial("a", T([1.0, 2.0])), NotImplementedError, "inhomogeneous total_count .* got 'a'"),
    "fewer trials than none": (
        lambda: D.Multinomial(-1, T([1.0, 2.0])), ValueError, "total_count must be 0 or more, got -1"),
    "counts of more trials": (
        lambda: D.Multinomial(3, T([0.5, 0.5])).log_prob(T([2.0, 2.0])), ValueError, r"Multinomial\(\)"),
}  # fmt: skip

test_refused = refusals(REFUSED)
