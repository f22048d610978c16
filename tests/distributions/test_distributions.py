"""Probability distributions: PyTorch's draws and densities, gradients, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor

# The draws after manual_seed(0), as PyTorch 2.13 prints them.
DRAWS = {
    "Normal": (lambda: D.Normal(0.0, 1.0).sample((2,)), [1.5410, -0.2934]),
    "Normal of tensors": (lambda: D.Normal(torch.zeros(3), torch.ones(3)).sample(), [1.5410, -0.2934, -2.1788]),
    "Uniform": (lambda: D.Uniform(0.0, 2.0).sample((3,)), [0.9925, 1.5364, 0.1770]),
    "Multinomial": (
        lambda: D.Multinomial(4, T([0.25, 0.75])).log_prob(T([1.0, 3.0])), stats.binom(4, 0.25).logpmf(1)),
    "MultivariateNormal": (
        lambda: D.MultivariateNormal(torch.zeros(2), torch.eye(2)).sample((2,)).flatten(),
        [1.5410, -0.2934, -2.1788, 0.5684],
    ),
    "Categorical": (lambda: D.Categorical(T([0.1, 0.2, 0.7])).sample((4,)), [2, 2, 2, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_draws_with_a_seed_are_those_of_pytorch(name):
    draw, expected = DRAWS[name]
    torch.manual_seed(0)
    assert draw().tolist() == pytest.approx(expected, abs=1e-4)


DENSITIES = {
    "Normal": (lambda: D.Normal(1.0, 2.0).log_prob(T(0.3)), stats.norm(1, 2).logpdf(0.3)),
    "Normal cdf": (lambda: D.Normal(1.0, 2.0).cdf(T(0.3)), stats.norm(1, 2).cdf(0.3)),
    "Normal entropy": (lambda: D.Normal(1.0, 2.0).entropy(), stats.norm(1, 2).entropy()),
    "Uniform": (lambda: D.Uniform(0.0, 2.0).log_prob(T(1.0)), -math.log(2)),
    "Uniform cdf": (lambda: D.Uniform(0.0, 2.0).cdf(T(0.5)), 0.25),
    "Uniform entropy": (lambda: D.Uniform(0.0, 2.0).entropy(), math.log(2)),
    "Exponential": (lambda: D.Exponential(2.0).log_prob(T(1.0)), stats.expon(scale=0.5).logpdf(1.0)),
    "Exponential cdf": (lambda: D.Exponential(2.0).cdf(T(1.0)), stats.expon(scale=0.5).cdf(1.0)),
    "Exponential entropy": (lambda: D.Exponential(2.0).entropy(), stats.expon(scale=0.5).entropy()),
    "Bernoulli": (lambda: D.Bernoulli(0.3).log_prob(T(1.0)), math.log(0.3)),
    "Bernoulli by logits": (lambda: D.Bernoulli(logits=0.5).log_prob(T(0.0)), -math.log(1 + math.exp(0.5))),
    "Bernoulli entropy": (lambda: D.Bernoulli(0.3).entropy(), stats.bernoulli(0.3).entropy()),
    "Categorical": (lambda: D.Categorical(T([1.0, 2.0, 7.0])).log_prob(T(1)), math.log(0.2)),
    "Categorical by logits": (lambda: D.Categorical(logits=T([0.0, 0.0])).log_prob(T(1)), -math.log(2)),
    "Categorical entropy": (lambda: D.Categorical(T([0.1, 0.2, 0.7])).entropy(), stats.entropy([0.1, 0.2, 0.7])),
    "MultivariateNormal": (
        lambda: D.MultivariateNormal(T([1.0, 0.0]), T([[2.0, 0.5], [0.5, 1.0]])).log_prob(T([0.3, 0.4])),
        stats.multivariate_normal([1, 0], [[2, 0.5], [0.5, 1]]).logpdf([0.3, 0.4]),
    ),
    "MultivariateNormal entropy": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=T([[2.0, 0.0], [1.0, 3.0]])).entropy(),
        1 + math.log(2 * math.pi) + math.log(6),
    ),
    "KL of normals": (lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Normal(1.0, 2.0)), 0.4431472),
    "KL of exponentials": (
        lambda: D.kl_divergence(D.Exponential(1.0), D.Exponential(2.0)), 2 - math.log(2) - 1),
    "KL of outcomes": (
        lambda: D.kl_divergence(D.Categorical(T([0.5, 0.5])), D.Categorical(T([0.1, 0.9]))), 0.5108256),
    "KL of coins": (lambda: D.kl_divergence(D.Bernoulli(0.3), D.Bernoulli(0.5)), 0.0822829),
    "KL of vectors": (
        lambda: D.kl_divergence(
            D.MultivariateNormal(torch.zeros(2), torch.eye(2)), D.MultivariateNormal(torch.ones(2), 2 * torch.eye(2))),
        math.log(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", DENSITIES)
def test_densities_entropies_and_divergences_have_their_closed_forms(name):
    value, expected = DENSITIES[name]
    assert value().item() == pytest.approx(expected, rel=1e-5)


def test_each_law_has_its_moments_and_shapes():
    law = D.Normal(torch.zeros(3), 2.0)
    assert law.batch_shape == (3,) and law.event_shape == () and law.sample((5,)).shape == (5, 3)
    assert law.mean.tolist() == [0.0] * 3 and law.variance.tolist() == [4.0] * 3 and law.stddev.tolist() == [2.0] * 3
    assert repr(law) == "Normal(loc: minigrad.Size([3]), scale: minigrad.Size([3]))"
    assert repr(D.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)" and repr(D.Uniform(0.0, 2.0)).endswith(
        "high: 2.0)"
    )
    assert repr(D.Bernoulli(0.5)) == "Bernoulli(probs: 0.5)" and repr(D.Bernoulli(logits=0.5)) == (
        "Bernoulli(logits: 0.5)"
    )
    assert D.Uniform(0.0, 6.0).variance.item() == D.Uniform(0.0, 6.0).mean.item() == 3.0
    assert D.Bernoulli(0.5).variance.item() == 0.25 and D.Exponential(2.0).stddev.item() == 0.5
    vectors = D.MultivariateNormal(torch.zeros(4, 2), torch.eye(2))
    assert vectors.batch_shape == (4,) and vectors.event_shape == (2,) and vectors.sample((3,)).shape == (3, 4, 2)
    assert (
        vectors.log_prob(torch.zeros(4, 2)).shape == (4,)
        and vectors.precision_matrix.tolist() == [[[1, 0], [0, 1]]] * 4
    )
    rows = D.Categorical(logits=torch.zeros(2, 3))
    assert rows.sample().shape == (2,) and rows.sample((4, 5)).shape == (4, 5, 2) and rows.param_shape == (2, 3)
    counts = D.Multinomial(3, logits=torch.zeros(4, 2))
    assert counts.batch_shape == (4,) and counts.event_shape == (2,) and repr(counts) == "Multinomial()"
    assert counts.sample((5,)).shape == (5, 4, 2) and counts.sample().sum(-1).tolist() == [3.0] * 4
    assert rows.log_prob(T([0, 2])).shape == (2,) and D.Bernoulli(T([0.0, 1.0])).sample((2,)).tolist() == [[0, 1]] * 2


# Batches whose shapes differ broadcast; the numbers are PyTorch's, rounded.
PAIRS = T([0.2, 0.9])
ROWS = D.Categorical(logits=T([[0.0, 1.0, 2.0], [3.0, 1.0, 0.0]]))
VECTORS = (
    D.MultivariateNormal(T([[0.0, 1.0], [2.0, 0.0]]), T([[2.0, 0.5], [0.5, 1.0]])),
    D.MultivariateNormal(T([1.0, -1.0]), T([[[3.0, -1.0], [-1.0, 2.0]], [[1.0, 0.0], [0.0, 4.0]]])),
)
BATCHES = {
    "one outcome for all rows": (lambda: ROWS.log_prob(T(1)), (2,), [-1.4076, -2.1698]),
    "an outcome for each row": (lambda: ROWS.log_prob(T([0, 2])), (2,), [-2.4076, -3.1698]),
    "a column of outcomes": (
        lambda: ROWS.log_prob(T([[0], [2]])), (2, 2), [-2.4076, -0.1698, -0.4076, -3.1698]),
    "several outcomes for each row": (
        lambda: ROWS.log_prob(T([[0, 2], [1, 1]])), (2, 2), [-2.4076, -3.1698, -1.4076, -2.1698]),
    "variances of one matrix for two vectors": (lambda: VECTORS[0].variance, (2, 2), [2.0, 1.0, 2.0, 1.0]),
    "variances of two matrices for one vector": (lambda: VECTORS[1].variance, (2, 2), [3.0, 2.0, 1.0, 4.0]),
    "precisions": (lambda: VECTORS[1].precision_matrix[0], (2, 2), [0.4, 0.2, 0.2, 0.6]),
    "means of two matrices for one vector": (lambda: VECTORS[1].mean, (2, 2), [1.0, -1.0, 1.0, -1.0]),
    "entropies of two matrices": (lambda: VECTORS[1].entropy(), (2,), [3.6426, 3.5310]),
    "densities by two matrices": (lambda: VECTORS[1].log_prob(T([0.3, 0.4])), (2,), [-3.1326, -3.0210]),
    "KL of vectors": (lambda: D.kl_divergence(*VECTORS), (2,), [1.3249, 1.1633]),
    "KL of rows": (
        lambda: D.kl_divergence(D.Categorical(T([[0.5, 0.5, 0.0], [1, 0, 0]])), D.Categorical(T([0.2, 0.8, 0.0]))),
        (2,), [0.2231, 1.6094]),
    "KL of normals": (
        lambda: D.kl_divergence(D.Normal(T([0.0, 1.0]), T([1.0, 3.0])), D.Normal(T([1.0, -1.0]), T([2.0, 1.0]))),
        (2,), [0.4431, 4.9014]),
    "KL of exponentials": (
        lambda: D.kl_divergence(D.Exponential(T([1.0, 3.0])), D.Exponential(T([2.0, 1.0]))), (2,), [0.3069, 0.4319]),
    "KL of coins that may be certain": (
        lambda: D.kl_divergence(D.Bernoulli(T([0.0, 1.0, 0.5])), D.Bernoulli(0.5)), (3,), [0.6931, 0.6931, 0.0]),
    "KL to coins that are certain": (
        lambda: D.kl_divergence(D.Bernoulli(T([0.5, 0.5, 0.0, 1.0])), D.Bernoulli(T([0.0, 1.0, 0.0, 1.0]))),
        (4,), [math.inf, math.inf, 0.0, 0.0]),
    "logits of chances": (lambda: D.Bernoulli(T([0.0, 0.3, 1.0])).logits, (3,), [-15.9424, -0.8473, 15.9424]),
    "logits of chances in double precision": (
        lambda: D.Categorical(T([0.0, 0.3, 1.0]).double()).logits, (3,), [-36.0437, -1.4663, -0.2624]),
    "means of coins": (lambda: D.Bernoulli(PAIRS).mean, (2,), [0.2, 0.9]),
    "entropies of coins": (lambda: D.Bernoulli(PAIRS).entropy(), (2,), [0.5004, 0.3251]),
    "variances of coins": (lambda: D.Bernoulli(PAIRS).variance, (2,), [0.16, 0.09]),
}  # fmt: skip


@pytest.mark.parametrize("name", BATCHES)
def test_batches_broadcast_and_have_pytorchs_values(name):
    compute, shape, expected = BATCHES[name]
    found = compute()
    assert found.shape == shape
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-4)


def test_a_multinomial_without_a_count_has_one_trial():
    law = D.Multinomial(probs=T([1.0, 3.0]))
    assert law.total_count == 1 and law.sample((4,)).sum(-1).tolist() == [1.0] * 4


def test_the_most_likely_value_of_each_law():
    assert ROWS.mode.tolist() == [2, 0] and D.Normal(PAIRS, 1.0).mode.tolist() == PAIRS.tolist()


def test_gradients_flow_through_rsample_and_log_prob():
    loc, scale = T(1.0, requires_grad=True), T(2.0, requires_grad=True)
    for law in (D.Normal(loc, scale), D.Uniform(loc, loc + scale), D.Exponential(scale)):
        assert law.rsample((2,)).requires_grad and not law.sample((2,)).requires_grad
    (g,) = torch.autograd.grad(D.Normal(loc, scale).log_prob(T(2.0)), loc)
    assert g.item() == pytest.approx(0.25)  # (value - loc) / scale^2
    logits = torch.zeros(2, requires_grad=True)
    D.Categorical(logits=logits).log_prob(T(0)).backward()
    assert logits.grad.tolist() == [0.5, -0.5]


REFUSED = {
    "a scale": (lambda: D.Normal(0.0, -1.0), ValueError, "the scale must be positive"),
    "bounds": (lambda: D.Uniform(2.0, 1.0), ValueError, r"Uniform\(low: 2.0, high: 1.0\): low must be less than high"),
    "a value outside": (lambda: D.Uniform(0.0, 1.0).log_prob(T(3.0)), ValueError, "outside of"),
    "a rate": (lambda: D.Exponential(0.0), ValueError, "the rate must be positive"),
    "a chance": (lambda: D.Bernoulli(1.5), ValueError, r"must lie in \[0, 1\]"),
    "half a coin": (lambda: D.Bernoulli(0.5).log_prob(T(0.5)), ValueError, "must be 0 or 1"),
    "both": (lambda: D.Bernoulli(0.5, 0.5), ValueError, "`probs` or `logits` must be specified, but not both"),
    "negative chances": (lambda: D.Categorical(T([-1.0, 2.0])), ValueError, "must be numbers >= 0"),
    "negative chances of counts": (
        lambda: D.Multinomial(3, T([-1.0, 2.0])), ValueError, "Multinomial: the chances must be numbers >= 0"),
    "no chances of counts": (
        lambda: D.Multinomial(3), ValueError, "Multinomial: either `probs` or `logits` must be specified"),
    "one chance of counts": (
        lambda: D.Multinomial(3, logits=T(1.0)), ValueError, "Multinomial: `logits` must be at least one-dimensional"),
    "no number of trials": (
        lambda: D.Multinomial("a", T([1.0, 2.0])), NotImplementedError, "inhomogeneous total_count .* got 'a'"),
    "fewer trials than none": (
        lambda: D.Multinomial(-1, T([1.0, 2.0])), ValueError, "total_count must be 0 or more, got -1"),
    "counts of more trials": (
        lambda: D.Multinomial(3, T([0.5, 0.5])).log_prob(T([2.0, 2.0])), ValueError, "counts other trials"),
    "one chance": (lambda: D.Categorical(T(1.0)), ValueError, "at least one-dimensional"),
    "no outcome": (lambda: D.Categorical(T([1.0, 2.0])).log_prob(T(5)), ValueError, "is no outcome"),
    "two covariances": (
        lambda: D.MultivariateNormal(torch.zeros(2), torch.eye(2), torch.eye(2)), ValueError, "Exactly one of"),
    "not positive": (
        lambda: D.MultivariateNormal(torch.zeros(2), -torch.eye(2)), ValueError, "PositiveDefinite()"),
    "not symmetric": (
        lambda: D.MultivariateNormal(torch.zeros(2), T([[1.0, 0.2], [0.1, 1.0]])), ValueError, "PositiveDefinite()"),
    "a factor that is not triangular": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=T([[1.0, 0.2], [0.1, 1.0]])), ValueError,
        "scale_tril .* LowerCholesky()"),
    "a factor with a negative diagonal": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=-torch.eye(2)), ValueError, "LowerCholesky()"),
    "a vector for a matrix": (
        lambda: D.MultivariateNormal(torch.zeros(2), torch.ones(2)), ValueError,
        "covariance_matrix must be at least two-dim"),
    "a vector for a factor": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2)), ValueError,
        "scale_tril matrix must be at least two-dim"),
    "a number for a vector": (lambda: D.MultivariateNormal(T(0.0), torch.eye(2)), ValueError, "one-dimensional"),
    "no rsample": (lambda: D.Bernoulli(0.5).rsample(), NotImplementedError, "Bernoulli has no rsample"),
    "no density": (lambda: D.Distribution().log_prob(T(0.0)), NotImplementedError, "has no log_prob"),
    "no entropy": (lambda: D.Distribution().entropy(), NotImplementedError, "has no entropy"),
    "KL of two kinds": (
        lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Uniform(0.0, 1.0)), NotImplementedError, "q type Uniform"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_validate_args_false_checks_nothing():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1.0


def test_outcomes_of_probability_zero_have_the_right_limits():
    D = torch.distributions
    half, one = D.Categorical(torch.tensor([0.5, 0.5])), D.Categorical(torch.tensor([1.0, 0.0]))
    assert D.kl_divergence(half, one).item() == float("inf")
    assert abs(D.kl_divergence(one, half).item() - 0.6931) < 1e-4
    assert D.Categorical(logits=torch.tensor([1.0, -float("inf")])).entropy().item() == 0
    never, often = D.Bernoulli(torch.tensor([0.0, 0.25])), D.Bernoulli(torch.tensor([0.25, 0.0]))
    assert D.kl_divergence(never, often).tolist() == pytest.approx([-math.log(0.75), math.inf])
    counts = D.Multinomial(3, logits=torch.tensor([1.0, -float("inf")]))
    assert counts.log_prob(torch.tensor([3.0, 0.0])).item() == 0


@pytest.mark.parametrize(("dtype", "least"), [(torch.float32, 2.0**-23), (torch.float64, 2.0**-52)])
def test_the_logarithm_of_chance_zero_is_that_of_eps(dtype, least):
    chances = torch.tensor([0.0, 1.0], dtype=dtype)
    assert D.Categorical(chances).log_prob(torch.tensor(0)).item() == pytest.approx(math.log(least))
    assert D.Bernoulli(chances).log_prob(chances * 0 + 1)[0].item() == pytest.approx(math.log(least))


def test_one_number_is_printed_and_several_as_their_size():
    assert repr(D.Normal(T([0.0]), 2.0)) == "Normal(loc: tensor([0.]), scale: tensor([2.]))"
    assert repr(D.Normal(0.0, torch.ones(3))) == "Normal(loc: minigrad.Size([3]), scale: minigrad.Size([3]))"
    assert repr(D.Bernoulli(logits=0.25)) == "Bernoulli(logits: 0.25)"


def test_log_prob_of_nan_is_refused():
    with pytest.raises(ValueError, match="the value must be a number, not NaN"):
        torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor([1.0, float("nan")]))


def test_a_number_beside_a_tensor_has_its_dtype():
    law = D.Normal(0.0, torch.ones(2, dtype=torch.float64))
    assert law.loc.dtype is law.sample().dtype is torch.float64
    assert D.Uniform(0, 3).sample().dtype is torch.float32


def test_a_law_of_one_number_is_expanded_to_no_axes():
    law = D.Normal(torch.tensor(0.0), torch.tensor(1.0)).expand(())
    assert law.batch_shape == () == law.sample().shape


def test_all_values_of_a_law_with_few():
    assert D.Bernoulli(PAIRS).enumerate_support().tolist() == [[0, 0], [1, 1]]
    assert D.Bernoulli(PAIRS).enumerate_support(expand=False).tolist() == [[0], [1]]
    assert ROWS.enumerate_support().shape == (3, 2) and ROWS.enumerate_support().dtype is torch.int64
    assert D.OneHotCategorical(torch.ones(2, 3)).enumerate_support()[:, 1].tolist() == torch.eye(3).tolist()
    with pytest.raises(NotImplementedError, match="Normal has no enumerate_support: it has too many values"):
        D.Normal(0.0, 1.0).enumerate_support()


def test_an_expanded_law_has_views_of_the_parameters():
    law = D.Categorical(T([[1.0, 2.0, 7.0]])).expand((4, 1))
    assert law.probs.shape == (4, 1, 3) and law.probs.stride(0) == 0 and law.sample((2,)).shape == (2, 4, 1)
    assert D.Normal(0.0, 1.0).expand((2,)).batch_shape == (2,) == D.MultivariateNormal(
        torch.zeros(3), torch.eye(3)).expand((2,)).log_prob(torch.zeros(3)).shape  # fmt: skip


def test_a_uniform_law_away_from_zero_has_its_closed_forms():
    law = D.Uniform(-1.0, 3.0, validate_args=False)
    assert law.mean.item() == 1.0 and law.variance.item() == pytest.approx(16 / 12)
    assert law.cdf(T([-2.0, -1.0, 0.0, 2.0, 5.0])).tolist() == [0.0, 0.0, 0.25, 0.75, 1.0]
    assert law.icdf(T([0.0, 0.25, 1.0])).tolist() == [-1.0, 0.0, 3.0]
    assert law.log_prob(T([0.0, 4.0])).tolist() == pytest.approx([-math.log(4), -math.inf])
    assert law.entropy().item() == pytest.approx(math.log(4))
