"""Distributions of transformed values: PyTorch's draws, SciPy's numbers, shapes, gradients, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import draws_and_densities_with_seed_1, scipys
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


# What PyTorch 2.13 draws after manual_seed(1), and the logarithms of the densities there.
DRAWN = {
    "LogNormal": (lambda: D.LogNormal(0, 1), [1.9374, 1.3059, 1.0636, 1.8614], [-1.7990, -1.2215, -0.9825, -1.7333]),
    "Gumbel": (lambda: D.Gumbel(0.0, 1.0), [1.2817, -0.2433, 0.0958, 1.1766], [-1.5593, -1.0321, -1.0044, -1.4849]),
    "HalfCauchy": (lambda: D.HalfCauchy(2.0), [10.2991, 2.3483, 2.2084, 3.2159], [-4.4596, -2.0113, -1.9419, -2.4216]),
    "Weibull": (lambda: D.Weibull(2.0, 1.5), [0.3166, 0.8028, 0.8291, 0.6724], [-1.2722, -0.9984, -0.9949, -1.0277]),
    "HalfNormal": (lambda: D.HalfNormal(1.0), [0.6614, 0.2669, 0.0617, 0.6213], [-0.4445, -0.2614, -0.2277, -0.4188]),
}  # fmt: skip

test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1(DRAWN)


SCIPYS = {
    "LogNormal": (D.LogNormal(T(0.5).double(), 0.8), stats.lognorm(0.8, scale=math.exp(0.5))),
    "Gumbel": (D.Gumbel(T(0.5).double(), 0.8), stats.gumbel_r(0.5, 0.8)),
    "HalfNormal": (D.HalfNormal(T(0.8).double()), stats.halfnorm(scale=0.8)),
    "HalfCauchy": (D.HalfCauchy(T(0.8).double()), stats.halfcauchy(scale=0.8)),
    "Pareto": (D.Pareto(T(0.5).double(), 3.0), stats.pareto(3.0, scale=0.5)),
    "Weibull": (D.Weibull(T(0.5).double(), 1.7), stats.weibull_min(1.7, scale=0.5)),
}  # fmt: skip

test_moments_and_quantiles_are_those_of_scipy = scipys(SCIPYS)


def test_the_most_likely_values():
    laws = [D.LogNormal(0.0, 1.0), D.Gumbel(2.0, 1.0), D.Pareto(2.0, 1.0), D.HalfNormal(1.0), D.HalfCauchy(1.0)]
    assert [law.mode.item() for law in laws] == pytest.approx([math.exp(-1), 2, 2, 0, 0])
    assert D.Weibull(2.0, 2.0).mode.item() == pytest.approx(2**0.5)


def test_a_flow_of_vectors_adds_up_its_slopes():
    base = D.MultivariateNormal(torch.zeros(2), torch.eye(2))
    law = D.TransformedDistribution(base, [D.ExpTransform(), D.AffineTransform(2, T([0.2, 1.5]))])
    torch.manual_seed(0)
    drawn = law.sample((2,))
    assert drawn.flatten().tolist() == pytest.approx([2.9338, 3.1186, 2.0226, 4.6482], abs=1e-4)
    u = (drawn - 2) / T([0.2, 1.5])
    expected = stats.norm().logpdf(u.log().numpy()).sum(-1) - u.log().sum(-1).numpy() - math.log(0.3)
    assert law.log_prob(drawn).tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    assert law.batch_shape == () and law.event_shape == (2,)


def test_transforms_may_widen_the_batch_or_join_it():
    wide = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(torch.zeros(3), torch.ones(3)))
    assert wide.batch_shape == (3,) and wide.sample((2,)).shape == (2, 3) and wide.has_rsample
    joined = D.TransformedDistribution(D.Normal(torch.zeros(3), 1.0), D.AffineTransform(0.0, 1.0, event_dim=1))
    assert joined.event_shape == (3,) and joined.log_prob(torch.ones(3)).item() == pytest.approx(-4.2568, abs=1e-4)
    assert joined.expand((4,)).log_prob(torch.ones(3)).shape == (4,)


@pytest.mark.parametrize(
    "law",
    [D.LogNormal(0.0, 1.0, False), D.HalfNormal(1.0, False), D.Gumbel(0.0, 1.0, False), D.Pareto(1.0, 2.0, False),
     D.Weibull(1.0, 2.0, False)],
    ids=lambda law: type(law).__name__,
)  # fmt: skip
def test_without_validation_no_value_is_checked(law):
    outside = torch.tensor([-1.0, float("nan")])
    assert law.log_prob(outside).shape == (2,) and law.cdf(outside).shape == (2,)


def test_a_decreasing_transform_turns_the_cdf():
    law = D.TransformedDistribution(D.Uniform(0.0, 1.0), D.AffineTransform(0.0, -2.0))
    assert law.cdf(T(-0.5)).item() == 0.75 and law.icdf(T(0.75)).item() == -0.5


def test_the_cdf_is_known_on_the_edge_of_the_support_and_refused_below_it():
    assert D.LogNormal(0.0, 1.0).cdf(T(0.0)).item() == 0.0 and D.Weibull(1.0, 2.0).cdf(T(0.0)).item() == 0.0
    with pytest.raises(ValueError, match="within the support"):
        D.Pareto(1.0, 2.0).cdf(T(0.5))
    assert D.Pareto(1.0, 2.0, validate_args=False).cdf(T(0.5)).item() == -3.0


def test_transforms_learn():
    scale, loc = T(2.0, requires_grad=True), T(1.0, requires_grad=True)
    law = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(loc, scale))
    slopes = torch.autograd.grad(law.log_prob(T(2.0)), [loc, scale])
    assert [s.item() for s in slopes] == pytest.approx([0.25, -0.375])  # of the normal density
    assert law.rsample().requires_grad and not law.sample().requires_grad


REFUSED = {
    "a number for a transform": (
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), 3), ValueError, "a list of Transforms, but was 3"),
    "too few axes": (
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.SoftmaxTransform()), ValueError,
        "at least 1 axes for values of the base, got shape"),
    "a scale of Gumbel's": (lambda: D.Gumbel(0.0, -1.0), ValueError, "parameter scale .* GreaterThan"),
    "a scale of Pareto's": (lambda: D.Pareto(-1.0, 1.0), ValueError, "parameter scale .* GreaterThan"),
    "a value that exp never gives": (
        lambda: D.LogNormal(0.0, 1.0).log_prob(T(-1.0)), ValueError, "within the support .GreaterThan"),
    "half a scale": (lambda: D.HalfNormal(-1.0), ValueError, "parameter scale .* GreaterThan"),
    "a negative half": (lambda: D.HalfNormal(1.0).log_prob(T(-1.0)), ValueError, "GreaterThanEq"),
}  # fmt: skip

test_refused = refusals(REFUSED)
