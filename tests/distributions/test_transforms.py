"""Transforms, and distributions of transformed values: PyTorch's numbers, inverses, slopes against autograd."""

import math

import pytest
from scipy import stats

import minigrad as torch
from minigrad.distributions import constraints
from minigrad.distributions.transforms import identity_transform
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor

X = T([0.3, 1.2, 0.7], dtype=torch.float64)
ELEMENTWISE = {
    "exp": D.ExpTransform(), "sigmoid": D.SigmoidTransform(), "tanh": D.TanhTransform(),
    "softplus": D.SoftplusTransform(), "power": D.PowerTransform(2.0), "affine": D.AffineTransform(1.0, -2.5),
    "affine of tensors": D.AffineTransform(T([0.0, 1, 2]), T([1.0, -2, 3])), "identity": identity_transform,
    "three in turn": D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0.0, 2.0), D.ExpTransform().inv]),
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_transform_is_undone_by_its_inverse_and_knows_its_slope(name):
    transform, x = ELEMENTWISE[name], X.clone().requires_grad_()
    y = transform(x)
    assert transform.inv(y).tolist() == pytest.approx(x.tolist())
    assert transform.inv.inv is transform and transform == transform and transform.inv == transform.inv
    slopes = torch.autograd.grad(y.sum(), x)[0]
    expected = slopes.abs().log().tolist()
    assert transform.log_abs_det_jacobian(x, y).tolist() == pytest.approx(expected)
    assert transform.inv.log_abs_det_jacobian(y, x).tolist() == pytest.approx([-s for s in expected])
    signs = torch.broadcast_to(torch.as_tensor(transform.sign), x.shape)
    assert signs.tolist() == slopes.sign().tolist() and transform.bijective
    assert transform.with_cache().inv(transform.with_cache()(x)).tolist() == pytest.approx(x.tolist())


def test_a_cache_gives_back_what_was_put_in():
    for transform in (
        *ELEMENTWISE.values(),
        D.ReshapeTransform((3,), (3, 1)),
        D.IndependentTransform(D.ExpTransform(), 1),
    ):
        if transform is not identity_transform:
            kept = transform.with_cache()
            assert kept.inv(kept(X)) is X and kept(X) is kept(X) and kept.with_cache(1) is kept


def test_values_of_several_numbers_have_one_slope():
    x = X.reshape(1, 3)
    scale = T([2.0, -3, 0.5], dtype=torch.float64)
    together = D.AffineTransform(0.0, scale, event_dim=1)
    assert together.log_abs_det_jacobian(x, together(x)).tolist() == pytest.approx([math.log(3)])
    joined = D.IndependentTransform(D.ExpTransform(), 1)
    assert joined.log_abs_det_jacobian(x, joined(x)).tolist() == pytest.approx([2.2]) and joined.event_dim == 1
    reshaped = D.ReshapeTransform((3,), (3, 1))
    assert reshaped(x).shape == (1, 3, 1) and reshaped.inv(reshaped(x)).shape == (1, 3)
    assert reshaped.log_abs_det_jacobian(x, reshaped(x)).tolist() == [0.0]
    mixed = D.ComposeTransform([D.ExpTransform(), together])
    assert mixed.log_abs_det_jacobian(x, mixed(x)).tolist() == pytest.approx([2.2 + math.log(3)])
    assert mixed.domain.event_dim == mixed.codomain.event_dim == 1


def test_transforms_that_lose_something_have_a_pseudo_inverse():
    assert D.AbsTransform()(T([-2.0, 1])).tolist() == [2, 1] and D.AbsTransform().inv(T([2.0])).tolist() == [2]
    softmax = D.SoftmaxTransform()
    assert softmax(softmax.inv(softmax(X))).tolist() == pytest.approx(softmax(X).tolist())
    assert not softmax.bijective and not D.AbsTransform().bijective


def test_transforms_are_printed_by_their_names():
    assert repr(D.ExpTransform().inv) == "_InverseTransform(ExpTransform())"
    assert repr(D.ComposeTransform([D.ExpTransform()])) == "ComposeTransform(\n    ExpTransform()\n)"
    assert repr(D.IndependentTransform(D.TanhTransform(), 2)) == "IndependentTransform(TanhTransform(), 2)"


def test_constraints_check_values_and_print_their_bounds():
    shown = [constraints.positive, constraints.unit_interval, constraints.real_vector, constraints.less_than(3)]
    assert [repr(c) for c in shown] == [
        "GreaterThan(lower_bound=0.0)", "Interval(lower_bound=0.0, upper_bound=1.0)",
        "IndependentConstraint(Real(), 1)", "LessThan(upper_bound=3)",
    ]  # fmt: skip
    x = T([0.0, 0.5, 1.0, -2.0, math.nan])
    assert constraints.boolean.check(x).tolist() == [True, False, True, False, False]
    assert constraints.nonnegative.check(x).tolist() == [True, True, True, False, False]
    assert constraints.real.check(x).tolist() == [True, True, True, True, False]
    assert constraints.less_than(0.5).check(x).tolist() == [True, False, False, True, False]
    assert constraints.integer_interval(-2, 0).check(x).tolist() == [True, False, False, True, False]
    assert constraints.nonnegative_integer.check(x).tolist() == [True, False, True, False, False]
    assert constraints.simplex.check(T([[0.5, 0.5], [0.5, 0.6]])).tolist() == [True, False]
    assert constraints.real_vector.check(T([[0.0, 1.0], [math.nan, 0.0]])).tolist() == [True, False]


# What PyTorch 2.13 draws after manual_seed(1), and the logarithms of the densities there.
DRAWN = {
    "LogNormal": (lambda: D.LogNormal(0, 1), [1.9374, 1.3059, 1.0636, 1.8614], [-1.7990, -1.2215, -0.9825, -1.7333]),
    "Gumbel": (lambda: D.Gumbel(0.0, 1.0), [1.2817, -0.2433, 0.0958, 1.1766], [-1.5593, -1.0321, -1.0044, -1.4849]),
    "Laplace": (lambda: D.Laplace(0.0, 1.0), [0.7241, -0.5823, -0.2155, 0.6337], [-1.4173, -1.2754, -0.9086, -1.3268]),
    "Cauchy": (lambda: D.Cauchy(0.0, 1.0), [-5.1495, -1.1742, -1.1042, -1.6080], [-4.4596, -2.0113, -1.9419, -2.4216]),
    "HalfNormal": (lambda: D.HalfNormal(1.0), [0.6614, 0.2669, 0.0617, 0.6213], [-0.4445, -0.2614, -0.2277, -0.4188]),
}  # fmt: skip


@pytest.mark.cpu("a GPU draws other numbers")
@pytest.mark.parametrize("name", DRAWN)
def test_draws_and_densities_are_those_of_pytorch(name):
    make, draws, densities = DRAWN[name]
    torch.manual_seed(1)
    drawn = make().sample((4,))
    assert drawn.tolist() == pytest.approx(draws, abs=1e-4)
    assert make().log_prob(drawn).tolist() == pytest.approx(densities, abs=1e-4)


SCIPYS = {
    "LogNormal": (D.LogNormal(T(0.5).double(), 0.8), stats.lognorm(0.8, scale=math.exp(0.5))),
    "Gumbel": (D.Gumbel(T(0.5).double(), 0.8), stats.gumbel_r(0.5, 0.8)),
    "Laplace": (D.Laplace(T(0.5).double(), 0.8), stats.laplace(0.5, 0.8)),
    "HalfNormal": (D.HalfNormal(T(0.8).double()), stats.halfnorm(scale=0.8)),
    "Pareto": (D.Pareto(T(0.5).double(), 3.0), stats.pareto(3.0, scale=0.5)),
    "Normal": (D.Normal(T(0.5).double(), 0.8), stats.norm(0.5, 0.8)),
    "Uniform": (D.Uniform(T(0.5).double(), 2.5), stats.uniform(0.5, 2)),
    "Exponential": (D.Exponential(T(0.8).double()), stats.expon(scale=1 / 0.8)),
}


@pytest.mark.parametrize("name", SCIPYS)
def test_moments_and_quantiles_are_those_of_scipy(name):
    law, expected = SCIPYS[name]
    x = T(1.3, dtype=torch.float64)
    found = [law.mean, law.variance, law.stddev, law.entropy(), law.cdf(x), law.log_prob(x), law.icdf(T(0.3).double())]
    numbers = (expected.mean(), expected.var(), expected.std(), expected.entropy())
    assert [f.item() for f in found] == pytest.approx(
        [*numbers, expected.cdf(1.3), expected.logpdf(1.3), expected.ppf(0.3)]
    )


def test_a_law_without_a_mean_says_nan():
    law, expected = D.Cauchy(0.5, 0.8), stats.cauchy(0.5, 0.8)
    assert math.isnan(law.mean) and law.variance == math.inf and law.mode == 0.5
    found = [law.entropy(), law.cdf(T(1.3)), law.log_prob(T(1.3)), law.icdf(T(0.3))]
    numbers = [expected.entropy(), expected.cdf(1.3), expected.logpdf(1.3), expected.ppf(0.3)]
    assert [f.item() for f in found] == pytest.approx(numbers, abs=1e-5)


def test_the_most_likely_values():
    laws = [D.LogNormal(0.0, 1.0), D.Gumbel(2.0, 1.0), D.Pareto(2.0, 1.0), D.Laplace(2.0, 1.0), D.HalfNormal(1.0)]
    assert [law.mode.item() for law in laws] == pytest.approx([math.exp(-1), 2, 2, 2, 0])


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


def test_a_decreasing_transform_turns_the_cdf():
    law = D.TransformedDistribution(D.Uniform(0.0, 1.0), D.AffineTransform(0.0, -2.0))
    assert law.cdf(T(-0.5)).item() == 0.75 and law.icdf(T(0.75)).item() == -0.5


def test_transforms_learn():
    scale, loc = T(2.0, requires_grad=True), T(1.0, requires_grad=True)
    law = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(loc, scale))
    slopes = torch.autograd.grad(law.log_prob(T(2.0)), [loc, scale])
    assert [s.item() for s in slopes] == pytest.approx([0.25, -0.375])  # of the normal density
    assert law.rsample().requires_grad and not law.sample().requires_grad


class Planar(D.Transform, torch.nn.Module):
    """A lesson's flow: y = x + u tanh(w x + b)."""

    domain = codomain = constraints.real_vector
    bijective = True

    def __init__(self):
        D.Transform.__init__(self)
        self.w, self.u = torch.nn.Parameter(T([1.0, -1.0])), torch.nn.Parameter(T([0.5, 0.5]))

    def _call(self, z):
        return z + self.u * torch.tanh(z @ self.w).unsqueeze(-1)

    def log_abs_det_jacobian(self, z, y):
        return (1 + (1 - torch.tanh(z @ self.w) ** 2) * (self.w @ self.u)).abs().log()


def test_a_transform_may_be_a_module():
    flow = Planar()
    assert [name for name, _ in flow.named_parameters()] == ["w", "u"]
    z = torch.ones(4, 2)
    assert flow(z).shape == (4, 2) and flow.log_abs_det_jacobian(z, flow(z)).shape == (4,)
    kept = flow.with_cache()
    assert kept(z) is kept(z) and flow(z) is not flow(z) and next(iter(kept.parameters())) is flow.w
    whole = D.ComposeTransform([flow, Planar()])
    whole.log_abs_det_jacobian(z, whole(z)).sum().backward()
    assert flow.u.grad is not None


REFUSED = {
    "a cache": (lambda: D.Transform(2), ValueError, "cache_size must be 0 or 1, got 2"),
    "a number for a transform": (
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), 3), ValueError, "a list of Transforms, but was 3"),
    "too few axes": (
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.SoftmaxTransform()), ValueError,
        "at least 1 axes for values of the base, got shape"),
    "other elements": (lambda: D.ReshapeTransform((2,), (3,)), ValueError, "different numbers of elements"),
    "another shape": (lambda: D.ReshapeTransform((2,), (2, 1))(torch.ones(3)), ValueError, "Shape mismatch"),
    "no axis to join": (
        lambda: D.IndependentTransform(D.ExpTransform(), 1)(T(1.0)), ValueError, "Too few dimensions on input: 0"),
    "no axis to part": (
        lambda: D.IndependentTransform(D.ExpTransform(), 1).inv(T(1.0)), ValueError, "Too few dimensions on input: 0"),
    "two numbers of axes": (lambda: D.ReshapeTransform((2,), (2, 1)).event_dim, ValueError, "Please use either"),
    "no call": (lambda: D.Transform()(T(1.0)), NotImplementedError, "has no _call"),
    "no inverse": (lambda: Planar().inv(T([1.0, 1.0])), NotImplementedError, "Planar has no _inverse"),
    "no slope": (lambda: D.AbsTransform().log_abs_det_jacobian(1, 1), NotImplementedError, "no log_abs_det_jacobian"),
    "no sign": (lambda: D.AbsTransform().sign, NotImplementedError, "AbsTransform has no sign"),
    "another cache": (lambda: Planar().with_cache(2), ValueError, "cache_size must be 0 or 1, got 2"),
    "no check": (lambda: constraints.Constraint().check(1), NotImplementedError, "Constraint has no check"),
    "a scale of Gumbel's": (lambda: D.Gumbel(0.0, -1.0), ValueError, "the scale must be positive"),
    "a scale of Pareto's": (lambda: D.Pareto(-1.0, 1.0), ValueError, "the scale must be positive"),
    "a value that exp never gives": (
        lambda: D.LogNormal(0.0, 1.0).log_prob(T(-1.0)), ValueError, "in the support, GreaterThan"),
    "half a scale": (lambda: D.HalfNormal(-1.0), ValueError, "the scale must be positive"),
    "a negative half": (lambda: D.HalfNormal(1.0).log_prob(T(-1.0)), ValueError, "the value is negative"),
}  # fmt: skip

test_refused = refusals(REFUSED)
