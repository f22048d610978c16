"""Distributions of outcomes and counts: PyTorch's draws and densities, limits, gradients, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import batches, closed_forms, draws_with_seed_0
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


PAIRS = T([0.2, 0.9])
PAIRS_OF_COINS = T([0.2, 0.8])
ROWS = D.Categorical(logits=T([[0.0, 1.0, 2.0], [3.0, 1.0, 0.0]]))

# As PyTorch 2.13 prints them, with the seed 0.
DRAWS = {
    "Binomial": (lambda: D.Binomial(10, PAIRS_OF_COINS).sample((4,)).flatten(), [5, 9, 2, 9, 2, 9, 2, 9]),
    "Binomial of many": (
        lambda: D.Binomial(100, PAIRS_OF_COINS).sample((4,)).flatten(), [20, 78, 16, 79, 19, 82, 20, 81]),
    "Categorical": (lambda: D.Categorical(T([0.1, 0.2, 0.7])).sample((4,)), [2, 2, 2, 2]),
}  # fmt: skip

test_draws_with_a_seed_are_those_of_pytorch = draws_with_seed_0(DRAWS)


def test_counts_and_rows_are_drawn_as_in_pytorch():
    torch.manual_seed(1)
    rows = D.OneHotCategorical(T([0.2, 0.3, 0.5]))
    assert rows.sample((3,)).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert D.Geometric(0.3).sample((4,)).tolist() == [2, 0, 1, 2] and D.Poisson(2.5).sample((4,)).tolist() == [
        1,
        4,
        2,
        1,
    ]
    assert rows.sample((5,)).sum(-1).tolist() == [1.0] * 5
    assert rows.log_prob(T([0.0, 1.0, 0.0])).item() == pytest.approx(math.log(0.3)) and rows.mode.tolist() == [0, 0, 1]
    assert rows.mean.tolist() == rows.probs.tolist() and rows.variance[0].item() == pytest.approx(0.16)
    assert rows.entropy().item() == pytest.approx(stats.entropy([0.2, 0.3, 0.5])) and rows.param_shape == (3,)
    assert rows.expand((2,)).sample().shape == (2, 3)
    coin, scipys = D.Geometric(0.3), stats.geom(0.3, loc=-1)
    found = [coin.mean, coin.variance, coin.mode, coin.entropy(), coin.log_prob(T(2.0))]
    assert [f.item() for f in found] == pytest.approx(
        [scipys.mean(), scipys.var(), 0, 2.0362, scipys.logpmf(2)], abs=1e-4
    )
    assert D.Geometric(logits=0.3).logits.item() == pytest.approx(0.3)
    assert D.Geometric(1.0).log_prob(T(0.0)).item() == 0
    law = D.Poisson(2.5)
    assert [law.mean.item(), law.variance.item(), law.mode.item()] == [2.5, 2.5, 2]
    assert law.log_prob(T(3.0)).item() == pytest.approx(stats.poisson(2.5).logpmf(3))


CLOSED_FORMS = {
    "Bernoulli": (lambda: D.Bernoulli(0.3).log_prob(T(1.0)), math.log(0.3)),
    "Bernoulli by logits": (lambda: D.Bernoulli(logits=0.5).log_prob(T(0.0)), -math.log(1 + math.exp(0.5))),
    "Bernoulli entropy": (lambda: D.Bernoulli(0.3).entropy(), stats.bernoulli(0.3).entropy()),
    "Categorical": (lambda: D.Categorical(T([1.0, 2.0, 7.0])).log_prob(T(1)), math.log(0.2)),
    "Categorical by logits": (lambda: D.Categorical(logits=T([0.0, 0.0])).log_prob(T(1)), -math.log(2)),
    "Binomial": (lambda: D.Binomial(7, T(0.3)).log_prob(T(2.0)), stats.binom(7, 0.3).logpmf(2)),
    "Binomial by logits": (lambda: D.Binomial(7, logits=0.5).log_prob(T(2.0)), stats.binom(7, 0.62245933).logpmf(2)),
    "Binomial entropy": (lambda: D.Binomial(7, T(0.3)).entropy(), stats.binom(7, 0.3).entropy()),
    "Binomial mean": (lambda: D.Binomial(7, T(0.3)).mean, 2.1),
    "Binomial variance": (lambda: D.Binomial(7, T(0.3)).variance, 1.47),
    "Binomial mode": (lambda: D.Binomial(7, T(0.3)).mode, 2),
    "Binomial mode of a success that is certain": (lambda: D.Binomial(7, T(1.0)).mode, 7),
    "Categorical entropy": (lambda: D.Categorical(T([0.1, 0.2, 0.7])).entropy(), stats.entropy([0.1, 0.2, 0.7])),
}  # fmt: skip

test_densities_and_entropies_have_their_closed_forms = closed_forms(CLOSED_FORMS)


# Batches whose shapes differ broadcast; the numbers are PyTorch's, rounded.
BATCHES = {
    "one outcome for all rows": (lambda: ROWS.log_prob(T(1)), (2,), [-1.4076, -2.1698]),
    "an outcome for each row": (lambda: ROWS.log_prob(T([0, 2])), (2,), [-2.4076, -3.1698]),
    "a column of outcomes": (
        lambda: ROWS.log_prob(T([[0], [2]])), (2, 2), [-2.4076, -0.1698, -0.4076, -3.1698]),
    "several outcomes for each row": (
        lambda: ROWS.log_prob(T([[0, 2], [1, 1]])), (2, 2), [-2.4076, -3.1698, -1.4076, -2.1698]),
    "logits of chances": (lambda: D.Bernoulli(T([0.0, 0.3, 1.0])).logits, (3,), [-15.9424, -0.8473, 15.9424]),
    "logits of chances in double precision": (
        lambda: D.Categorical(T([0.0, 0.3, 1.0]).double()).logits, (3,), [-36.0437, -1.4663, -0.2624]),
    "means of coins": (lambda: D.Bernoulli(PAIRS).mean, (2,), [0.2, 0.9]),
    "entropies of coins": (lambda: D.Bernoulli(PAIRS).entropy(), (2,), [0.5004, 0.3251]),
    "variances of coins": (lambda: D.Bernoulli(PAIRS).variance, (2,), [0.16, 0.09]),
}  # fmt: skip

test_batches_broadcast_and_have_pytorchs_values = batches(BATCHES)


def test_a_binomial_law_broadcasts_its_parameters_and_lists_its_values():
    law = D.Binomial(T([[5.0], [3.0]]), T([0.5, 0.25, 1.0]))
    assert law.batch_shape == law.stddev.shape == (2, 3) and law.expand((4, 2, 3)).sample().shape == (4, 2, 3)
    assert law.log_prob(T(3.0))[1].tolist() == pytest.approx([-2.0794, -4.1589, 0.0], abs=1e-4)
    assert D.Binomial(T([5, 3]), 0.5).mean.tolist() == [2.5, 1.5]
    same = D.Binomial(2, PAIRS)
    assert same.enumerate_support().tolist() == [[0, 0], [1, 1], [2, 2]]
    assert same.enumerate_support(False).shape == (3, 1) and str(same).startswith("Binomial(total_count: minigrad.S")
    assert same.log_prob(same.enumerate_support()).exp().sum(0).tolist() == pytest.approx([1.0, 1.0])
    with pytest.raises(NotImplementedError, match="several counts: Inhomogeneous total count not supported"):
        law.enumerate_support()
    chances = T([0.3, 0.9], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: D.Binomial(7, t).log_prob(T([2.0, 7.0]).double()), chances)
    assert torch.autograd.gradcheck(lambda t: D.Binomial(7, t).entropy(), chances)


def test_shapes_of_rows():
    rows = D.Categorical(logits=torch.zeros(2, 3))
    assert rows.sample().shape == (2,) and rows.sample((4, 5)).shape == (4, 5, 2) and rows.param_shape == (2, 3)
    assert rows.log_prob(T([0, 2])).shape == (2,) and D.Bernoulli(T([0.0, 1.0])).sample((2,)).tolist() == [[0, 1]] * 2


def test_the_most_likely_value_and_the_moments():
    assert ROWS.mode.tolist() == [2, 0] and D.Bernoulli(T([0.2, 0.5, 0.7])).mode.tolist()[::2] == [0.0, 1.0]
    assert D.Bernoulli(0.5).mode.isnan() and ROWS.mean.isnan().all() and ROWS.variance.isnan().all()


def test_a_success_that_is_certain_has_a_gradient():
    probs = torch.tensor([1.0, 0.5], requires_grad=True)
    D.Geometric(probs).log_prob(torch.zeros(2)).sum().backward()
    assert probs.grad.tolist() == [1.0, 2.0]
    logits = torch.tensor(200.0, requires_grad=True)
    D.Geometric(logits=logits).log_prob(T(0.0)).backward()
    assert logits.grad.item() == 0.0
    assert D.Geometric(torch.tensor(1.0)).log_prob(torch.tensor([0.0, 1.0])).tolist() == [0.0, -math.inf]


@pytest.mark.parametrize("kind", [D.Bernoulli, D.Geometric])
def test_gradients_are_right_where_the_logits_are_zero(kind):
    x = T([0.0, 1.0], dtype=torch.float64)
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    chances = torch.full((2,), 0.5, dtype=torch.float64, requires_grad=True)
    for compute in (lambda law: law.log_prob(x), lambda law: law.entropy()):
        assert torch.autograd.gradcheck(lambda t, compute=compute: compute(kind(logits=t)), logits)
        assert torch.autograd.gradgradcheck(lambda t, compute=compute: compute(kind(logits=t)), logits)
        assert torch.autograd.gradcheck(lambda t, compute=compute: compute(kind(t)), chances)


def test_the_logits_learn():
    logits = torch.zeros(2, requires_grad=True)
    D.Categorical(logits=logits).log_prob(T(0)).backward()
    assert logits.grad.tolist() == [0.5, -0.5]


@pytest.mark.parametrize(("dtype", "least"), [(torch.float32, 2.0**-23), (torch.float64, 2.0**-52)])
def test_the_logarithm_of_chance_zero_is_that_of_eps(dtype, least):
    chances = torch.tensor([0.0, 1.0], dtype=dtype)
    assert D.Categorical(chances).log_prob(torch.tensor(0)).item() == pytest.approx(math.log(least))
    assert D.Bernoulli(chances).log_prob(chances * 0 + 1)[0].item() == pytest.approx(math.log(least))


def test_outcomes_of_probability_zero_have_the_right_limits():
    assert D.Categorical(logits=T([1.0, -math.inf])).entropy().item() == 0


@pytest.mark.parametrize("make", [D.Categorical, D.OneHotCategorical, lambda **given: D.Multinomial(2, **given)])
def test_chances_that_cannot_be_scaled_to_sum_1_are_refused(make):
    for logits in ([math.nan, 1.0], [-math.inf, -math.inf]):
        with pytest.raises(ValueError, match=r"Expected parameter logits .* IndependentConstraint\(Real\(\), 1\)"):
            make(logits=T(logits))
    for probs in ([0.0, 0.0], [], [math.inf, 1.0], [math.nan, 1.0], [-1.0, 2.0]):
        with pytest.raises(ValueError, match=r"Expected parameter probs .* Simplex\(\)"):
            make(probs=T(probs))
    assert make(logits=T([0.0, -math.inf])).probs.tolist() == [1.0, 0.0]


REFUSED = {
    "half a trial": (lambda: D.Binomial(2.5, 0.5), ValueError, "parameter total_count .* IntegerGreaterThan"),
    "fewer than no trials": (lambda: D.Binomial(-3, 0.5), ValueError, "parameter total_count .* found invalid values"),
    "more successes than trials": (
        lambda: D.Binomial(3, 0.5).log_prob(T(4.0)), ValueError, "IntegerInterval.lower_bound=0, upper_bound=3"),
    "chances and log-odds": (lambda: D.Binomial(3, 0.5, 0.5), ValueError, "must be specified, but not both"),
    "a chance": (lambda: D.Bernoulli(1.5), ValueError, "parameter probs .* Interval"),
    "half a coin": (lambda: D.Bernoulli(0.5).log_prob(T(0.5)), ValueError, "Boolean"),
    "both": (lambda: D.Bernoulli(0.5, 0.5), ValueError, "`probs` or `logits` must be specified, but not both"),
    "negative chances": (lambda: D.Categorical(T([-1.0, 2.0])), ValueError, "parameter probs .* Simplex"),
    "one chance": (lambda: D.Categorical(T(1.0)), ValueError, "at least one-dimensional"),
    "no outcome": (lambda: D.Categorical(T([1.0, 2.0])).log_prob(T(5)), ValueError, "IntegerInterval"),
    "half a row": (
        lambda: D.OneHotCategorical(T([0.5, 0.5])).log_prob(T([1.0, 1.0])), ValueError, r"OneHot\(\)"),
    "a coin that never succeeds": (lambda: D.Geometric(0.0), ValueError, "parameter probs .* GreaterThan"),
    "half a failure": (lambda: D.Geometric(0.5).log_prob(T(0.5)), ValueError, "IntegerGreaterThan"),
    "a negative rate": (lambda: D.Poisson(-1.0), ValueError, "parameter rate .* GreaterThanEq"),
    "half a count": (lambda: D.Poisson(1.0).log_prob(T(0.5)), ValueError, "IntegerGreaterThan"),
}  # fmt: skip

test_refused = refusals(REFUSED)


@pytest.mark.parametrize(("count", "value"), [(1.0, 0.0), (5.0, 2.0), (5.0, 5.0)])
def test_the_binomial_gradient_at_a_logit_of_zero_is_the_value_less_the_mean(count, value):
    logits = T(0.0, requires_grad=True)
    D.Binomial(count, logits=logits).log_prob(T(value)).backward()
    assert logits.grad == value - count / 2


def test_straight_through_samples_are_one_hot_and_have_the_gradient_of_the_probabilities():
    chances = torch.tensor([1.0, 3.0], requires_grad=True)
    torch.manual_seed(0)
    rows = D.OneHotCategoricalStraightThrough(chances).rsample((5,))
    torch.manual_seed(0)
    assert torch.equal(rows, D.OneHotCategorical(chances.detach()).sample((5,)))
    (rows * torch.tensor([0.0, 1.0])).sum().backward()
    # p1 = c1 / (c0 + c1) for each of five rows: its derivatives are -c1 / 16 and c0 / 16
    assert chances.grad.tolist() == [5 * -3 / 16, 5 * 1 / 16]


def test_sample_n_is_an_old_name_for_a_sample_of_that_shape():
    torch.manual_seed(0)
    old = D.Bernoulli(torch.tensor([0.2, 0.8])).sample_n(3)
    torch.manual_seed(0)
    assert torch.equal(old, D.Bernoulli(torch.tensor([0.2, 0.8])).sample((3,)))
