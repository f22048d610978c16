"""What all distributions share: shapes, printing, expansion, and what they refuse."""

import math
import re

import numpy as np
import pytest

import minigrad as torch
from tests.any_device import without_device
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


NAN = math.nan


def test_a_law_has_the_shapes_and_moments_of_its_batch():
    law = D.Normal(torch.zeros(3), 2.0)
    assert law.batch_shape == (3,) and law.event_shape == () and law.sample((5,)).shape == (5, 3)
    assert law.mean.tolist() == [0.0] * 3 and law.variance.tolist() == [4.0] * 3 and law.stddev.tolist() == [2.0] * 3
    assert law.perplexity().tolist() == pytest.approx([math.sqrt(2 * math.pi * math.e) * 2] * 3)


def test_one_number_is_printed_and_several_as_their_size():
    assert repr(D.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert without_device(repr(D.Normal(T([0.0]), 2.0))) == "Normal(loc: tensor([0.]), scale: tensor([2.]))"
    assert repr(D.Normal(0.0, torch.ones(3))) == "Normal(loc: minigrad.Size([3]), scale: minigrad.Size([3]))"
    assert repr(D.Uniform(0.0, 2.0)) == "Uniform(low: 0.0, high: 2.0)" and repr(D.LogNormal(0.0, 1.0)) == "LogNormal()"
    assert (
        repr(D.Bernoulli(0.5)) == "Bernoulli(probs: 0.5)"
        and repr(D.Bernoulli(logits=0.25)) == "Bernoulli(logits: 0.25)"
    )


def test_checks_can_be_switched_off_for_all_that_do_not_ask_for_them():
    try:
        D.Distribution.set_default_validate_args(False)
        assert D.Normal(0.0, -1.0).scale.item() == -1.0
        assert D.Bernoulli(T(0.5)).log_prob(T(3.0)).isfinite()
        with pytest.raises(ValueError, match="to satisfy the constraint"):
            D.Normal(0.0, -1.0, validate_args=True)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        D.Normal(0.0, -1.0)
    with pytest.raises(ValueError, match=r"set_default_validate_args\(\) takes a bool, got 'no'"):
        D.Distribution.set_default_validate_args("no")


def test_validate_args_false_checks_nothing():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1.0


def test_a_number_beside_a_tensor_has_its_dtype():
    law = D.Normal(0.0, torch.ones(2, dtype=torch.float64))
    assert law.loc.dtype is law.sample().dtype is torch.float64
    assert D.Uniform(0, 3).sample().dtype is torch.float32


def test_a_law_of_one_number_is_expanded_to_no_axes():
    law = D.Normal(torch.tensor(0.0), torch.tensor(1.0)).expand(())
    assert law.batch_shape == () == law.sample().shape


def test_all_values_of_a_law_with_few():
    pairs, rows = D.Bernoulli(T([0.2, 0.9])), D.Categorical(torch.ones(2, 3))
    assert pairs.enumerate_support().tolist() == [[0, 0], [1, 1]]
    assert pairs.enumerate_support(expand=False).tolist() == [[0], [1]]
    assert rows.enumerate_support().shape == (3, 2) and rows.enumerate_support().dtype is torch.int64
    assert D.OneHotCategorical(torch.ones(2, 3)).enumerate_support()[:, 1].tolist() == torch.eye(3).tolist()
    with pytest.raises(NotImplementedError, match="Normal has no enumerate_support: it has too many values"):
        D.Normal(0.0, 1.0).enumerate_support()


def test_an_expanded_law_has_views_of_the_parameters():
    law = D.Categorical(T([[1.0, 2.0, 7.0]])).expand((4, 1))
    assert law.probs.shape == (4, 1, 3) and law.probs.stride(0) == 0 and law.sample((2,)).shape == (2, 4, 1)
    assert D.Normal(0.0, 1.0).expand((2,)).batch_shape == (2,) == D.MultivariateNormal(
        torch.zeros(3), torch.eye(3)).expand((2,)).log_prob(torch.zeros(3)).shape  # fmt: skip


def test_a_law_of_ones_own_declares_what_it_takes():
    class Wedge(D.Distribution):
        """p(x) = 2 x / top^2 for x from 0 to top."""

        arg_constraints = {"top": D.constraints.positive}  # noqa: RUF012
        support = property(lambda self: D.constraints.interval(0.0, self.top))

        def __init__(self, top, validate_args=None):
            self.top = T(top)
            super().__init__(validate_args=validate_args)

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return torch.log(2 * value / self.top**2)

    assert Wedge(2.0).log_prob(T(1.0)).item() == pytest.approx(math.log(0.5)) and repr(Wedge(2.0)) == "Wedge(top: 2.0)"
    with pytest.raises(ValueError, match=r"parameter top .* of distribution Wedge\(top: -2.0\) to satisfy"):
        Wedge(-2.0)
    with pytest.raises(ValueError, match=r"support \(Interval\(lower_bound=0.0, upper_bound=2.0\)\)"):
        Wedge(2.0).log_prob(T(3.0))


def test_the_sets_of_parameters_and_values_can_be_asked():
    assert repr(D.Normal.arg_constraints) == "{'loc': Real(), 'scale': GreaterThan(lower_bound=0.0)}"
    laws = [D.Categorical(torch.ones(3)), D.Pareto(1.0, 2.0), D.LogNormal(0.0, 1.0), D.Beta(1.0, 1.0)]
    assert [repr(law.support) for law in laws] == [
        "IntegerInterval(lower_bound=0, upper_bound=2)", "GreaterThanEq(lower_bound=1.0)",
        "GreaterThan(lower_bound=0.0)", "Interval(lower_bound=0.0, upper_bound=1.0)",
    ]  # fmt: skip
    joined = D.Independent(D.Normal(torch.zeros(2), 1.0), 1)
    assert repr(joined.support) == "IndependentConstraint(Real(), 1)" and D.Distribution().support is None


@pytest.mark.parametrize("make", [D.Normal, D.Laplace, D.Cauchy, D.Gumbel, D.LogNormal])
def test_a_location_that_is_nan_is_refused(make):
    words = r"Expected parameter loc \(Tensor of shape \(2,\)\) of distribution .* to satisfy the constraint Real\(\)"
    with pytest.raises(ValueError, match=words + r", but found invalid values:\ntensor\(\[0., nan\]"):
        make(T([0.0, NAN]), 1.0)
    assert make(T([0.0, NAN]), 1.0, validate_args=False).batch_shape == (2,)


IMPOSSIBLE = [
    (D.Laplace(0.0, 1.0), NAN, "Real"),
    (D.Cauchy(0.0, 1.0), NAN, "Real"),
    (D.Gumbel(0.0, 1.0), NAN, "Real"),
    (D.MultivariateNormal(torch.zeros(2), torch.eye(2)), [0.0, NAN], "Real"),
    (D.LogNormal(0.0, 1.0), -1.0, "GreaterThan"),
    (D.Pareto(1.0, 2.0), 0.5, "GreaterThanEq"),
    (D.Exponential(1.0), -1.0, "GreaterThanEq"),
    (D.Uniform(0.0, 1.0), 2.0, "Interval"),
    (D.HalfNormal(1.0), -1.0, "GreaterThanEq"),
    (D.Geometric(0.5), math.inf, "IntegerGreaterThan"),
    (D.Poisson(1.0), math.inf, "IntegerGreaterThan"),
    (D.Gamma(1.0, 1.0), NAN, "GreaterThanEq"),
    (D.Beta(1.0, 1.0), 1.5, "Interval"),
    (D.Dirichlet(torch.ones(2)), [1.0, 1.0], "Simplex"),
    (D.Categorical(torch.ones(3)), 1.5, "IntegerInterval"),
    (D.Bernoulli(0.5), 0.5, "Boolean"),
    (D.OneHotCategorical(torch.ones(2)), [1.0, 1.0], "OneHot"),
    (D.Multinomial(2, torch.ones(2)), [2.0, 1.0], "Multinomial"),
]


@pytest.mark.parametrize(("law", "value", "support"), IMPOSSIBLE, ids=lambda x: type(x).__name__)
def test_a_value_that_the_distribution_cannot_have_is_refused(law, value, support):
    shape = re.escape(str(tuple(T(value).shape)))
    words = rf"Expected value argument \(Tensor of shape {shape}\) to be within the support \(.*{support}\("
    calls = [law.log_prob, law.cdf] if type(law)._cdf is not D.Distribution._cdf else [law.log_prob]
    for call in calls:
        with pytest.raises(ValueError, match=words):
            call(T(value))


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


REFUSED = {
    "no rsample": (lambda: D.Bernoulli(0.5).rsample(), NotImplementedError, "Bernoulli has no rsample"),
    "no density": (lambda: D.Distribution().log_prob(T(0.0)), NotImplementedError, "has no log_prob"),
    "no entropy": (lambda: D.Distribution().entropy(), NotImplementedError, "has no entropy"),
    "no mean": (lambda: D.Distribution().mean, NotImplementedError, "Distribution has no mean"),
    "no mode": (lambda: D.Distribution().mode, NotImplementedError, "Distribution has no mode"),
    "no variance": (lambda: D.Distribution().stddev, NotImplementedError, "Distribution has no variance"),
    "no cdf": (lambda: D.Poisson(1.0).cdf(T(1.0)), NotImplementedError, "Poisson has no cdf"),
    "no cdf of any value": (lambda: D.Bernoulli(0.3).cdf(T(0.5)), NotImplementedError, "Bernoulli has no cdf"),
    "no icdf": (lambda: D.Poisson(1.0).icdf(T(0.5)), NotImplementedError, "Poisson has no icdf"),
}  # fmt: skip

test_refused = refusals(REFUSED)


LAWS = (
    D.Normal(0.0, 1.0), D.Categorical(torch.ones(2)), D.Multinomial(2, torch.ones(2)), D.LogNormal(0.0, 1.0),
    D.Bernoulli(0.5),
)  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
@pytest.mark.parametrize(("shape", "got"), [(2, "int 2"), (None, "NoneType None")])
def test_a_sample_shape_is_a_shape(law, shape, got):
    with pytest.raises(TypeError, match=rf"sample_shape must be a shape, such as \(2,\), got {got}"):
        law.sample(shape)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.distributions.InverseGamma("a", 2.0), "got str 'a'; a text holds no numbers"),
        (lambda: torch.distributions.Normal(0.0, "1"), "got str '1'; a text holds no numbers"),
        (lambda: torch.distributions.Bernoulli([0.5, 0.5]), r"got list \[0.5, 0.5\]; wrap it with minigrad.tensor"),
        (lambda: torch.distributions.Gamma(np.ones(2), 1.0), "got ndarray array.*minigrad.from_numpy"),
        (lambda: torch.distributions.Exponential(None), "got NoneType None; a function without a return statement"),
    ],
)
def test_a_parameter_that_is_no_number_and_no_tensor_is_refused(make, words):
    with pytest.raises(ValueError, match=f"Input arguments must all be instances of Number or Tensor, {words}"):
        make()
