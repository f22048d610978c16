"""What distributions refuse: parameters that are NaN, and values of other shapes, or that they cannot have."""

import math

import pytest

import minigrad as torch

D = torch.distributions
T = torch.tensor
NAN = math.nan


@pytest.mark.parametrize("make", [D.Normal, D.Laplace, D.Cauchy, D.Gumbel, D.LogNormal])
def test_a_location_that_is_nan_is_refused(make):
    with pytest.raises(ValueError, match="loc must be a number, not NaN"):
        make(T([0.0, NAN]), 1.0)
    assert make(T([0.0, NAN]), 1.0, validate_args=False).batch_shape == (2,)


def test_the_location_of_a_multivariate_normal_is_no_nan():
    with pytest.raises(ValueError, match="loc must be numbers, not NaN"):
        D.MultivariateNormal(T([0.0, NAN]), torch.eye(2))


@pytest.mark.parametrize("make", [D.Categorical, D.OneHotCategorical, lambda **given: D.Multinomial(2, **given)])
def test_chances_that_cannot_be_scaled_to_sum_1_are_refused(make):
    for logits in ([NAN, 1.0], [-math.inf, -math.inf]):
        with pytest.raises(ValueError, match="the logits must be numbers, not NaN, nor all -inf"):
            make(logits=T(logits))
    for probs in ([0.0, 0.0], [], [math.inf, 1.0], [NAN, 1.0], [-1.0, 2.0]):
        with pytest.raises(ValueError, match="the chances must be numbers >= 0, and not all 0"):
            make(probs=T(probs))
    assert make(logits=T([0.0, -math.inf])).probs.tolist() == [1.0, 0.0]


IMPOSSIBLE = [
    (D.Laplace(0.0, 1.0), NAN, "not NaN"),
    (D.Cauchy(0.0, 1.0), NAN, "not NaN"),
    (D.Gumbel(0.0, 1.0), NAN, "not NaN"),
    (D.MultivariateNormal(torch.zeros(2), torch.eye(2)), [0.0, NAN], "not NaN"),
    (D.LogNormal(0.0, 1.0), 0.0, "must be in the support"),
    (D.Pareto(1.0, 2.0), 0.5, "below the scale"),
    (D.Exponential(1.0), -1.0, "negative"),
    (D.Uniform(0.0, 1.0), 2.0, "outside of"),
    (D.HalfNormal(1.0), -1.0, "negative"),
    (D.Geometric(0.5), math.inf, "a number of failures"),
    (D.Poisson(1.0), math.inf, "a count"),
    (D.Gamma(1.0, 1.0), NAN, "negative"),
    (D.Beta(1.0, 1.0), 1.5, r"must lie in \[0, 1\]"),
    (D.Dirichlet(torch.ones(2)), [1.0, 1.0], "chances of sum 1"),
    (D.Categorical(torch.ones(3)), 1.5, "no outcome"),
    (D.Bernoulli(0.5), 0.5, "0 or 1"),
    (D.OneHotCategorical(torch.ones(2)), [1.0, 1.0], "one 1 among zeros"),
    (D.Multinomial(2, torch.ones(2)), [2.0, 1.0], "counts other trials"),
]


@pytest.mark.parametrize(("law", "value", "words"), IMPOSSIBLE, ids=lambda x: type(x).__name__)
def test_a_value_that_the_distribution_cannot_have_is_refused(law, value, words):
    with pytest.raises(ValueError, match=words):
        law.log_prob(T(value))


@pytest.mark.parametrize(("law", "value", "words"), IMPOSSIBLE, ids=lambda x: type(x).__name__)
def test_a_share_of_values_below_an_impossible_one_is_refused(law, value, words):
    if hasattr(law, "cdf"):
        with pytest.raises(ValueError, match=words):
            law.cdf(T(value))


@pytest.mark.parametrize("make", [
    lambda: D.Normal(torch.zeros(2), 1.0), lambda: D.Categorical(torch.ones(2, 4)), lambda: D.Bernoulli(T([0.5, 0.5])),
    lambda: D.LogNormal(torch.zeros(2), 1.0), lambda: D.Poisson(torch.ones(2)), lambda: D.Geometric(T([0.5, 0.5])),
    lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2, 3)), D.Normal(torch.zeros(2, 3), 1.0)),
])  # fmt: skip
def test_a_value_that_is_not_broadcast_with_the_batch_is_refused(make):
    with pytest.raises(ValueError, match=r"not broadcastable with batch_shape\+event_shape: \(3,\) vs \(2,\)"):
        make().log_prob(torch.ones(3))
    assert make().log_prob(torch.ones(5, 1)).shape == (5, 2)


@pytest.mark.parametrize("law", [
    D.MultivariateNormal(torch.zeros(2), torch.eye(2)), D.OneHotCategorical(torch.ones(2)),
    D.Multinomial(1, torch.ones(2)), D.Dirichlet(torch.ones(2)),
    D.TransformedDistribution(D.Normal(torch.zeros(2), 1.0), D.ReshapeTransform((2,), (1, 2))),
])  # fmt: skip
def test_a_value_without_the_shape_of_an_event_is_refused(law):
    for shape in ((), (3,), (2, 1)):
        with pytest.raises(ValueError, match="The right-most size of value must match event_shape"):
            law.log_prob(torch.ones(shape))


@pytest.mark.parametrize(
    "law", [D.Categorical(torch.ones(2)), D.Normal(0.0, 1.0), D.Poisson(1.0), D.LogNormal(0.0, 1.0)]
)
@pytest.mark.parametrize("value", [1, 1.0, [1.0]])
def test_a_value_that_is_no_tensor_is_refused(law, value):
    with pytest.raises(ValueError, match="The value argument to log_prob must be a Tensor, got"):
        law.log_prob(value)
